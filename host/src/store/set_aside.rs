//! Changes that need something before they go on: a hold waits for something known, an exception for a person or the
//! source, a dead letter for a person.
//!
//! A change names its needs; whoever provides one calls [`Commit::release`], in any flow. The needs of a change stand twice:
//! as JSON in its row, to be read with it, and as rows, to find it by.
//!
//! A need may be satisfied by one flow while another decides that it is missing; the release would then find nothing to
//! make ready, and the change would wait for ever. So releases are kept for a while (`satisfied`), numbered, and whoever
//! sets a change aside says up to which number it had looked. The number comes from a row that all of these commits
//! share, so that they take turns: of two commits one always sees the other.

use super::audit::next_numbers;
use super::rows::{Bind, Fields, Keys, Many};
use super::{Commit, Error, Store};
use sqlx::AssertSqlSafe;
use std::collections::{HashMap, HashSet};
use tollgate_core::model::{At, Fence, FlowName, Tenant, limits};

/// The rule of a hold whose write may have been done: nothing but a person's decision lets it be written again.
pub const PARKED: &str = "parked";
/// The rule of a hold whose write the target has taken and not finished: the same holds for it.
pub const PENDING: &str = "pending";

/// Why a change was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Waits for something known: an approval, its parent, a mapping, an unknown outcome.
    Hold,
    /// Failed validation; a person or the source must mend it.
    Exception,
    /// Its last attempt failed.
    DeadLetter,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Hold, Kind::Exception, Kind::DeadLetter];

    /// Its name as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Hold => "hold",
            Kind::Exception => "exception",
            Kind::DeadLetter => "dead-letter",
        }
    }
}

/// One change that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAsideRow {
    /// The record's key in the source.
    pub key: String,
    /// Why.
    pub kind: Kind,
    /// The rule that decided so, a short stable word.
    pub rule: String,
    /// What is wrong and how to mend it, for people.
    pub reason: String,
    /// What the rule knows, as JSON text.
    pub detail: String,
    /// The change, as JSON text.
    pub change: String,
    /// What it waits for; any of these makes it ready.
    pub needs: Vec<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when.
    pub since: At,
}

const COLUMNS: &str = "SELECT key, kind, rule, reason, detail, change, needs, attempts, since FROM set_aside WHERE tenant = $1 AND flow = $2";

const PUT: Many<'_> = Many {
    before:
        "INSERT INTO set_aside (tenant, flow, fence, ready, key, kind, rule, reason, detail, change, needs, attempts,
             since) VALUES ",
    row: "($1, $2, $3, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    after: " ON CONFLICT (tenant, flow, key) DO UPDATE
            SET fence = excluded.fence, ready = 0, kind = excluded.kind, rule = excluded.rule, reason = excluded.reason,
                detail = excluded.detail, change = excluded.change, needs = excluded.needs,
                attempts = excluded.attempts, since = excluded.since",
};

const PUT_NEEDS: Many<'_> = Many {
    before: "INSERT INTO set_aside_need (tenant, flow, need, key) VALUES ",
    row: "($1, $2, ?, ?)",
    after: " ON CONFLICT (tenant, need, flow, key) DO NOTHING",
};

const PUT_SATISFIED: Many<'_> = Many {
    before: "INSERT INTO satisfied (tenant, seq, need) VALUES ",
    row: "($1, $2, ?)",
    after: " ON CONFLICT (tenant, need) DO UPDATE SET seq = excluded.seq",
};

const MAKE_READY: Many<'_> = Many {
    before: "UPDATE set_aside SET ready = 1 WHERE tenant = $1 AND flow = $2 AND ready = 0 AND key IN (",
    row: "?",
    after: ")",
};

/// The series that numbers releases.
const SERIES: &str = "need";

const REMOVE_NEEDS: Many<'_> =
    Many { before: "DELETE FROM set_aside_need WHERE tenant = $1 AND flow = $2 AND key IN (", row: "?", after: ")" };

