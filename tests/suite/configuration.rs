//! What changes of configuration and of plugins do to flows that run.

mod changes;
mod plugins;

use std::path::Path;
use std::time::Duration;
use tollgate::app::App;
use tollgate::app::apply::{Applied, How, Wish};
use tollgate::app::documents::Document;
use tollgate_tests::data::Crm;
use tollgate_tests::database::Database;
use tollgate_tests::world::{FLOWS, Orders, World};

/// Longer than anything here takes; without it a failure would be a test that never ends.
const PATIENCE: Duration = Duration::from_secs(300);

/// A world with this data and a host between that runs.
struct Stage {
    world: World,
    app: App,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn set(crm: &Crm, database: &Database) -> Self {
        let stage = Self::prepare(crm, database).await;
        stage.app.start().await.expect("the flows start");
        stage
    }

    /// The same, with a host that does not run yet.
    async fn prepare(crm: &Crm, database: &Database) -> Self {
        let mut world = World::start().await.expect("both vendors start");
        world.load(crm);
        world.mend_all(crm);
        let folder = tempfile::tempdir().expect("a folder");
        let app = open(&world, folder.path(), database).await;
        Self { world, app, folder }
    }

    /// Waits for rest and gives back what the ERP holds; every change must be accounted for (RET-05), and nothing doubled.
    async fn rest(&self) -> Orders {
        self.app.rest().await.expect("the host comes to rest");
        for flow in FLOWS {
            let tally = self.app.tally(&flow.into()).await.expect("a tally");
            assert!(tally.is_conserved() && tally.in_flight == 0, "{flow}: {tally}");
        }
        let orders = self.world.orders();
        assert_eq!(orders.duplicates, 0, "{orders:?}");
        orders
    }

    /// A file of the demo with other words in it.
    fn edited(&self, file: &str, from: &str, to: &str) -> Document {
        let found = self.world.documents().iter().find(|document| document.file.ends_with(file)).expect("a file");
        assert!(found.text.contains(from), "{file} holds no {from:?}");
        Document { text: found.text.replace(from, to), ..found.clone() }
    }

    async fn apply(&self, files: &[Document]) -> Applied {
        self.app.apply(Wish::new(files, "ann")).await.expect("the change is taken over")
    }

    async fn rollback(&self, to: i64) -> Applied {
        self.app.rollback(to, How::now("ann")).await.expect("the configuration goes back")
    }

    /// How often a flow was opened.
    async fn openings(&self, flow: &str) -> usize {
        let status = self.app.status(&flow.into()).await;
        status.map_or(0, |status| usize::try_from(status.openings).expect("a small number"))
    }
}

async fn open(world: &World, folder: &Path, database: &Database) -> App {
    world.open(&folder.join("host"), Some(database.url.clone())).await.expect("the host opens")
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
