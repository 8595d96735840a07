//! A flow that is ready to run: the plan of its entity map, and both sides with their open connections.

use crate::clock::SharedClock;
use crate::gate::{Gate, Line};
use crate::store::Store;
use std::sync::Arc;
use tollgate_core::entity::Plan;
use tollgate_core::model::schema::Stream;
use tollgate_core::model::{
    BatchId, ConnectionName, EntityId, EntityName, FlowName, RunId, SystemName, Tenant, limits,
};
use tollgate_sandbox::Plugin;

/// One system of the flow: how to reach it and what it says of the stream.
pub struct Side {
    /// Its name in the entity map.
    pub system: SystemName,
    /// The connection.
    pub connection: ConnectionName,
    /// The open connection: origins, settings, credential, account.
    pub line: Arc<Line>,
    /// The connector.
    pub plugin: Plugin,
    /// The stream, as `discover` described it.
    pub stream: Stream,
}

/// One transform of the flow, loaded.
pub struct OpenTransform {
    /// The plugin's name, for messages.
    pub name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// Its settings, a JSON object as text.
    pub settings: String,
}

/// A flow that is ready to run. Shared by its loop and its deliveries; immutable.
pub struct OpenFlow {
    /// Whose.
    pub tenant: Tenant,
    /// Its name.
    pub name: FlowName,
    /// What it moves.
    pub entity: EntityName,
    /// What the entity map says of this direction.
    pub plan: Plan,
    /// The version of the entity map.
    pub map_version: i64,
    /// What each page goes through before the entity map sees it, in order.
    pub transforms: Vec<OpenTransform>,
    /// Paths that the transforms read beside those of the entity map.
    pub transform_paths: Vec<String>,
    /// Where it reads.
    pub from: Side,
    /// Where it writes.
    pub to: Side,
    /// The field that is the entity's natural key, if it has one.
    pub natural_field: Option<String>,
    /// Whether another entity refers to this one: then each new identity may release a hold.
    pub is_referred_to: bool,
    /// Milliseconds between two looks at the source.
    pub every_ms: u64,
    /// How far each read looks back.
    pub overlap_ms: u32,
    /// Most intents in one write.
    pub write_max: usize,
    /// What is remembered.
    pub store: Store,
    /// The door.
    pub gate: Arc<Gate>,
    /// Time and randomness.
    pub clock: SharedClock,
}

impl OpenFlow {
    /// The name of the lease that lets exactly one node run this flow.
    pub fn lease_name(&self) -> String {
        format!("flow:{}", self.name)
    }

    /// The paths that a read asks for: the entity map's and the transforms'.
    pub fn source_paths(&self) -> Vec<String> {
        let mut paths = self.plan.source_paths();
        let further = self.transform_paths.iter().filter(|path| !paths.contains(path)).cloned().collect::<Vec<_>>();
        paths.extend(further);
        paths
    }

    /// What its cursors lead through.
    pub fn source(&self) -> String {
        let Side { connection, line, stream, .. } = &self.from;
        format!("{connection}/{}/{}", line.account(), stream.name)
    }

    /// The bound on one write: the stream's, the flow's and the host's, whichever is least.
    pub fn write_max(stream: &Stream, wanted: Option<u32>) -> usize {
        let bound = wanted.unwrap_or(u32::MAX).min(stream.write_max).min(limits::WRITE_INTENTS_MAX);
        usize::try_from(bound.max(1)).unwrap_or(1)
    }

    /// A new id of a run.
    pub fn new_run(&self) -> RunId {
        self.new_id().into()
    }

    /// A new id of a batch.
    pub fn new_batch(&self) -> BatchId {
        self.new_id().into()
    }

    /// A new id of a business thing.
    pub fn new_entity(&self) -> EntityId {
        self.new_id().into()
    }

    /// A new key of an intent.
    pub fn new_key(&self) -> String {
        self.new_id()
    }

    /// A seed for the randomness of one call.
    pub fn new_seed(&self) -> u64 {
        let mut bytes = [0; 8];
        self.clock.fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number in `0.0..1.0` for jitter.
    pub fn jitter(&self) -> f64 {
        let bits = u32::try_from(self.new_seed() >> 32).expect("the upper half of 64 bits fits 32");
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// Ids sort by the time they were made (UUID version 7), which keeps the indexes compact.
    fn new_id(&self) -> String {
        let mut random = [0; 10];
        self.clock.fill_random(&mut random);
        let ms = u64::try_from(self.clock.now().0).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().simple().to_string()
    }
}
