//! Writes of which nobody knows what became: a target that has neither upsert nor key, and answers that are lost.

use serde_json::json;
use std::collections::BTreeSet;
use tollgate::app::App;
use tollgate::store::Kind;
use tollgate_tests::data;
use tollgate_tests::on_both_databases;
use tollgate_tests::sims::{Fault, FaultKind, Faults, On, netsuite, salesforce};
use tollgate_tests::world::{Orders, World};

/// The deals whose order is parked.
async fn parked(app: &App) -> BTreeSet<String> {
    let holds = app.set_aside(&"orders".into(), Kind::Hold, 10_000).await.expect("holds");
    assert!(holds.iter().all(|row| row.rule == "parked"), "{holds:?}");
    holds.into_iter().map(|row| row.key).collect()
}

async fn rest(app: &App, world: &World) -> Orders {
    app.rest().await.expect("the host comes to rest");
    let tally = app.tally(&"orders".into()).await.expect("a tally");
    assert!(tally.is_conserved(), "{tally}");
    world.orders()
}

on_both_databases! {
    /// An order whose creation was not answered stays parked whatever its deal says afterwards: lost and won again, it
    /// would be a second order (IDE-06, promise 2). Reading everything anew changes nothing either.
    async fn a_parked_order_stays_parked(database: Database) {
        let erp = netsuite::Options { without_upsert: true, ..netsuite::Options::default() };
        let mut world = World::with(salesforce::Options::default(), erp).await.expect("both vendors start");
        let crm = data::generator_sample();
        world.load(&crm);
        world.mend_all(&crm);
        world.edit("20-customer.yaml", "  link: { erp: externalId }", "  link: {}");
        world.edit("22-sales-order.yaml", "  link: { erp: externalId }", "  link: {}");
        let folder = tempfile::tempdir().expect("a folder");
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        app.start().await.expect("the flows start");
        app.rest().await.expect("the host comes to rest");
        let before = world.orders();

        // The next orders are stored, and nobody hears of it.
        let open = crm.deals.iter().filter(|deal| !deal.is_won() && deal.account.is_some()).take(3);
        world.erp.set_faults(Faults::new(1, vec![Fault::per_mille(FaultKind::LostResponse, 1_000).on(On::Writes)]));
        let deals: Vec<&str> = open.map(|deal| deal.id.as_str()).collect();
        for deal in &deals {
            world.crm.vendor().close_deal(deal, 100.into(), "2018-01-02").expect("a deal");
        }
        let stored = rest(&app, &world).await;
        let held = parked(&app).await;
        assert_eq!((held.len(), stored.count - before.count), (deals.len(), deals.len() as u64), "{held:?} {stored:?}");

        world.erp.set_faults(Faults::none());
        for stage in ["Closed Lost", "Closed Won"] {
            for deal in &deals {
                let fields = json!({ "StageName": stage });
                world.crm.vendor().set("Opportunity", deal, fields.as_object().expect("an object")).expect("an edit");
            }
            assert_eq!(rest(&app, &world).await, stored, "{stage}");
            assert_eq!(parked(&app).await, held, "{stage}");
        }
        app.read_anew(&"orders".into(), "test").await.expect("the flow starts again");
        assert_eq!(rest(&app, &world).await, stored);
        assert_eq!(parked(&app).await, held);
        app.stop().await;
    }
}
