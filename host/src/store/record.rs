//! The last known state of each record in each system, and which business thing it is.

use super::rows::{Bind, Fields, Keys, Many};
use super::{Commit, Error, Store};
use std::collections::HashMap;
use tollgate_core::model::{At, EntityId, EntityName, Fence, Flag, SystemName, Tenant};

/// One record of an entity in one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// The system.
    pub system: SystemName,
    /// The system's own key.
    pub key: String,
    /// Our own id, the same in all systems.
    pub entity_id: EntityId,
    /// What recognises the record where no link exists yet.
    pub natural: Option<String>,
    /// The system's version.
    pub version: Option<String>,
    /// The hash of what this host last wrote there; empty if it never did.
    pub hash: String,
    /// What was last read from there, as JSON text; empty if it never was.
    pub state: String,
    /// Whether the flow's predicate held when it was read.
    pub is_matched: bool,
    /// What a person should look at in what was last written there.
    pub flags: Vec<Flag>,
    /// What became of the last change.
    pub outcome: String,
}

/// One column that a look-up goes by, and its statement.
macro_rules! by {
    ($column:literal) => {
        Many {
            before: concat!(
                "SELECT system, key, entity_id, natural_key, version, hash, state, is_matched, flags, outcome FROM record
                 WHERE tenant = $1 AND entity = $2 AND system = $3 AND ",
                $column,
                " IN ("
            ),
            row: "?",
            after: ")",
        }
    };
}

const PUT: Many<'_> = Many {
    before: "INSERT INTO record (tenant, entity, fence, at, system, key, entity_id, natural_key, version, hash, state,
             is_matched, flags, outcome) VALUES ",
    row: "($1, $2, $3, $4, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    after: " ON CONFLICT (tenant, entity, system, key) DO UPDATE
            SET entity_id = excluded.entity_id, natural_key = COALESCE(excluded.natural_key, record.natural_key),
                version = COALESCE(excluded.version, record.version),
                hash = CASE WHEN excluded.hash = '' THEN record.hash ELSE excluded.hash END,
                state = CASE WHEN excluded.state = '' THEN record.state ELSE excluded.state END,
                is_matched = CASE WHEN excluded.state = '' THEN record.is_matched ELSE excluded.is_matched END,
                flags = CASE WHEN excluded.hash = '' THEN record.flags ELSE excluded.flags END,
                outcome = excluded.outcome, fence = excluded.fence, at = excluded.at",
};

impl Commit {
    /// Stores what was learned of records: by reading (state) or by writing (hash, flags). What a row leaves empty is kept, so
    /// that two flows of opposite directions may store the same record. Of rows with the same system and key the last
    /// one counts.
    ///
    /// # Errors
    /// As [`Store::begin`], and [`Error::Unstorable`].
    pub async fn put_records(
        &mut self,
        entity: &EntityName,
        rows: &[RecordRow],
        fence: Fence,
        at: At,
    ) -> Result<(), Error> {
        self.guarded(fence);
        // In the order of the keys: two flows that write the same records then wait for each other, never in a ring.
        let mut last: Vec<_> =
            rows.iter().map(|row| ((&row.system, &row.key), row)).collect::<HashMap<_, _>>().into_iter().collect();
        last.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.rows += last.len() as u64;
        let tenant = self.tenant.as_str();
        let shared = || Bind::new().text(tenant).text(entity.as_str()).int(fence.0).int(at.0);
        self.session
            .insert(PUT, shared, &last, |bind, (_, row)| {
                bind.text(row.system.as_str())
                    .text(&row.key)
                    .text(row.entity_id.as_str())
                    .maybe(row.natural.as_deref())
                    .maybe(row.version.as_deref())
                    .text(&row.hash)
                    .text(&row.state)
                    .flag(row.is_matched)
                    .text(&printed(&row.flags))
                    .text(&row.outcome)
            })
            .await
    }
}

