//! What the effectful requests of open batches were answered: after a crash `write` is run again over these, so that
//! nothing is sent twice and no outcome is lost.
//!
//! A mark says "about to leave". A request with a mark and no answer is one whose outcome nobody knows.

use super::group::Item;
use super::journal::{self, JournalEntry};
use super::rows::{self, Bind, Keys, Many, Session};
use super::{Base, Error, Store};
use sqlx::AnyConnection;
use std::collections::{BTreeMap, HashMap};
use std::ops::DerefMut;
use tollgate_core::model::{At, BatchId, Fence, Tenant, http};

/// How far an effectful request has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It was about to leave; no answer was stored.
    Marked,
    /// It was answered.
    Answered(http::Response),
}

/// One request of one batch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RequestKey {
    pub(super) tenant: Tenant,
    pub(super) batch: BatchId,
    pub(super) request: String,
}

impl RequestKey {
    /// Refuses here what the database would refuse later, together with everything else in the same group commit.
    fn new(tenant: &Tenant, batch: &BatchId, request: &str) -> Result<Self, Error> {
        for text in [tenant.as_str(), batch.as_str(), request] {
            rows::verify_text(text)?;
        }
        Ok(Self { tenant: tenant.clone(), batch: batch.clone(), request: request.to_owned() })
    }
}

/// An answer on its way to the database.
pub(super) struct Answer {
    pub(super) at: At,
    /// Status and headers, as JSON text.
    pub(super) response: String,
    pub(super) body: Vec<u8>,
}

impl Store {
    /// Durable when it returns: this request is about to leave. A mark or answer that is there already stays.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the batch is gone, or its lease is not held by this store any more: do not send.
    pub async fn mark_sending(&self, tenant: &Tenant, batch: &BatchId, request: &str, at: At) -> Result<(), Error> {
        let key = RequestKey::new(tenant, batch, request)?;
        self.0.group.write(|done| Item::Mark { key, at, done }).await
    }

    /// Durable when it returns, together with the journal entry; also when the caller is dropped while it waits. The
    /// answer counts even if the lease moved, because the request did leave; for a batch that is gone only the journal
    /// entry is kept.
    ///
    /// # Errors
    /// [`Error::Contended`] and [`Error::Unreachable`]: nothing was written, try again.
    pub async fn put_answer(
        &self,
        tenant: &Tenant,
        batch: &BatchId,
        request: &str,
        response: &http::Response,
        entry: JournalEntry,
    ) -> Result<(), Error> {
        let key = RequestKey::new(tenant, batch, request)?;
        let head = serde_json::json!({ "status": response.status, "headers": response.headers });
        let answer = Answer { at: entry.at, response: head.to_string(), body: response.body.clone() };
        let entry = Box::new(journal::clean(entry));
        self.0.group.write(|done| Item::Answer { key, answer, entry, done }).await
    }

    /// How far each effectful request of a batch has come.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a stored answer cannot be read.
    pub async fn answers(&self, tenant: &Tenant, batch: &BatchId) -> Result<HashMap<String, Sending>, Error> {
        let rows = self
            .reader()
            .await?
            .fetch(
                "SELECT request, response, body FROM answer WHERE tenant = $1 AND batch = $2",
                Bind::new().text(tenant.as_str()).text(batch.as_str()),
                |row| {
                    let Some(head) = row.maybe(1)? else { return Ok((row.text(0)?, Sending::Marked)) };
                    let head: Head = serde_json::from_str(&head).map_err(|_| row.damaged(1))?;
                    let body = row.maybe_bytes(2)?.ok_or_else(|| row.damaged(2))?;
                    let response = http::Response { status: head.status, headers: head.headers, body };
                    Ok((row.text(0)?, Sending::Answered(response)))
                },
            )
            .await?;
        Ok(rows.into_iter().collect())
    }
}

#[derive(serde::Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

