//! The sandbox over real guests: what is let in, what a call may use, and what comes out.

mod admission;
mod cache;
mod contract;
mod limits;
mod packing;

use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tollgate_core::model::{ReadRequest, http};
use tollgate_sandbox::{
    Allowance, Broker, CallError, CallLimits, Interruption, Level, Options, Plugin, Sandbox, admit,
};
use tollgate_tests::guests;

/// The one sandbox of this process.
pub(crate) fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<(Sandbox, tempfile::TempDir)> = OnceLock::new();
    let (sandbox, _) = SANDBOX.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { cache_dir: folder.path().join("compiled"), interruption: Interruption::Epoch };
        (Sandbox::new(options).unwrap(), folder)
    });
    sandbox
}

/// A guest, loaded once in this process.
async fn plugin(name: &str) -> Plugin {
    static LOADED: tokio::sync::Mutex<BTreeMap<String, Plugin>> = tokio::sync::Mutex::const_new(BTreeMap::new());
    let mut loaded = LOADED.lock().await;
    if let Some(plugin) = loaded.get(name) {
        return plugin.clone();
    }
    let plugin = sandbox().load(admit(&guests::component(name)).unwrap()).await.unwrap();
    loaded.insert(name.to_owned(), plugin.clone());
    plugin
}

fn request(stream: &str) -> ReadRequest {
    ReadRequest { stream: stream.into(), cursor: None, fields: vec![], only: vec![], overlap_ms: 0 }
}

/// Enough for every guest that does not misbehave, little enough to wait for one that does.
const SHORT: CallLimits = CallLimits { cpu_ms: 1_000, wall_ms: 60_000, memory_bytes: 16 << 20, requests: 1_000 };

/// Reads a stream of the probe.
async fn read(stream: &str, broker: Arc<Fake>) -> Result<tollgate_core::model::Page, CallError> {
    plugin("probe").await.read(&request(stream), broker, SHORT).await
}

/// The data of the only record of a stream of the probe.
async fn read_one(stream: &str, broker: Arc<Fake>) -> String {
    let page = read(stream, broker).await.unwrap();
    let [change] = page.changes.as_slice() else { panic!("{page:?}") };
    change.data.clone()
}

/// A broker that answers at once and remembers what it was asked.
#[derive(Default)]
struct Fake {
    requests: AtomicUsize,
    lines: Mutex<Vec<(Level, String)>>,
    /// A request waits until this is opened; none answers at once.
    gate: Option<Arc<tokio::sync::Semaphore>>,
}

impl Fake {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn behind(gate: Arc<tokio::sync::Semaphore>) -> Arc<Self> {
        Arc::new(Self { gate: Some(gate), ..Self::default() })
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn lines(&self) -> Vec<(Level, String)> {
        self.lines.lock().unwrap().clone()
    }

    fn answer(&self, text: String) -> Result<http::Response, http::Error> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        Ok(http::Response { status: 200, headers: vec![], body: text.into_bytes() })
    }
}

impl Broker for Fake {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Result<http::Response, http::Error>> {
        Box::pin(async move {
            if let Some(gate) = &self.gate {
                let _opened = gate.acquire().await.unwrap();
            }
            self.answer(format!("{} {}", request.route, request.params[0].1))
        })
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Result<http::Response, http::Error>>> {
        Box::pin(async move { requests.into_iter().map(|request| self.answer(request.params[0].1.clone())).collect() })
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Result<http::Response, http::Error>> {
        Box::pin(async move { self.answer(format!("{route} {link}")) })
    }

    fn now_ms(&self) -> u64 {
        1_700_000_000_123
    }

    fn random(&self, count: u32) -> Vec<u8> {
        vec![7; count as usize]
    }

    fn config(&self) -> String {
        r#"{"site":"acme"}"#.into()
    }

    fn left(&self) -> Allowance {
        Allowance { requests: 900, wall_ms: 60_000, records: 2_000, response_bytes: 16 << 20 }
    }

    fn log(&self, level: Level, text: &str) {
        self.lines.lock().unwrap().push((level, text.to_owned()));
    }
}
