//! What a person does about changes that are set aside: try again, correct, discard (RET-07, DQ-02).

use serde_json::json;
use tollgate::app::{App, Error};
use tollgate::store::{Kind, SetAsideRow};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{Change, FlowName};
use tollgate_tests::data;
use tollgate_tests::on_both_databases;
use tollgate_tests::world::World;

fn customers() -> FlowName {
    "customers".into()
}

async fn exceptions(app: &App) -> Vec<SetAsideRow> {
    app.set_aside(&customers(), Kind::Exception, 100).await.expect("exceptions")
}

/// Waits for rest; every change must be accounted for.
async fn rest(app: &App) -> Tally {
    app.rest().await.expect("the host comes to rest");
    let tally = app.tally(&customers()).await.expect("a tally");
    assert!(tally.is_conserved(), "{tally}");
    tally
}

on_both_databases! {
    /// Customers with misspelt countries are exceptions: one is corrected and written, one is tried again and stays what it
    /// is, one is discarded with a reason, and each of them is counted once. What makes no sense is refused and changes
    /// nothing.
    async fn exceptions_are_mended_one_by_one(database: Database) {
        let world = World::start().await.expect("both vendors start");
        let crm = data::generator_sample();
        world.load(&crm);
        let folder = tempfile::tempdir().expect("a folder");
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        app.start().await.expect("the flows start");
        let before = rest(&app).await;
        let rows = exceptions(&app).await;
        assert!(rows.len() >= 2 && before.exceptions == rows.len() as u64, "{before}");
        let (first, last) = (&rows[0], &rows[rows.len() - 1]);

        for (wish, said) in [
            (app.edit(&customers(), &first.key, "[1]", "ann").await, "a JSON object"),
            (app.edit(&customers(), &first.key, "{", "ann").await, "usable JSON"),
            (app.edit(&customers(), "nobody", "{}", "ann").await, "there is no set-aside change `nobody`"),
            (app.discard(&customers(), &[&last.key], "  ", "ann").await.map(drop), "a change is only discarded with one"),
        ] {
            let error = wish.expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(rest(&app).await, before);

        let change: Change = serde_json::from_str(&first.change).expect("a change");
        let mut corrected: serde_json::Value = serde_json::from_str(&change.data).expect("JSON");
        corrected["BillingCountry"] = json!("Philippines");
        app.edit(&customers(), &first.key, &corrected.to_string(), "ann").await.expect("corrected");
        let after = rest(&app).await;
        assert_eq!((after.written, after.exceptions), (before.written + 1, before.exceptions - 1), "{after}");

        assert_eq!(app.release(&customers(), &[&last.key, "nobody"], "ann").await.expect("released"), 1);
        assert_eq!(rest(&app).await, after, "nothing was mended, so it is an exception again");

        let discarded = app.discard(&customers(), &[&last.key, "nobody"], "left the country", "ann").await.expect("discarded");
        assert_eq!(discarded, std::slice::from_ref(&last.key));
        let end = rest(&app).await;
        assert_eq!((end.skipped_discarded, end.exceptions), (1, after.exceptions - 1), "{end}");
        assert!(matches!(app.edit(&customers(), &last.key, "{}", "ann").await, Err(Error::Absent { .. })));
        app.stop().await;
    }
}
