//! What a person decides about changes that are set aside: try again, give up, correct.

use super::{App, Error};
use crate::store::{PARKED, PENDING, SetAsideFilter, SetAsideLine, SetAsideRow};
use tollgate_core::model::{Change, Digest, FlowName, Json, json, limits};

impl App {
    /// A page of what is set aside of a flow, by key.
    ///
    /// # Errors
    /// There is no such flow, or the store.
    pub async fn set_aside_after(
        &self,
        (flow, filter): (&FlowName, &SetAsideFilter),
        after: &str,
        most: u32,
    ) -> Result<Vec<SetAsideLine>, Error> {
        self.flow(flow).await?;
        Ok(self.store.set_aside_after(&self.tenant, (flow, filter), after, most).await?)
    }

    /// One set-aside change, whole, with the change itself.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no such flow or nothing is set aside under this key; the store.
    pub async fn set_aside_one(&self, flow: &FlowName, key: &str) -> Result<(SetAsideRow, Change), Error> {
        self.flow(flow).await?;
        let rows = self.store.set_aside(&self.tenant, flow, &[key]).await?;
        let row = rows.into_iter().next().ok_or_else(|| absent(key))?;
        let change = change(&row)?;
        Ok((row, change))
    }

    /// A page of the keys that a decision about many concerns. Where no rule is named, what may have been written already
    /// is left out: that is to be decided with open eyes.
    ///
    /// # Errors
    /// As [`App::set_aside_after`].
    pub async fn set_aside_keys(
        &self,
        (flow, filter): (&FlowName, &SetAsideFilter),
        after: &str,
        most: u32,
    ) -> Result<KeyPage, Error> {
        let mut lines = self.set_aside_after((flow, filter), after, most + 1).await?;
        let is_last = lines.len() <= most as usize;
        lines.truncate(most as usize);
        let next = lines.last().filter(|_| !is_last).map(|line| line.key.clone());
        let is_meant = |line: &SetAsideLine| filter.rule.is_some() || ![PARKED, PENDING].contains(&line.rule.as_str());
        Ok(KeyPage { keys: lines.into_iter().filter(is_meant).map(|line| line.key).collect(), next })
    }

    /// Has set-aside changes decided again, whatever they wait for: also what is parked, which may then be written a second
    /// time. Says how many of them there were.
    ///
    /// # Errors
    /// The store.
    pub async fn release(&self, flow: &FlowName, keys: &[&str], actor: &str) -> Result<u64, Error> {
        let mut commit = self.begin_as(actor, "set-aside.release", format!("flow:{flow}"), keys.join(", ")).await?;
        let released = commit.release_keys(flow, keys).await?;
        commit.finish().await?;
        self.wake();
        Ok(released)
    }

    /// Gives set-aside changes up; they are counted as skipped. Says which of them there were: one that is being decided
    /// again at this moment is left alone.
    ///
    /// # Errors
    /// [`Error::Unfit`] if there is no reason; the store.
    pub async fn discard(
        &self,
        flow: &FlowName,
        keys: &[&str],
        reason: &str,
        actor: &str,
    ) -> Result<Vec<String>, Error> {
        if reason.trim().is_empty() {
            return Err(unfit("reason", "said: a change is only discarded with one, and it is kept"));
        }
        if reason.len() > limits::REASON_BYTES_MAX {
            return Err(unfit("reason", format!("at most {} bytes", limits::REASON_BYTES_MAX)));
        }
        let detail = format!("{}: {reason}", keys.join(", "));
        let mut commit = self.begin_as(actor, "set-aside.discard", format!("flow:{flow}"), detail).await?;
        let discarded = commit.discard(flow, keys).await?;
        commit.finish().await?;
        Ok(discarded)
    }

    /// Puts corrected data in place of a set-aside change's and has it decided again. The next change of the record in its
    /// source counts again as it is.
    ///
    /// # Errors
    /// [`Error::Unfit`] if the data is no JSON object; [`Error::Absent`] if nothing is set aside under this key, or it is
    /// being decided again at this moment.
    pub async fn edit(&self, flow: &FlowName, key: &str, data: &str, actor: &str) -> Result<(), Error> {
        match json::parse(data) {
            Ok(Json::Object(_)) => {}
            Ok(_) => return Err(unfit("data", "a JSON object, as the data of a record is")),
            Err(refusal) => return Err(unfit("data", format!("usable JSON: {refusal}"))),
        }
        let rows = self.store.set_aside(&self.tenant, flow, &[key]).await?;
        let row = rows.into_iter().next().ok_or_else(|| absent(key))?;
        let change = change(&row)?;
        let detail =
            format!("{key}: {} instead of {}", Digest::of(data.as_bytes()), Digest::of(change.data.as_bytes()));
        let text = serde_json::json!(Change { data: data.to_owned(), ..change }).to_string();
        let mut commit = self.begin_as(actor, "set-aside.edit", format!("flow:{flow}"), detail).await?;
        if !commit.edit_set_aside(flow, key, &text).await? {
            return Err(absent(key));
        }
        commit.finish().await?;
        self.wake();
        Ok(())
    }
}

/// Keys of one page, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<String>,
    /// The last key that was looked at; none if that was all.
    pub next: Option<String>,
}

fn absent(key: &str) -> Error {
    Error::Absent { what: "set-aside change", name: key.to_owned() }
}

fn change(row: &SetAsideRow) -> Result<Change, Error> {
    let unreadable = |error| unfit("stored change", format!("one that this version can read: {error}"));
    serde_json::from_str(&row.change).map_err(unreadable)
}

fn unfit(what: &'static str, reason: impl Into<String>) -> Error {
    Error::Unfit { what, reason: reason.into() }
}
