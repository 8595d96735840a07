//! A stage behind the real gate: grants, budget, credentials and journal are those of a host.

use crate::clock::SharedClock;
use crate::gate::{CallContext, Door, Gate, Line, Purpose as DoorPurpose};
use crate::kit::Error;
use crate::kit::stage::{Call, Frame, Purpose, Stage};
use crate::store::{BatchRow, Store};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_core::model::{At, BatchId, audit};
use tollgate_sandbox::Broker;

/// The flow under which the kit's writes stand in the journal, and the lease that covers them.
const FLOW: &str = "kit";
/// Longer than any call.
const LEASE_MS: u64 = 60 * 60_000;

/// A connection, opened.
pub struct Live {
    gate: Gate,
    line: Arc<Line>,
    store: Store,
    clock: SharedClock,
    settings: String,
    /// The kit sees one instant for all calls, so that what it records can be answered again.
    started: At,
    calls: AtomicU64,
    open: Mutex<Option<(Arc<Door>, Option<BatchId>)>>,
}

impl Live {
    /// A stage over a connection that the gate has opened; `settings` are the connection's.
    pub fn new(gate: Gate, line: Arc<Line>, (store, clock): (Store, SharedClock), settings: String) -> Self {
        let started = clock.now();
        Self { gate, line, store, clock, settings, started, calls: AtomicU64::new(0), open: Mutex::default() }
    }

    /// Makes the batch that a write's requests are stored under: none of them leaves without it.
    async fn batch(&self, call: &Call, intents: usize) -> Result<BatchId, Error> {
        let (tenant, now) = (self.line.tenant(), self.clock.now());
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let id = BatchId::from(format!("kit-{}-{number}", self.started.0));
        let fence = self.store.claim(tenant, FLOW, "kit", now, LEASE_MS).await?;
        let fence = fence.ok_or(Error::Busy)?;
        let row = BatchRow {
            id: id.clone(),
            flow: FLOW.into(),
            run: FLOW.into(),
            connection: self.line.connection().clone(),
            stream: call.name.as_str().into(),
            intents: "[]".into(),
            sources: "[]".into(),
            attempt: 1,
            decided: now,
            due: now,
            count: u32::try_from(intents).unwrap_or(u32::MAX),
        };
        let subject = format!("connection:{}", self.line.connection());
        let record = audit::Record::new("kit", "kit.write", subject, call.name.clone());
        let mut commit = self.store.begin(tenant, record, now).await?;
        commit.guard(FLOW, fence).await?;
        commit.put_batches(&[row], fence).await?;
        commit.finish().await?;
        Ok(id)
    }

    async fn purpose(&self, call: &Call) -> Result<(DoorPurpose, Option<BatchId>), Error> {
        Ok(match &call.purpose {
            Purpose::Check | Purpose::Transform => (DoorPurpose::Check, None),
            Purpose::Discover => (DoorPurpose::Discover, None),
            Purpose::Read => (DoorPurpose::Read, None),
            Purpose::Lookup => (DoorPurpose::Lookup, None),
            Purpose::Write(keys) => {
                let batch = self.batch(call, keys.len()).await?;
                let purpose = DoorPurpose::Write {
                    batch: batch.clone(),
                    keys: keys.clone(),
                    stored: HashMap::new(),
                    started: self.started,
                };
                (purpose, Some(batch))
            }
        })
    }
}

impl Stage for Live {
    fn name(&self) -> String {
        format!("connection `{}`", self.line.connection())
    }

    fn frame(&self) -> Frame {
        Frame { now_ms: u64::try_from(self.started.0).unwrap_or(0), settings: self.settings.clone() }
    }

    fn open<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Arc<dyn Broker>, Error>> {
        async move {
            let (purpose, batch) = self.purpose(call).await?;
            let context = CallContext { run: FLOW.into(), purpose, seed: 0, lease: Arc::new(|| true) };
            let door = self.gate.door(self.line.clone(), context);
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((door.clone(), batch));
            Ok(door as Arc<dyn Broker>)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some((door, batch)) = open else { return Ok(()) };
            door.drain().await;
            if let Some(batch) = batch {
                let subject = format!("connection:{}", self.line.connection());
                let record = audit::Record::new("kit", "kit.write.done", subject, batch.to_string());
                let mut commit = self.store.begin(self.line.tenant(), record, self.clock.now()).await?;
                commit.remove_batch(&batch).await?;
                commit.finish().await?;
            }
            Ok(())
        }
        .boxed()
    }
}
