//! The service through a real socket: who may do what, what callers are told, and that nothing secret comes out.

pub(crate) mod client;
mod configuration;
mod connections;
mod control;
mod document;
mod doors;
mod insight;
mod limits;
mod plugins;
mod properties;
mod resources;
mod set_aside;
mod stopping;
mod tables;

use client::Client;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tollgate::api;
use tollgate::app::App;
use tollgate::app::access::{Role, TokenWish};
use tollgate_tests::data::Crm;
use tollgate_tests::database::Database;
use tollgate_tests::world::World;

/// Both vendors, a host between them that is not started, and the service in front of it.
struct Stage {
    world: World,
    app: Arc<App>,
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn set(database: &Database, crm: Option<&Crm>) -> Self {
        let world = World::start().await.expect("both vendors start");
        if let Some(crm) = crm {
            world.load(crm);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        let app = Arc::new(app);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = Client::new(listener.local_addr().expect("an address"));
        let (stop, stopping) = oneshot::channel();
        let stopping = async { stopping.await.expect("the test says when to stop") };
        let served = tokio::spawn(api::serve(app.clone(), listener, stopping));
        Self { world, app, client, stop, served, folder }
    }

    /// A client with a token of this role.
    async fn client_as(&self, role: Role) -> Client {
        self.client.with_token(&self.token(role).await)
    }

    async fn token(&self, role: Role) -> String {
        let wish = TokenWish { name: "test", role, days: 1, actor: "test" };
        self.app.create_token(wish).await.expect("a token").text
    }

    /// Stops the service, which stops the host.
    async fn stop(self) {
        self.stop.send(()).expect("the service runs");
        self.served.await.expect("the service ends").expect("the service ends well");
    }
}