/// For each batch: under which lease and fence it may be sent now. The lease rows stay locked until the transaction ends.
const LEASES: &str = "SELECT batch.tenant, batch.id, held.name, held.fence
     FROM batch JOIN lease AS held ON held.tenant = batch.tenant AND held.name = batch.lease AND held.holder <> ''
     WHERE (batch.tenant, batch.id) IN (VALUES ";

/// An answer is for a batch that exists: a row for any other would never be deleted. The batch's row stays locked, so that
/// it is not removed in between.
fn if_open(base: &Base, conflict: &str) -> String {
    format!(
        ") AS given WHERE EXISTS (SELECT 1 FROM batch WHERE batch.tenant = column1 AND batch.id = column2{})
         ON CONFLICT (tenant, batch, request) DO {conflict}",
        base.place.dialect.lock("batch")
    )
}

/// Writes marks. Those that must not be sent are left out: their batches come back, each with the reason.
pub(super) async fn write_marks<C>(
    session: &mut Session<C>,
    base: &Base,
    marks: &BTreeMap<RequestKey, At>,
) -> Result<HashMap<(Tenant, BatchId), Error>, Error>
where
    C: DerefMut<Target = AnyConnection> + Send,
{
    let mut batches: Vec<_> = marks.keys().map(|key| (key.tenant.clone(), key.batch.clone())).collect();
    batches.dedup();
    let after = format!(") ORDER BY held.tenant, held.name{}", base.place.dialect.lock("held"));
    let many = Many { before: LEASES, row: "(?, ?)", after: &after };
    let each = |bind: Bind, (tenant, batch): &(Tenant, BatchId)| bind.text(tenant.as_str()).text(batch.as_str());
    let found = session
        .fetch_for(Keys { many, keys: &batches, each }, Bind::new, |row| {
            let batch = (Tenant::from(row.text(0)?), BatchId::from(row.text(1)?));
            Ok((batch, (row.text(2)?, Fence(row.int(3)?))))
        })
        .await?;
    let found: HashMap<_, _> = found.into_iter().collect();
    let mut refused = HashMap::new();
    for batch in batches {
        if let Some(error) = refusal(base, &batch, found.get(&batch)) {
            refused.insert(batch, error);
        }
    }
    let allowed: Vec<_> =
        marks.iter().filter(|(key, _)| !refused.contains_key(&(key.tenant.clone(), key.batch.clone()))).collect();
    let many = Many {
        before: "INSERT INTO answer (tenant, batch, request, at)
                 SELECT column1, column2, column3, column4 FROM (VALUES ",
        row: "(?, ?, ?, ?)",
        after: &if_open(base, "NOTHING"),
    };
    session
        .insert(many, Bind::new, &allowed, |bind, (key, at)| {
            bind.text(key.tenant.as_str()).text(key.batch.as_str()).text(&key.request).int(at.0)
        })
        .await?;
    Ok(refused)
}

/// Why a request of this batch must not leave now, if so.
fn refusal(base: &Base, batch: &(Tenant, BatchId), lease: Option<&(String, Fence)>) -> Option<Error> {
    let (tenant, id) = batch;
    let Some((name, fence)) = lease else { return Some(Error::fenced(format_args!("batch `{id}`"))) };
    let ours = base.held().get(&(tenant.clone(), name.clone())).copied();
    (ours != Some(*fence)).then(|| Error::fenced(format_args!("lease `{name}`")))
}

/// Writes answers, each in place of a mark or an earlier answer.
pub(super) async fn write_answers<C>(
    session: &mut Session<C>,
    base: &Base,
    answers: &BTreeMap<RequestKey, Answer>,
) -> Result<(), Error>
where
    C: DerefMut<Target = AnyConnection> + Send,
{
    let replace = "UPDATE SET at = excluded.at, response = excluded.response, body = excluded.body";
    let many = Many {
        before: "INSERT INTO answer (tenant, batch, request, at, response, body)
                 SELECT column1, column2, column3, column4, column5, column6 FROM (VALUES ",
        row: "(?, ?, ?, ?, ?, ?)",
        after: &if_open(base, replace),
    };
    let rows: Vec<_> = answers.iter().collect();
    session
        .insert(many, Bind::new, &rows, |bind, (key, answer)| {
            bind.text(key.tenant.as_str())
                .text(key.batch.as_str())
                .text(&key.request)
                .int(answer.at.0)
                .text(&answer.response)
                .bytes(&answer.body)
        })
        .await
}
