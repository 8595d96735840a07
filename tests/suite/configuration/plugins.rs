//! Plugins that are replaced while flows use them.

use super::{Stage, until};
use tollgate::app::Error;
use tollgate_core::model::Digest;
use tollgate_tests::data::{Crm, expected, generator_sample, mends, real_data};
use tollgate_tests::guests::{component, reworded};
use tollgate_tests::on_both_databases;
use tollgate_tests::sims::netsuite::schema::RecordType;

const SALESFORCE: &str = "tollgate/salesforce";

/// Closes one more deal in the CRM.
fn close(stage: &Stage, crm: &Crm, number: usize) {
    let open = crm.deals.iter().filter(|deal| !deal.is_won() && deal.account.is_some()).nth(number);
    let id = &open.expect("an open deal").id;
    stage.world.crm.vendor().close_deal(id, 100.into(), "2018-01-02").expect("a deal");
}

on_both_databases! {
    /// The plugin that the flows read with is replaced and taken back again and again while they are at it: the end is that of
    /// the files, nothing lost, nothing doubled (PLT-09). Each swap waits until there is work under way.
    async fn a_plugin_is_replaced_under_load(database: Database) {
        let Some(crm) = real_data() else { return };
        let stage = Stage::prepare(&crm, &database).await;
        let old = component("salesforce");
        let new = reworded(&old, "version = \"0.1.0\"", "version = \"0.1.1\"");
        let installed = stage.app.install(&new, false, "ann").await.expect("it is installed");
        assert!(!installed.is_active && installed.reopened.is_empty(), "{installed:?}");
        // Compiled once before there is work, so that the swaps meet it.
        for bytes in [&new, &old] {
            stage.app.activate(&Digest::of(bytes), "ann").await.expect("it is active");
        }
        stage.app.start().await.expect("the flows start");
        for (number, bytes) in [&new, &old, &new, &old, &new].into_iter().enumerate() {
            // Cheap first: the flow needs the processor more than this look at it does.
            let is_at_work = async || {
                stage.world.erp_count(RecordType::SalesOrder) > number * 500 && stage.openings("orders").await > number
            };
            until("orders arrive after the swap before", is_at_work).await;
            let reopened = stage.app.activate(&Digest::of(bytes), "ann").await.expect("it is active");
            assert_eq!(reopened.len(), 3, "all flows read or write the CRM");
        }
        let during = stage.world.orders();
        let orders = stage.rest().await;
        let all = expected(&crm, &mends(&crm));
        assert!(during.count < orders.count, "the swaps happened while there was work: {during:?}");
        assert_eq!((orders.count, orders.value), (all.orders as u64, all.total));
        assert!(stage.openings("orders").await > 5);
        stage.app.stop().await;
    }

    /// A version with another format of cursors reads its source anew and writes nothing for that; going back goes on at the
    /// earlier one's last cursor. What changes under either of them arrives once.
    async fn another_format_of_cursors_reads_anew(database: Database) {
        let crm = generator_sample();
        let stage = Stage::set(&crm, &database).await;
        let before = stage.rest().await;
        let read = async || stage.app.tally(&"orders".into()).await.expect("a tally").read;
        let old = component("salesforce");
        let new = reworded(&old, "cursor_format = 1", "cursor_format = 2");
        let whole = read().await;
        stage.app.install(&new, true, "ann").await.expect("it is installed and active");
        assert_eq!(stage.rest().await, before);
        assert!(read().await >= 2 * whole, "everything was read anew");
        close(&stage, &crm, 0);
        assert_eq!(stage.rest().await.count, before.count + 1);

        let twice = read().await;
        let (digest, reopened) = stage.app.rollback_plugin(SALESFORCE, "ann").await.expect("the earlier one is back");
        assert_eq!((digest, reopened.len()), (Digest::of(&old), 3));
        close(&stage, &crm, 1);
        let after = stage.rest().await;
        assert_eq!((after.count, after.writes), (before.count + 2, before.writes + 2));
        assert!(read().await < twice + whole, "not everything was read a third time");
        stage.app.stop().await;
    }

    /// A version that the configuration does not fit is refused with the faults, at its installation and later, and nothing is
    /// changed; one that is used is not deleted; one that is not, is.
    async fn what_does_not_fit_is_refused(database: Database) {
        let stage = Stage::set(&generator_sample(), &database).await;
        let old = component("salesforce");
        let strange = reworded(&old, "host = \"*.my.salesforce.com\"\norigin_from", "host = \"*.my.salesforce.org\"\norigin_from");
        let refused = stage.app.install(&strange, true, "ann").await.map(|_| ());
        assert!(matches!(&refused, Err(Error::Configuration(faults)) if faults[0].file == "connection/salesforce"), "{refused:?}");
        assert_eq!(stage.app.installed_plugins().await.expect("plugins").len(), 2);
        stage.app.install(&strange, false, "ann").await.expect("it is installed beside");
        let digest = Digest::of(&strange);
        let refused = stage.app.activate(&digest, "ann").await;
        assert!(matches!(&refused, Err(Error::Configuration(_))), "{refused:?}");
        let none = stage.app.rollback_plugin(SALESFORCE, "ann").await;
        assert!(matches!(none, Err(Error::Absent { .. })), "{none:?}");
        let used = stage.app.delete_plugin(&Digest::of(&old), "ann").await.expect_err("it is used").to_string();
        assert!(used.contains("used by: salesforce"), "{used}");
        stage.app.delete_plugin(&digest, "ann").await.expect("nobody uses it");
        let gone = stage.app.activate(&digest, "ann").await;
        assert!(matches!(gone, Err(Error::Absent { what: "plugin", .. })), "{gone:?}");
        stage.rest().await;
        stage.app.stop().await;
    }
}
