//! The main job on the real data: a closed-won deal becomes a sales order, through two sandboxed connectors. Every
//! number is read from the ERP's own ledger.

use rust_decimal::Decimal;
use tollgate::app::App;
use tollgate::app::tables::{RowSet, RowWish};
use tollgate_core::model::Flag;
use tollgate_core::model::tally::Tally;
use tollgate_tests::data::{self, Crm, expected, mends, real_data};
use tollgate_tests::database::Database;
use tollgate_tests::on_both_databases;
use tollgate_tests::sims::{Fault, FaultKind, Faults, On};
use tollgate_tests::world::{FLOWS, Orders, World};

/// A world with this data and a host between, not started.
struct Stage {
    world: World,
    app: App,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn set(crm: &Crm, database: &Database, prepare: impl FnOnce(&mut World)) -> Self {
        let mut world = World::start().await.expect("both vendors start");
        world.load(crm);
        prepare(&mut world);
        let folder = tempfile::tempdir().expect("a folder");
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        Self { world, app, _folder: folder }
    }

    /// Waits for rest and gives back what the ERP holds; every change must be accounted for (RET-05).
    async fn rest(&self) -> Orders {
        self.app.rest().await.expect("the host comes to rest");
        for flow in FLOWS {
            let tally = self.tally(flow).await;
            assert!(tally.is_conserved() && tally.in_flight == 0, "{flow}: {tally}");
        }
        self.world.orders()
    }

    async fn tally(&self, flow: &str) -> Tally {
        self.app.tally(&flow.into()).await.expect("a tally")
    }

    async fn mend(&self, table: &str, from: &str, to: &str) {
        let (table, actor) = (table.into(), "test");
        let wish = RowWish { table: &table, from, to, version: None, actor };
        assert!(matches!(self.app.set_table_row(wish).await.expect("the row is set"), RowSet::Set { .. }));
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

on_both_databases! {
    /// Four passes: the faulty records wait and release themselves when their cause is mended; the last pass reads all
    /// sources anew and writes nothing (DQ-13, DQ-14, IDE-08, MAP-13, MAP-14). Customers that
    /// got default terms are flagged.
    async fn four_passes(database: Database) {
        let Some(crm) = real_data() else { return };
        let stage = Stage::set(&crm, &database, |_| ()).await;
        let check = |pass: u32, orders: Orders, count: u64, value: &str| {
            assert_eq!((orders.count, orders.value, orders.duplicates), (count, decimal(value), 0), "pass {pass}");
        };
        stage.app.start().await.expect("the flows start");
        check(1, stage.rest().await, 3_368, "6304390.00");

        stage.mend("product", "GTXPro", "GTX Pro").await;
        check(2, stage.rest().await, 4_077, "9719586.00");

        stage.mend("country", "Philipines", "Philippines").await;
        stage.mend("country", "Korea", "South Korea").await;
        let before = stage.rest().await;
        check(3, before, 4_238, "10005534.00");

        for flow in FLOWS {
            stage.app.read_anew(&flow.into(), "test").await.expect("the flow starts again");
        }
        let orders = stage.rest().await;
        check(4, orders, 4_238, "10005534.00");
        assert_eq!(orders.writes, before.writes, "nothing changed, so nothing is written");
        let flagged = stage.app.flagged(&"customers".into(), 1_000).await.expect("flagged customers");
        let terms = Flag { flag: "defaulted:terms".into(), whom: Some("finance".into()) };
        assert_eq!(flagged.len(), crm.accounts.len(), "no account of the files has terms (MAP-06, DQ-07)");
        assert!(flagged.iter().all(|row| row.flags == [terms.clone()]), "{flagged:?}");
        let tally = stage.tally("orders").await;
        assert_eq!((tally.held, tally.exceptions, tally.dead_letters), (0, 0, 0), "{tally}");

        stage.world.crm.vendor().close_deal(&open_deal(&crm), Decimal::new(123_450, 2), "2018-01-02").expect("a deal");
        let orders = stage.rest().await;
        check(5, orders, 4_239, "10006768.50");
        stage.app.stop().await;
    }

    /// One more unit in one won deal of the files is one more unit in the ERP: the sum is not made up.
    async fn one_more_unit_arrives(database: Database) {
        let Some(mut crm) = real_data() else { return };
        let deal = crm.deals.iter_mut().find(|deal| deal.is_won()).expect("a won deal");
        deal.close_value = deal.close_value.map(|value| value + Decimal::ONE);
        let stage = Stage::set(&crm, &database, |world| world.mend_all(&crm)).await;
        stage.app.start().await.expect("the flows start");
        let orders = stage.rest().await;
        assert_eq!((orders.count, orders.value), (4_238, decimal("10005535.00")));
        stage.app.stop().await;
    }

    /// Lost answers on 5 % of the writes, and 429 and 500 on 5 % more: the same end, nothing doubled (RET-01, IDE-03).
    async fn faults_change_nothing(database: Database) {
        let Some(crm) = real_data() else { return };
        let stage = Stage::set(&crm, &database, |world| world.mend_all(&crm)).await;
        let faults = |seed| {
            Faults::new(seed, vec![
                Fault::per_mille(FaultKind::LostResponse, 50).on(On::Writes),
                Fault::per_mille(FaultKind::TooManyRequests, 25).on(On::Writes),
                Fault::per_mille(FaultKind::ServerError, 25).on(On::Writes),
            ])
        };
        stage.world.erp.set_faults(faults(1));
        stage.world.crm.set_faults(faults(2));
        stage.app.start().await.expect("the flows start");
        let orders = stage.rest().await;
        let all = expected(&crm, &mends(&crm));
        assert_eq!((orders.count, orders.value), (all.orders as u64, all.total));
        assert_eq!((orders.count, orders.duplicates), (4_238, 0), "{orders:?}");
        assert!(orders.writes > orders.count, "faults must have made repeats necessary: {orders:?}");
        stage.app.stop().await;
    }
}

fn open_deal(crm: &Crm) -> String {
    let is_open = |deal: &&data::crm::Deal| !deal.is_won() && deal.account.is_some();
    crm.deals.iter().find(is_open).expect("an open deal with an account").id.clone()
}