impl Store {
    /// What is known of the records with these keys, in no order; unknown ones are left out.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn records(
        &self,
        tenant: &Tenant,
        entity: &EntityName,
        system: &SystemName,
        keys: &[&str],
    ) -> Result<Vec<RecordRow>, Error> {
        self.records_by(by!("key"), (tenant, entity, system), keys).await
    }

    /// The records of these business things in one system.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn counterparts(
        &self,
        tenant: &Tenant,
        entity: &EntityName,
        system: &SystemName,
        entity_ids: &[&EntityId],
    ) -> Result<Vec<RecordRow>, Error> {
        let ids: Vec<&str> = entity_ids.iter().map(|id| id.as_str()).collect();
        self.records_by(by!("entity_id"), (tenant, entity, system), &ids).await
    }

    /// The records that are recognised by these values.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn records_by_natural(
        &self,
        tenant: &Tenant,
        entity: &EntityName,
        system: &SystemName,
        naturals: &[&str],
    ) -> Result<Vec<RecordRow>, Error> {
        self.records_by(by!("natural_key"), (tenant, entity, system), naturals).await
    }

    /// The records of an entity in one system that a person should look at, by key, at most `most`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn flagged_records(
        &self,
        tenant: &Tenant,
        (entity, system): (&EntityName, &SystemName),
        after: &str,
        most: u32,
    ) -> Result<Vec<RecordRow>, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(entity.as_str()).text(system.as_str()).int(most.into());
        let bind = bind.text(after);
        self.reader()
            .await?
            .fetch(
                "SELECT system, key, entity_id, natural_key, version, hash, state, is_matched, flags, outcome FROM record
                 WHERE tenant = $1 AND entity = $2 AND system = $3 AND flags <> '' AND key > $5
                 ORDER BY key LIMIT $4",
                bind,
                read,
            )
            .await
    }

    /// How many records of an entity are known in one system.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn record_count(&self, tenant: &Tenant, entity: &EntityName, system: &SystemName) -> Result<u64, Error> {
        let count = self
            .reader()
            .await?
            .fetch_one(
                "SELECT count(*) FROM record WHERE tenant = $1 AND entity = $2 AND system = $3",
                Bind::new().text(tenant.as_str()).text(entity.as_str()).text(system.as_str()),
                |row| row.number(0),
            )
            .await?;
        Ok(count.unwrap_or(0))
    }

    async fn records_by(
        &self,
        many: Many<'_>,
        (tenant, entity, system): (&Tenant, &EntityName, &SystemName),
        values: &[&str],
    ) -> Result<Vec<RecordRow>, Error> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        // Asked for twice, a record in two chunks would come back twice.
        let mut values = values.to_vec();
        values.sort_unstable();
        values.dedup();
        let list = Keys { many, keys: &values, each: |bind: Bind, value: &&str| bind.text(value) };
        let shared = || Bind::new().text(tenant.as_str()).text(entity.as_str()).text(system.as_str());
        self.reader().await?.fetch_for(list, shared, read).await
    }
}

fn read(row: &Fields<'_>) -> Result<RecordRow, Error> {
    Ok(RecordRow {
        system: row.text(0)?.into(),
        key: row.text(1)?,
        entity_id: row.text(2)?.into(),
        natural: row.maybe(3)?,
        version: row.maybe(4)?,
        hash: row.text(5)?,
        state: row.text(6)?,
        is_matched: row.flag(7)?,
        flags: flags(row, 8)?,
        outcome: row.text(9)?,
    })
}

/// As JSON text; empty for none, which the index leaves out.
fn printed(flags: &[Flag]) -> String {
    if flags.is_empty() { String::new() } else { serde_json::json!(flags).to_string() }
}

fn flags(row: &Fields<'_>, position: usize) -> Result<Vec<Flag>, Error> {
    let text = row.text(position)?;
    if text.is_empty() { Ok(Vec::new()) } else { serde_json::from_str(&text).map_err(|_| row.damaged(position)) }
}
