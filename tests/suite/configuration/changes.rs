//! Configuration that changes while flows run.

use super::{Stage, open, until};
use serde_json::{Value, json};
use std::path::Path;
use tollgate::app::Error;
use tollgate::app::apply::{How, Wish};
use tollgate_tests::data::generator_sample;
use tollgate_tests::on_both_databases;
use tollgate_tests::sims::netsuite::schema::RecordType;

/// Makes an account without an industry and gives back what the ERP holds as its sector.
async fn sector_of_a_new_customer(stage: &Stage, name: &str) -> Value {
    let fields = json!({ "Name": name, "BillingCountry": "Poland" });
    let id = stage.world.crm.vendor().add("Account", fields.as_object().expect("an object")).expect("an account");
    stage.rest().await;
    let customer = stage.world.erp.vendor().read(RecordType::Customer, &format!("eid:{id}")).expect("the customer");
    customer["custentity_sector"].clone()
}

on_both_databases! {
    /// A changed entity map reaches the flows that it concerns and no other one, and going back brings the earlier behaviour
    /// (GOV-02): seen in what the ERP holds of new customers. Each change is a revision with its author, in the audit log too.
    async fn a_map_changes_and_goes_back(database: Database) {
        let stage = Stage::set(&generator_sample(), &database).await;
        let before = stage.rest().await;
        assert_eq!(sector_of_a_new_customer(&stage, "Before").await, Value::Null);

        let (from, to) = ("erp: custentity_sector }", "erp: custentity_sector, default: { value: unknown, flag: sales } }");
        let changed = stage.edited("20-customer.yaml", from, to);
        let openings = (stage.openings("customers").await, stage.openings("items").await);
        let applied = stage.apply(std::slice::from_ref(&changed)).await;
        let names: Vec<_> = applied.reopened.iter().map(ToString::to_string).collect();
        assert_eq!((applied.revision, names), (2, vec!["customers".into(), "orders".into()]), "orders refer to customers");
        assert!(applied.changes[0].difference.contains("flag: sales"), "{applied:?}");
        assert_eq!(sector_of_a_new_customer(&stage, "Between").await, "unknown");
        assert_eq!((stage.openings("customers").await, stage.openings("items").await), (openings.0 + 1, openings.1));

        let again = stage.apply(&[changed]).await;
        assert!(!again.is_applied && again.changes.is_empty() && again.revision == 2, "{again:?}");

        let back = stage.rollback(1).await;
        assert_eq!((back.revision, back.is_applied, back.changes.len()), (3, true, 1));
        assert_eq!(sector_of_a_new_customer(&stage, "After").await, Value::Null);
        assert_eq!(stage.rest().await.count, before.count);

        let revisions = stage.app.revisions(None, 10).await.expect("revisions");
        let said: Vec<_> = revisions.iter().map(|row| (row.number, row.actor.as_str(), row.note.as_str())).collect();
        assert_eq!(said, [(3, "ann", "back to revision 1"), (2, "ann", ""), (1, "world", "")]);
        let audit = stage.app.store().audit(&"default".into(), 0, 1_000).await.expect("the audit log");
        let record = audit.iter().find(|(_, _, record)| record.action == "configuration.rollback").expect("a record");
        assert_eq!((record.2.actor.as_str(), record.2.detail.as_str()), ("ann", "revision 3: change entity customer"));
        stage.app.stop().await;
    }

    /// One flow that cannot be opened is in trouble and says why; the others run, and when its cause is mended it does too
    /// (RET-16). Provoked by a stream that does not exist.
    async fn one_flow_in_trouble_stops_no_other(database: Database) {
        let crm = generator_sample();
        let mut world = tollgate_tests::world::World::start().await.expect("both vendors start");
        world.load(&crm);
        world.mend_all(&crm);
        world.edit("20-customer.yaml", "stream: Account", "stream: Acount");
        let folder = tempfile::tempdir().expect("a folder");
        let app = open(&world, folder.path(), &database).await;
        app.start().await.expect("the host starts all the same");
        let stage = Stage { world, app, folder };
        let status = async |flow: &str| stage.app.status(&flow.into()).await.unwrap_or_default();
        until("customers are in trouble", async || {
            status("customers").await.trouble.is_some_and(|trouble| trouble.contains("has no stream `Acount`; it has: Account"))
        })
        .await;
        until("items run", async || status("items").await.is_idle).await;
        assert!(stage.app.tally(&"items".into()).await.expect("a tally").read > 0);
        assert_eq!(stage.world.erp_count(RecordType::Customer), 0);

        let applied = stage.apply(&[stage.edited("20-customer.yaml", "stream: Acount", "stream: Account")]).await;
        assert!(applied.reopened.contains(&"customers".into()), "{applied:?}");
        stage.rest().await;
        assert_eq!(stage.world.erp_count(RecordType::Customer), crm.accounts.len());
        stage.app.stop().await;
    }

    /// A flow that is removed stops; when the removal is rolled back it goes on where it was: what changed meanwhile arrives, and
    /// nothing else is written.
    async fn a_removed_flow_comes_back(database: Database) {
        let crm = generator_sample();
        let stage = Stage::set(&crm, &database).await;
        let before = stage.rest().await;
        let removed = stage.app.remove_document("flow", "orders", How::now("ann")).await.expect("it is removed");
        assert_eq!((removed.revision, removed.changes[0].act.as_str()), (2, "remove"));
        assert!(stage.app.status(&"orders".into()).await.is_none());
        let open = crm.deals.iter().find(|deal| !deal.is_won() && deal.account.is_some()).expect("an open deal");
        stage.world.crm.vendor().close_deal(&open.id, 100.into(), "2018-01-02").expect("a deal");
        assert_eq!(stage.rest().await, before);
        stage.rollback(1).await;
        let after = stage.rest().await;
        assert_eq!((after.count, after.writes), (before.count + 1, before.writes + 1));
        stage.app.stop().await;
    }

    /// What was shown is what is applied: a change that names another revision than there is is refused, and a plan changes
    /// nothing. What is still referred to is not removed, and a rollback to nothing is refused.
    async fn plans_change_nothing(database: Database) {
        let stage = Stage::set(&generator_sample(), &database).await;
        let slower = [stage.edited("32-orders.yaml", "every_ms: 1000", "every_ms: 2000")];
        let wish = |is_dry, expected| {
            let how = How { is_dry, expected, note: "slower", actor: "ann" };
            Wish { files: &slower, is_pruning: false, how }
        };
        let plan = stage.app.apply(wish(true, Some(1))).await.expect("a plan");
        assert_eq!((plan.revision, plan.is_applied, plan.changes.len()), (1, false, 1));
        let moved = stage.app.apply(wish(false, Some(7))).await;
        assert!(matches!(moved, Err(Error::Moved { revision: 1 })), "{moved:?}");
        let applied = stage.app.apply(wish(false, Some(1))).await.expect("it is as it was shown");
        assert_eq!((applied.changes, applied.reopened), (plan.changes, plan.reopened));
        let late = stage.app.apply(wish(false, Some(1))).await;
        assert!(matches!(late, Err(Error::Moved { revision: 2 })), "{late:?}");
        let used = stage.app.remove_document("connection", "netsuite", How::now("ann")).await;
        assert!(matches!(&used, Err(Error::Configuration(faults)) if faults.len() == 3), "{used:?}");
        let nowhere = stage.app.rollback(9, How::now("ann")).await;
        assert!(matches!(nowhere, Err(Error::Absent { what: "revision", .. })), "{nowhere:?}");
        assert_eq!(stage.app.newest_revision().await.expect("a number"), 2);
        stage.app.stop().await;
    }
}

/// Of two hosts on one database, the one that was not asked takes a change over by itself: what it runs is what is stored.
/// Provoked by applying at the one whose flows wait for their leases.
#[test]
fn another_node_follows() {
    tollgate_tests::database::run(tollgate_tests::database::Kind::Postgres, async |database| {
        let stage = Stage::set(&generator_sample(), &database).await;
        stage.rest().await;
        let folder = tempfile::tempdir().expect("a folder");
        // Nodes of one database share the key that its secrets are sealed with.
        std::fs::create_dir(folder.path().join("host")).expect("a folder");
        let key = |folder: &Path| folder.join("host/key");
        std::fs::copy(key(stage.folder.path()), key(folder.path())).expect("the key");
        let other = open(&stage.world, folder.path(), &database).await;
        other.start().await.expect("its flows wait");
        let openings = stage.openings("items").await;
        let slower = stage.edited("31-items.yaml", "every_ms: 1000", "every_ms: 2000");
        other.apply(Wish::new(&[slower], "ann")).await.expect("it is applied");
        until("a flow is opened anew", async || stage.openings("items").await > openings).await;
        other.stop().await;
        stage.app.stop().await;
    });
}
