//! What people want of a flow, while it works: pause, cancel, start over, and what its runs say of it.

use tollgate::app::{App, Error};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{At, Fence, FlowName, audit};
use tollgate_tests::data::{self, Crm};
use tollgate_tests::database::{Database, run_row};
use tollgate_tests::on_both_databases;
use tollgate_tests::sims::{Fault, FaultKind, Faults};
use tollgate_tests::world::World;

/// Deals that are closed while a test looks; more than leave at once.
const DEALS: usize = 12;

/// Both vendors and a host whose flows look at their sources only when they are told to. One order leaves at a time and
/// call, so that a page is many of them.
struct Stage {
    world: World,
    crm: Crm,
    app: App,
    folder: tempfile::TempDir,
}

fn orders() -> FlowName {
    "orders".into()
}

impl Stage {
    async fn set(database: &Database) -> Self {
        let mut world = World::start().await.expect("both vendors start");
        let crm = data::generator_sample();
        world.load(&crm);
        world.mend_all(&crm);
        for file in ["30-customers.yaml", "31-items.yaml"] {
            world.edit(file, "every_ms: 1000", "every_ms: 3600000");
        }
        world.edit("32-orders.yaml", "every_ms: 1000", "every_ms: 3600000\nwrite_batch: 1");
        let folder = tempfile::tempdir().expect("a folder");
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        app.start().await.expect("the flows start");
        let stage = Self { world, crm, app, folder };
        stage.rest().await;
        stage
    }

    /// Waits for rest; every change must be accounted for.
    async fn rest(&self) -> Tally {
        self.app.rest().await.expect("the host comes to rest");
        self.tally().await
    }

    async fn tally(&self) -> Tally {
        let tally = self.app.tally(&orders()).await.expect("a tally");
        assert!(tally.is_conserved(), "{tally}");
        tally
    }

    /// Closes deals in the CRM and lets their orders be on their way to an ERP that does not answer.
    async fn close_deals_and_hold(&self) {
        let is_open = |deal: &&data::crm::Deal| !deal.is_won() && deal.account.is_some();
        let open: Vec<_> = self.crm.deals.iter().filter(is_open).take(DEALS).collect();
        assert_eq!(open.len(), DEALS);
        for deal in open {
            self.world.crm.vendor().close_deal(&deal.id, 100.into(), "2018-01-02").expect("a deal");
        }
        self.world.erp.hold();
        self.app.start_flow(&orders(), "ann").await.expect("it is started");
        self.world.erp.until_in_flight(3).await;
    }

