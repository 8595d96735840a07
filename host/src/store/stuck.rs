//! What waits for somebody, counted by reason: the short list that people look at first.

use super::rows::Bind;
use super::set_aside::{Kind, kind};
use super::{Error, Store};
use tollgate_core::model::{At, FlowName, Tenant};

/// Set-aside changes of one flow that wait for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckRow {
    /// How they are set aside.
    pub kind: Kind,
    /// The rule that decided so; one of them where they differ.
    pub rule: String,
    /// The row of a translation table that would release them; none if no table would.
    pub need: Option<String>,
    /// How many they are.
    pub count: u64,
    /// Since when the oldest of them waits.
    pub since: At,
    /// Why, as one of them says.
    pub reason: String,
}

const BY_TABLE: &str = "SELECT s.kind, min(s.rule), count(*), min(s.since), min(s.reason), n.need
     FROM set_aside_need AS n JOIN set_aside AS s ON s.tenant = n.tenant AND s.flow = n.flow AND s.key = n.key
     WHERE n.tenant = $1 AND n.flow = $2 AND n.need LIKE 'table:%'
     GROUP BY s.kind, n.need ORDER BY count(*) DESC, n.need LIMIT $3";

const BY_RULE: &str = "SELECT s.kind, s.rule, count(*), min(s.since), min(s.reason), NULL
     FROM set_aside AS s WHERE s.tenant = $1 AND s.flow = $2 AND NOT EXISTS
         (SELECT 1 FROM set_aside_need AS n
          WHERE n.tenant = s.tenant AND n.flow = s.flow AND n.key = s.key AND n.need LIKE 'table:%')
     GROUP BY s.kind, s.rule ORDER BY count(*) DESC, s.rule LIMIT $3";

impl Store {
    /// What waits of a flow: by the row of a table that would release it, then the rest by rule; at most `most` of each,
    /// the most frequent first.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn stuck(&self, tenant: &Tenant, flow: &FlowName, most: u32) -> Result<Vec<StuckRow>, Error> {
        let mut rows = Vec::new();
        let mut reader = self.reader().await?;
        for sql in [BY_TABLE, BY_RULE] {
            let bind = Bind::new().text(tenant.as_str()).text(flow.as_str()).int(most.into());
            let read = |row: &super::rows::Fields<'_>| {
                Ok(StuckRow {
                    kind: kind(row, 0)?,
                    rule: row.text(1)?,
                    count: row.number(2)?,
                    since: At(row.int(3)?),
                    reason: row.text(4)?,
                    need: row.maybe(5)?,
                })
            };
            rows.extend(reader.fetch(sql, bind, read).await?);
        }
        Ok(rows)
    }
}