impl SetAsideRow {
    /// Whether the write that it waits for may have been done: creating the record again could double it.
    pub fn is_maybe_done(&self) -> bool {
        self.kind == Kind::Hold && [PARKED, PENDING].contains(&self.rule.as_str())
    }
}

impl Commit {
    /// Sets changes aside, each in place of an earlier one with its key; needs are replaced. What a release after
    /// `seen_seq` ([`Store::need_seq`], taken before looking) satisfied is ready at once, the rest is not. Of rows with
    /// the same key the last one counts. Says how many are ready.
    ///
    /// # Errors
    /// As [`Store::begin`], and [`Error::Unstorable`].
    pub async fn put_set_aside(
        &mut self,
        flow: &FlowName,
        rows: &[SetAsideRow],
        fence: Fence,
        seen_seq: i64,
    ) -> Result<u64, Error> {
        self.guarded(fence);
        if rows.is_empty() {
            return Ok(0);
        }
        let turn = self.take_turn().await?;
        let mut last: Vec<_> =
            rows.iter().map(|row| (row.key.as_str(), row)).collect::<HashMap<_, _>>().into_iter().collect();
        last.sort_unstable_by_key(|(key, _)| *key);
        self.rows += last.len() as u64;
        let tenant = self.tenant.clone();
        let of_flow = || Bind::new().text(tenant.as_str()).text(flow.as_str());
        self.session
            .insert(
                PUT,
                || of_flow().int(fence.0),
                &last,
                |bind, (_, row)| {
                    bind.text(&row.key)
                        .text(row.kind.as_str())
                        .text(&row.rule)
                        .text(&row.reason)
                        .text(&row.detail)
                        .text(&row.change)
                        .text(&serde_json::json!(row.needs).to_string())
                        .int(row.attempts.into())
                        .int(row.since.0)
                },
            )
            .await?;
        self.session.execute_for(REMOVE_NEEDS, of_flow, &last, |bind, (key, _)| bind.text(key)).await?;
        let mut needs: Vec<(&str, &str)> =
            last.iter().flat_map(|(key, row)| row.needs.iter().map(|need| (need.as_str(), *key))).collect();
        needs.sort_unstable();
        needs.dedup();
        self.session.insert(PUT_NEEDS, of_flow, &needs, |bind, (need, key)| bind.text(need).text(key)).await?;
        if turn.saturating_sub(seen_seq) > limits::RELEASES_KEPT {
            // What was satisfied meanwhile is not all remembered: each of them is looked at once more.
            let keys: Vec<&str> = needs.iter().map(|(_, key)| *key).collect();
            return self.make_ready(flow, keys).await;
        }
        self.release_satisfied(flow, &needs, seen_seq).await
    }

    /// Makes ready what waits for a need that was satisfied after `seen_seq`. The needs are matched here: there are few
    /// or none, and a join would leave their number to the guess of a planner.
    async fn release_satisfied(
        &mut self,
        flow: &FlowName,
        needs: &[(&str, &str)],
        seen_seq: i64,
    ) -> Result<u64, Error> {
        let tenant = self.tenant.clone();
        let since = Bind::new().text(tenant.as_str()).int(seen_seq);
        let sql = "SELECT need FROM satisfied WHERE tenant = $1 AND seq > $2";
        let satisfied: HashSet<String> = self.session.fetch(sql, since, |row| row.text(0)).await?.into_iter().collect();
        let keys = needs.iter().filter(|(need, _)| satisfied.contains(*need)).map(|(_, key)| *key).collect();
        self.make_ready(flow, keys).await
    }

    async fn make_ready(&mut self, flow: &FlowName, mut keys: Vec<&str>) -> Result<u64, Error> {
        keys.sort_unstable();
        keys.dedup();
        let tenant = self.tenant.clone();
        let of_flow = || Bind::new().text(tenant.as_str()).text(flow.as_str());
        self.session.execute_for(MAKE_READY, of_flow, &keys, |bind, key| bind.text(key)).await
    }

