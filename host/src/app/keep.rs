//! Keeps the flows running that the stored configuration asks for: new ones start, changed ones are opened anew, removed ones
//! stop, and the others are not touched.
//!
//! [`Keeper::reconcile`] takes no input: it compares what is stored with what runs, so that it may be called at any time and
//! any number of times. It is called after each change of this node, and when a look at the store shows that another node
//! made one.
//!
//! What a removed flow leaves behind (checkpoints, set-aside changes, counts) stays: if the flow comes back under its name,
//! as it does when its removal is rolled back, it goes on where it was and not from the beginning.

use super::Error;
use super::open::Opener;
use crate::clock::SharedClock;
use crate::engine::supervise::{self, Subject};
use crate::engine::{Handle, describe};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{Digest, FlowName, limits};

/// The flows that run, by name.
pub(super) type Flows = Arc<Mutex<BTreeMap<FlowName, Handle>>>;

/// Runs what the configuration asks for.
pub(super) struct Keeper {
    opener: Arc<Opener>,
    flows: Flows,
    holder: String,
    wake: watch::Sender<u64>,
    state: Mutex<State>,
}

/// What is known of the flows that run. Held while they are started, reopened and stopped.
#[derive(Default)]
struct State {
    /// Looks for changes of other nodes; there is one from [`Keeper::start`] to [`Keeper::stop`].
    looking: Option<JoinHandle<()>>,
    /// What each flow was opened from.
    bases: BTreeMap<FlowName, Digest>,
}

impl Keeper {
    pub(super) fn new(opener: Arc<Opener>, flows: Flows, holder: String, wake: watch::Sender<u64>) -> Self {
        Self { opener, flows, holder, wake, state: Mutex::default() }
    }

    /// Begins to run flows. Only the store can fail: a flow that cannot be opened is in trouble, and the others run.
    pub(super) async fn start(self: &Arc<Self>) -> Result<(), Error> {
        {
            let mut state = self.state.lock().await;
            if state.looking.is_none() {
                state.looking = Some(tokio::spawn(look(Arc::downgrade(self), self.opener.clock.clone())));
            }
        }
        self.reconcile().await
    }

    /// Stops all flows after what is under way has been committed.
    pub(super) async fn stop(&self) {
        let mut state = self.state.lock().await;
        if let Some(looking) = state.looking.take() {
            looking.abort();
        }
        state.bases.clear();
        let flows = std::mem::take(&mut *self.flows.lock().await);
        join_all(flows.into_values().map(Handle::stop)).await;
    }

    /// Makes what runs the same as what is stored; returns when nothing is done any more as it was configured before. Does
    /// nothing before the start.
    pub(super) async fn reconcile(&self) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        if state.looking.is_none() {
            return Ok(());
        }
        let documents = self.opener.documents().await?;
        let plugins = self.opener.store.plugins(&self.opener.tenant).await?;
        let basis = |flow: &Flow| (flow.flow.clone(), documents.basis(flow, &plugins));
        let wanted: BTreeMap<FlowName, Digest> = documents.flows().map(basis).collect();
        let mut ending = Vec::new();
        {
            let mut flows = self.flows.lock().await;
            let removed: Vec<FlowName> = flows.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
            for handle in removed.iter().filter_map(|name| flows.remove(name)) {
                ending.push(handle.stop().boxed());
            }
            for (name, basis) in &wanted {
                match flows.get(name) {
                    None => drop(flows.insert(name.clone(), self.run(name))),
                    Some(handle) if state.bases.get(name) != Some(basis) => ending.push(handle.reopen().boxed()),
                    Some(_) => {}
                }
            }
        }
        state.bases = wanted;
        join_all(ending).await;
        self.opener.forget(&plugins).await;
        Ok(())
    }

    fn run(&self, name: &FlowName) -> Handle {
        let (opener, flow) = (self.opener.clone(), name.clone());
        let open = move || {
            let (opener, flow) = (opener.clone(), flow.clone());
            async move { opener.flow(&flow).await.map_err(|error| describe(&error)) }.boxed()
        };
        let subject = Subject {
            tenant: self.opener.tenant.clone(),
            store: self.opener.store.clone(),
            name: name.clone(),
            open: Arc::new(open),
            holder: self.holder.clone(),
            clock: self.opener.clock.clone(),
        };
        supervise::start(subject, self.wake.clone())
    }

    /// Takes over what is different from what was last seen.
    async fn follow(&self, seen: &mut Option<Sign>) -> Result<(), Error> {
        let sign = self.sign().await?;
        if seen.as_ref() != Some(&sign) {
            self.reconcile().await?;
            *seen = Some(sign);
        }
        Ok(())
    }

    /// The newest revision and the active plugins.
    async fn sign(&self) -> Result<Sign, Error> {
        let Opener { store, tenant, .. } = &*self.opener;
        let digests = store.plugins(tenant).await?.into_iter().map(|row| row.digest).collect();
        Ok((store.newest_revision(tenant).await?, digests))
    }
}

/// What is different after each change.
type Sign = (i64, Vec<Digest>);

/// Looks again and again whether another node changed configuration or plugins, as long as there is a host.
async fn look(keeper: Weak<Keeper>, clock: SharedClock) {
    let mut seen = None;
    loop {
        clock.sleep_ms(limits::CONFIGURATION_LOOK_MS).await;
        let Some(keeper) = keeper.upgrade() else { return };
        if let Err(error) = keeper.follow(&mut seen).await {
            tracing::warn!(error = describe(&error), "changes of other nodes cannot be taken over yet");
        }
    }
}
