//! The one door to the world: decides, charges, resolves and judges addresses, attaches the credential, sends, caps,
//! scrubs, writes down. It implements [`tollgate_sandbox::Broker`] and knows no flow.
//!
//! # The way through the room
//!
//! [`Gate::open`] makes a [`Line`] of a connection (`line.rs`): its origins are checked (`origins.rs`), its credentials at
//! hand (`credential.rs`, `oauth.rs` with `token_endpoint.rs`, `refresh.rs` and `jwt.rs`, `vault.rs`), its sockets its own
//! (`client.rs`, `connect.rs`, `net.rs` or `simulated.rs`, `body.rs`). [`Gate::door`] makes a [`Door`] for one call of a
//! plugin (`door.rs`). A request comes in there, is decided by [`tollgate_core::egress`], gets its budget (`budget.rs`,
//! `window.rs`), and is exchanged for an answer (`exchange.rs`), from which the credential is removed (`scrub.rs`). A
//! request with an effect has a name and a memory (`effect.rs`), and is sent as `send.rs` says. A connection's folder is
//! another world behind the same door (`files.rs`, `folder.rs`), and a transform has a door that leads nowhere
//! (`transform.rs`). Every call ends in the journal (`journal.rs`). What a person lets a connection do begins in
//! `consent.rs`.
//!
//! # Invariants
//!
//! - Nothing is sent that [`tollgate_core::egress::CheckedRequest`] does not hold, but the gate's own headers and the
//!   credential; nothing is dialled whose address was not judged.
//! - A request on a `once` route leaves only after its mark is durable, and its answer reaches the plugin only after it
//!   is; a request that is marked and not answered is never sent again.
//! - The lease is asked right before each sending.
//! - A secret is in no error, log line, journal entry or stored answer.
//! - A refresh token is stored before the access token that came with it is used.
//! - Sending runs in a task of its own: a call that ends early leaves no answer unread.
//!
//! # Decisions
//!
//! - *hyper's own client with a connector of ours*, not reqwest: that follows redirects, reads proxy variables and
//!   unpacks without a bound, and each of these would have to be switched off and kept off.
//! - *A pool for each connection*, not one for all: sockets are never shared across tenants.
//! - *HTTP/1.1 only*: the attacks on HTTP/2's framing are not worth what a vendor's API gains from it.
//! - *A 5xx of a `once` route is stored and unknown*: the vendor may have done the work before it failed. A 503 is taken
//!   at its word, like a 429: it was not begun.

mod body;
pub mod budget;
mod client;
mod connect;
pub mod consent;
mod credential;
mod door;
mod effect;
mod error;
mod exchange;
mod files;
mod folder;
mod journal;
mod jwt;
mod line;
pub mod net;
mod oauth;
mod origins;
mod refresh;
mod scrub;
mod send;
pub mod simulated;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token_endpoint;
mod transform;
pub mod vault;
mod window;

pub use door::{CallContext, Door, Lease, Purpose};
pub use error::Error;
pub use files::verify_files;
pub use line::{Line, is_of, verify_settings};
pub use origins::verify_endpoints;
pub use transform::TransformDoor;

use crate::clock::SharedClock;
use crate::store::Store;
use budget::{Budget, Payer};
use client::{Caps, Client};
use connect::Connector;
use net::Net;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use tollgate_core::model::connection::Connection;
use tollgate_core::model::{ConnectionName, Manifest, Tenant};
use vault::Vault;

/// Something that is done once, by whoever needs it first; the others wait.
type Once = Arc<OnceCell<()>>;

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// The gate. Cheap to clone; all clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

pub(crate) struct Inner {
    store: Store,
    clock: SharedClock,
    vault: Arc<Vault>,
    budget: Arc<dyn Budget>,
    connector: Connector,
    caps: Arc<Caps>,
    /// Open connections, so that tokens, sockets and pinned origins outlive a run. A changed connection replaces its line.
    lines: Mutex<HashMap<(Tenant, ConnectionName), Arc<Line>>>,
    /// Accounts whose earlier calls of this day were read from the store.
    seeded: Mutex<HashMap<Payer, Once>>,
}

impl Gate {
    /// A gate to this network.
    ///
    /// # Errors
    /// [`Error::Trust`]: one of the network's extra roots is no certificate.
    pub fn new(
        store: Store,
        clock: SharedClock,
        net: Arc<dyn Net>,
        vault: Arc<Vault>,
        budget: Arc<dyn Budget>,
    ) -> Result<Self, Error> {
        Self::with_caps(store, clock, net, vault, (budget, Caps::default()))
    }

    fn with_caps(
        store: Store,
        clock: SharedClock,
        net: Arc<dyn Net>,
        vault: Arc<Vault>,
        (budget, caps): (Arc<dyn Budget>, Caps),
    ) -> Result<Self, Error> {
        let caps = Arc::new(caps);
        let connector =
            Connector::new(net, clock.clone(), caps.clone()).map_err(|error| Error::Trust(error.to_string()))?;
        let (lines, seeded) = (Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { store, clock, vault, budget, connector, caps, lines, seeded })))
    }

    /// Opens a connection; the one that is open already if nothing about it changed.
    ///
    /// # Errors
    /// [`Error::Connection`] says everything that does not fit the plugin's manifest; [`Error::CredentialUnusable`].
    pub fn open(
        &self,
        connection: Connection,
        manifest: impl Into<Arc<Manifest>>,
        tenant: Tenant,
    ) -> Result<Arc<Line>, Error> {
        let manifest = manifest.into();
        let key = (tenant.clone(), connection.connection.clone());
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&key)
            && line.opened == connection
            && line.manifest == manifest
        {
            return Ok(line.clone());
        }
        let line = Arc::new(Line::new(&self.0, connection, manifest, tenant)?);
        self.0.budget.declare(line.payer(), line.connection(), &line.budget());
        lines.insert(key, line.clone());
        Ok(line)
    }

    /// A door for one call of a plugin.
    pub fn door(&self, line: Arc<Line>, call: CallContext) -> Arc<Door> {
        Arc::new(Door::new(self.0.clone(), line, call))
    }
}

impl Inner {
    #[cfg(test)]
    fn now(&self) -> tollgate_core::model::At {
        self.clock.now()
    }

    fn client(&self) -> Client {
        Client::new(self.connector.clone(), self.clock.clone(), self.caps.clone())
    }

    /// Reads, once per account, what it has spent before this process began to count.
    async fn seed(&self, line: &Line) -> Result<(), crate::store::Error> {
        let cell =
            self.seeded.lock().unwrap_or_else(PoisonError::into_inner).entry(line.payer().clone()).or_default().clone();
        let seed = || async {
            let now = self.clock.now().0.div_euclid(HOUR_MS);
            let mut later = 0;
            for hour in (now - 24..=now).rev() {
                let since = self.store.usage(line.tenant(), line.account(), hour).await?;
                self.budget.seed(line.payer(), hour, since.saturating_sub(later));
                later = since;
            }
            Ok(())
        };
        cell.get_or_try_init(seed).await.copied()
    }
}