    /// Waits for the other commits of this tenant that set aside or release, until each of them has ended.
    async fn take_turn(&mut self) -> Result<i64, Error> {
        let tenant = self.tenant.clone();
        next_numbers(&mut self.session, &tenant, SERIES, 1).await
    }

    /// Removes changes that are settled; says which of them there were.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn remove_set_aside(&mut self, flow: &FlowName, keys: &[&str]) -> Result<Vec<(String, Kind)>, Error> {
        self.take_out("DELETE FROM set_aside WHERE tenant = $1 AND flow = $2 AND key IN (", flow, keys).await
    }

    async fn take_out(&mut self, delete: &str, flow: &FlowName, keys: &[&str]) -> Result<Vec<(String, Kind)>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.take_turn().await?;
        let tenant = self.tenant.clone();
        let of_flow = || Bind::new().text(tenant.as_str()).text(flow.as_str());
        let many = Many { before: delete, row: "?", after: ") RETURNING key, kind" };
        let list = Keys { many, keys, each: |bind: Bind, key: &&str| bind.text(key) };
        let removed = self.session.fetch_for(list, of_flow, |row| Ok((row.text(0)?, kind(row, 1)?))).await?;
        self.session.execute_for(REMOVE_NEEDS, of_flow, &removed, |bind, (key, _)| bind.text(key)).await?;
        Ok(removed)
    }

    /// Makes ready every change, of any flow, that waits for one of these; says how many that are.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn release(&mut self, needs: &[&str]) -> Result<u64, Error> {
        if needs.is_empty() {
            return Ok(0);
        }
        let seq = self.take_turn().await?;
        let tenant = self.tenant.clone();
        let mut satisfied = needs.to_vec();
        satisfied.sort_unstable();
        satisfied.dedup();
        let shared = || Bind::new().text(tenant.as_str()).int(seq);
        self.session.insert(PUT_SATISFIED, shared, &satisfied, |bind, need| bind.text(need)).await?;
        let old = Bind::new().text(tenant.as_str()).int(seq - limits::RELEASES_KEPT);
        self.session.execute("DELETE FROM satisfied WHERE tenant = $1 AND seq < $2", old).await?;
        let many = Many {
            before: "UPDATE set_aside SET ready = 1 WHERE tenant = $1 AND ready = 0 AND (flow, key) IN
                     (SELECT flow, key FROM set_aside_need WHERE tenant = $1 AND need IN (",
            row: "?",
            after: "))",
        };
        self.session.execute_for(many, || Bind::new().text(tenant.as_str()), needs, |bind, need| bind.text(need)).await
    }

    /// Makes ready what a person decided to try again, whatever it waits for; says how many of them there were.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn release_keys(&mut self, flow: &FlowName, keys: &[&str]) -> Result<u64, Error> {
        self.take_turn().await?;
        self.make_ready(flow, keys.to_vec()).await
    }

    /// Removes what a person decided not to write, and counts it as skipped; says which there were. What is ready is left
    /// alone: its flow may be taking it up at this moment.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn discard(&mut self, flow: &FlowName, keys: &[&str]) -> Result<Vec<String>, Error> {
        let delete = "DELETE FROM set_aside WHERE tenant = $1 AND flow = $2 AND ready = 0 AND key IN (";
        let gone = self.take_out(delete, flow, keys).await?;
        self.add_discarded(flow, gone.len()).await?;
        Ok(gone.into_iter().map(|(key, _)| key).collect())
    }

    /// Puts another change, as JSON text, in place of a set-aside one and makes it ready; says whether there was one that
    /// nobody takes up at this moment.
    ///
    /// # Errors
    /// As [`Store::begin`], and [`Error::Unstorable`].
    pub async fn edit_set_aside(&mut self, flow: &FlowName, key: &str, change: &str) -> Result<bool, Error> {
        self.take_turn().await?;
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str()).text(key).text(change);
        let sql = "UPDATE set_aside SET change = $4, ready = 1
                   WHERE tenant = $1 AND flow = $2 AND key = $3 AND ready = 0";
        Ok(self.session.execute(sql, bind).await? == 1)
    }

    /// Makes ready every hold and exception of a flow; says how many that are. Dead letters wait for a person, and so does
    /// a hold that is [`PARKED`] or [`PENDING`].
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn release_flow(&mut self, flow: &FlowName) -> Result<u64, Error> {
        self.take_turn().await?;
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str());
        self.session
            .execute(
                "UPDATE set_aside SET ready = 1
                 WHERE tenant = $1 AND flow = $2 AND ready = 0
                   AND (kind = 'exception' OR kind = 'hold' AND rule NOT IN ($3, $4))",
                bind.text(PARKED).text(PENDING),
            )
            .await
    }
}