    /// Waits until the newest run of this state is there; gives back how it is.
    async fn run(&self, state: &str) -> tollgate::store::RunRow {
        loop {
            let runs = self.app.runs(&orders(), Some(state), "", 1).await.expect("the runs");
            match runs.into_iter().next() {
                Some(run) => return run,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// Stops the host and opens it anew, as after a restart.
    async fn restart(self, database: &Database) -> Self {
        self.app.stop().await;
        let Self { world, crm, app, folder } = self;
        drop(app);
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        app.start().await.expect("the flows start");
        Self { world, crm, app, folder }
    }
}

on_both_databases! {
    /// A flow is paused in the middle of a page, with some of its orders on their way: those are answered and counted, the
    /// others wait, through a restart of the host too; resumed, all arrive and none doubly. Starting a paused flow is
    /// refused with who paused it and why.
    async fn a_pause_loses_nothing(database: Database) {
        let stage = Stage::set(&database).await;
        let (before, had) = (stage.tally().await, stage.world.orders().count);
        stage.close_deals_and_hold().await;
        stage.app.pause_flow(&orders(), "month end", "ann").await.expect("it is paused");
        stage.app.pause_flow(&orders(), "another reason", "bob").await.expect("it is paused already");
        stage.world.erp.release();
        let run = stage.run("paused").await;
        let paused = stage.tally().await;
        let arrived = stage.world.orders().count - had;
        assert_eq!(paused.read - before.read, DEALS as u64, "{paused}");
        assert_eq!((paused.written - before.written, paused.in_flight), (arrived, DEALS as u64 - arrived), "{paused}");
        assert!((1..DEALS as u64).contains(&arrived), "{arrived} of {DEALS} have left");
        assert_eq!((run.counts.read, run.counts.written, run.ended.is_some()), (DEALS as u64, arrived, true), "{run:?}");
        let refused = stage.app.start_flow(&orders(), "ann").await.expect_err("it is paused").to_string();
        assert!(refused.contains("paused by ann (`month end`)"), "{refused}");

        let stage = stage.restart(&database).await;
        let state = stage.app.flow_state(&orders()).await.expect("its state");
        assert_eq!((state.is_paused, state.actor.as_str(), state.reason.as_str()), (true, "ann", "month end"));
        assert_eq!(stage.rest().await, paused, "it stands still");
        assert_eq!(stage.world.orders().count - had, arrived);

        stage.app.resume_flow(&orders(), "eve").await.expect("it is resumed");
        let end = stage.rest().await;
        let orders = stage.world.orders();
        assert_eq!((orders.count - had, orders.duplicates, end.in_flight), (DEALS as u64, 0, 0), "{orders:?} {end}");
        stage.app.stop().await;
    }

    /// A cancelled run ends with what has left answered; the flow then waits, also while there is something to write, until
    /// it is started.
    async fn a_cancelled_run_ends(database: Database) {
        let stage = Stage::set(&database).await;
        let had = stage.world.orders().count;
        stage.close_deals_and_hold().await;
        let under_way = stage.app.status(&orders()).await.expect("it runs").run.expect("a run");
        stage.app.cancel_flow(&orders(), "ann").await.expect("it is cancelled");
        stage.world.erp.release();
        let run = stage.run("cancelled").await;
        assert_eq!(run.id, under_way);
        let cancelled = stage.tally().await;
        let arrived = stage.world.orders().count - had;
        assert!((1..DEALS as u64).contains(&arrived) && cancelled.in_flight == DEALS as u64 - arrived, "{cancelled}");
        let newest = stage.app.runs(&orders(), None, "", 1).await.expect("the runs");
        assert_eq!(newest[0].id, run.id, "no other run has begun");

        stage.app.start_flow(&orders(), "ann").await.expect("it is started");
        stage.run("done").await;
        let end = stage.rest().await;
        let orders = stage.world.orders();
        assert_eq!((orders.count - had, orders.duplicates, end.in_flight), (DEALS as u64, 0, 0), "{orders:?} {end}");
        stage.app.stop().await;
    }

    /// A flow whose source is down is in trouble since the first failure; it can be paused and resumed all the same, and
    /// once the source is back a start does not wait for the next try.
    async fn a_flow_in_trouble_is_told_like_any_other(database: Database) {
        let stage = Stage::set(&database).await;
        stage.world.crm.set_faults(Faults::new(1, vec![Fault::always(FaultKind::Unavailable)]));
        stage.app.start_flow(&orders(), "ann").await.expect("it is started");
        let run = stage.run("running").await;
        assert!(!run.trouble.is_empty(), "{run:?}");
        let since = stage.app.status(&orders()).await.expect("it runs").trouble_since;
        assert!(since.is_some());
        stage.app.pause_flow(&orders(), "", "ann").await.expect("it is paused");
        assert_eq!(stage.run("paused").await.id, run.id);
        stage.app.resume_flow(&orders(), "ann").await.expect("it is resumed");
        let again = stage.run("running").await;
        assert!(again.id != run.id && !again.trouble.is_empty(), "{again:?}");
        assert_eq!(stage.app.status(&orders()).await.expect("it runs").trouble_since, since, "it is the same trouble");

        stage.world.crm.set_faults(Faults::none());
        stage.app.start_flow(&orders(), "ann").await.expect("it is started");
        stage.rest().await;
        let status = stage.app.status(&orders()).await.expect("it runs");
        assert_eq!((status.trouble, status.trouble_since), (None, None));
        stage.app.stop().await;
    }

    /// A paused flow that is to be read anew is so when it is resumed, once; nothing is written twice.
    async fn a_paused_flow_is_read_anew_later(database: Database) {
        let stage = Stage::set(&database).await;
        let (before, had) = (stage.tally().await, stage.world.orders());
        stage.app.pause_flow(&orders(), "", "ann").await.expect("it is paused");
        stage.app.read_anew(&orders(), "ann").await.expect("it will be read anew");
        assert_eq!(stage.rest().await, before);
        stage.app.resume_flow(&orders(), "ann").await.expect("it is resumed");
        let anew = stage.rest().await;
        assert_eq!((anew.read, anew.written), (before.read * 2, before.written), "{anew}");
        assert_eq!(stage.world.orders(), had);
        let stage = stage.restart(&database).await;
        assert_eq!(stage.rest().await.read, anew.read, "not for the same wish again");
        stage.app.stop().await;
    }

    /// What all runs of a flow moved is what the flow moved. Looks that find nothing leave no run, and a run whose process
    /// ended without a word is ended by the next one.
    async fn runs_say_what_was_moved(database: Database) {
        let stage = Stage::set(&database).await;
        let (tally, runs) = (stage.tally().await, stage.app.runs(&orders(), None, "", 100).await.expect("the runs"));
        assert!(!runs.is_empty() && runs.iter().all(|run| run.state == "done" && run.ended.is_some()), "{runs:?}");
        let sum = |of: fn(&tollgate::store::RunCounts) -> u64| runs.iter().map(|run| of(&run.counts)).sum::<u64>();
        assert_eq!((sum(|run| run.read), sum(|run| run.written)), (tally.read, tally.written), "{tally} {runs:?}");
        assert_eq!((sum(|run| run.unchanged), sum(|run| run.skipped)), (tally.unchanged, tally.skipped()), "{tally}");
        assert!(sum(|run| run.set_aside) >= tally.held + tally.exceptions + tally.dead_letters, "{tally}");
        let calls: u64 = stage.app.run_calls(&runs[0].id).await.expect("its calls").iter().map(|call| call.count).sum();
        let journal = stage.app.run_journal(&runs[0].id, i64::MAX, 10_000).await.expect("the journal");
        assert!(calls > 0 && calls == journal.len() as u64, "{calls} calls");

        stage.rest().await;
        assert_eq!(stage.app.runs(&orders(), None, "", 100).await.expect("the runs").len(), runs.len(), "a look is no run");

        let tenant = "default".into();
        stage.app.pause_flow(&orders(), "", "ann").await.expect("it is paused");
        stage.rest().await;
        let store = stage.app.store();
        // The flow gives its lease back right after it says that it stands still.
        let fence: Fence = loop {
            match store.claim(&tenant, "flow:orders", "gone", At(0), 0).await.expect("the store") {
                Some(fence) => break fence,
                None => tokio::task::yield_now().await,
            }
        };
        let record = audit::Record::new("test", "test.act", "test", "");
        let mut commit = store.begin(&tenant, record, At(0)).await.expect("a commit");
        commit.guard("flow:orders", fence).await.expect("held");
        commit.put_run(&run_row("left", &orders(), 1), fence).await.expect("a run");
        commit.finish().await.expect("stored");
        store.release(&tenant, "flow:orders", fence).await.expect("released");
        stage.app.resume_flow(&orders(), "ann").await.expect("it is resumed");
        stage.rest().await;
        let left = stage.app.run(&"left".into()).await.expect("the run");
        assert_eq!((left.state.as_str(), left.ended.is_some()), ("interrupted", true));
        assert!(matches!(stage.app.run(&"never".into()).await, Err(Error::Absent { .. })));
        assert!(matches!(stage.app.runs(&orders(), Some("odd"), "", 1).await, Err(Error::Unfit { .. })));
        stage.app.stop().await;
    }
}