impl Store {
    /// The number of the last release: what is looked up from now on sees all that was satisfied up to it.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn need_seq(&self, tenant: &Tenant) -> Result<i64, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(SERIES);
        let sql = "SELECT last FROM head WHERE tenant = $1 AND series = $2";
        Ok(self.reader().await?.fetch_one(sql, bind, |row| row.int(0)).await?.unwrap_or(0))
    }

    /// What a flow can take up again, oldest first, at most `most`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn ready(&self, tenant: &Tenant, flow: &FlowName, most: u32) -> Result<Vec<SetAsideRow>, Error> {
        let sql = AssertSqlSafe(format!("{COLUMNS} AND ready = 1 ORDER BY since, key LIMIT $3"));
        let bind = Bind::new().text(tenant.as_str()).text(flow.as_str()).int(most.into());
        self.reader().await?.fetch(sql, bind, read).await
    }

    /// What is set aside of these keys, in no order.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn set_aside(&self, tenant: &Tenant, flow: &FlowName, keys: &[&str]) -> Result<Vec<SetAsideRow>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let before = format!("{COLUMNS} AND key IN (");
        let many = Many { before: &before, row: "?", after: ")" };
        let list = Keys { many, keys: &keys, each: |bind: Bind, key: &&str| bind.text(key) };
        let shared = || Bind::new().text(tenant.as_str()).text(flow.as_str());
        self.reader().await?.fetch_for(list, shared, read).await
    }

    /// A flow's changes of one kind, oldest first, at most `most`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn list_set_aside(
        &self,
        tenant: &Tenant,
        flow: &FlowName,
        kind: Kind,
        most: u32,
    ) -> Result<Vec<SetAsideRow>, Error> {
        let sql = AssertSqlSafe(format!("{COLUMNS} AND kind = $3 ORDER BY since, key LIMIT $4"));
        let bind = Bind::new().text(tenant.as_str()).text(flow.as_str()).text(kind.as_str()).int(most.into());
        self.reader().await?.fetch(sql, bind, read).await
    }

    /// How many changes of a flow each rule has set aside, by kind, then rule.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn count_set_aside_by_rule(
        &self,
        tenant: &Tenant,
        flow: &FlowName,
    ) -> Result<Vec<(Kind, String, u64)>, Error> {
        let mut counts = self
            .reader()
            .await?
            .fetch(
                "SELECT kind, rule, count(*) FROM set_aside WHERE tenant = $1 AND flow = $2 GROUP BY kind, rule",
                Bind::new().text(tenant.as_str()).text(flow.as_str()),
                |row| Ok((kind(row, 0)?, row.text(1)?, row.number(2)?)),
            )
            .await?;
        counts.sort();
        Ok(counts)
    }
}

pub(super) fn kind(row: &Fields<'_>, position: usize) -> Result<Kind, Error> {
    let text = row.text(position)?;
    Kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| row.damaged(position))
}

fn read(row: &Fields<'_>) -> Result<SetAsideRow, Error> {
    Ok(SetAsideRow {
        key: row.text(0)?,
        kind: kind(row, 1)?,
        rule: row.text(2)?,
        reason: row.text(3)?,
        detail: row.text(4)?,
        change: row.text(5)?,
        needs: serde_json::from_str(&row.text(6)?).map_err(|_| row.damaged(6))?,
        attempts: row.number(7)?,
        since: At(row.int(8)?),
    })
}
