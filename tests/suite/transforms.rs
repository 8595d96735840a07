//! Transforms in running flows: code in place of a rule (CNX-03), what is dropped, refused or broken, and that `redact` keeps
//! values out of everything that the host writes.

use serde_json::{Map, Value as Json, json};
use std::path::Path;
use tollgate::app::App;
use tollgate::store::Kind;
use tollgate_core::model::FlowName;
use tollgate_core::model::tally::Tally;
use tollgate_tests::data;
use tollgate_tests::database::Database;
use tollgate_tests::on_both_databases;
use tollgate_tests::sims::netsuite::schema::RecordType;
use tollgate_tests::world::World;

fn customers() -> FlowName {
    "customers".into()
}

fn fields(value: Json) -> Map<String, Json> {
    let Json::Object(members) = value else { panic!("an object") };
    members
}

/// A world with a few accounts whose flow `customers` has these transforms.
async fn world(transforms: &str) -> World {
    let mut world = World::start().await.expect("both vendors start");
    let crm = data::generator_sample();
    world.load(&crm);
    world.mend_all(&crm);
    world.install("tidy-names");
    world.install("redact");
    world.edit("30-customers.yaml", "every_ms: 1000", &format!("every_ms: 1000\n{transforms}"));
    world
}

async fn open(world: &World, folder: &Path, database: &Database) -> App {
    world.open(&folder.join("host"), Some(database.url.clone())).await.expect("the host opens")
}

async fn rest(app: &App) -> Tally {
    app.rest().await.expect("the host comes to rest");
    let tally = app.tally(&customers()).await.expect("a tally");
    assert!(tally.is_conserved(), "{tally}");
    tally
}

const TIDY: &str = "transforms:\n  - plugin: tollgate/tidy-names\n";

fn add(world: &World, name: &str) -> String {
    let account = fields(json!({"Name": name, "BillingCountry": "France"}));
    world.crm.vendor().add("Account", &account).expect("an account")
}

/// The ERP's names of the customers with these keys in the CRM.
fn name_in_erp(world: &World, key: &str) -> Option<String> {
    let found = world.erp.vendor().read(RecordType::Customer, &format!("eid:{key}")).ok()?;
    found["companyName"].as_str().map(str::to_owned)
}

on_both_databases! {
    /// The rule `trim` is taken out of the entity map and a transform put into the flow: the ERP holds what it holds with
    /// the rule. A record that the transform drops is counted, one that it refuses is an exception with field, rule, message
    /// and the plugin's name, and one of two becomes two (CNX-03).
    async fn code_in_place_of_a_rule(database: Database) {
        let mut world = world(TIDY).await;
        world.edit("20-customer.yaml", "rules: [trim], ", "");
        let folder = tempfile::tempdir().expect("a folder");
        let app = open(&world, folder.path(), &database).await;
        let blank = add(&world, "  Blanks Around  ");
        let dropped = add(&world, "drop me");
        let refused = add(&world, "refuse me");
        let split = add(&world, "split me");
        app.start().await.expect("the flows start");
        let tally = rest(&app).await;

        assert_eq!(name_in_erp(&world, &blank).as_deref(), Some("Blanks Around"), "{tally}");
        assert_eq!(name_in_erp(&world, &split).as_deref(), Some("split me"));
        assert_eq!(name_in_erp(&world, &format!("{split}-2")).as_deref(), Some("split me"));
        assert_eq!((name_in_erp(&world, &dropped), name_in_erp(&world, &refused)), (None, None));
        assert_eq!((tally.skipped_transform, tally.exceptions), (1, 1), "{tally}");
        let exceptions = app.set_aside(&customers(), Kind::Exception, 10).await.expect("exceptions");
        let [row] = exceptions.as_slice() else { panic!("{exceptions:?}") };
        assert_eq!((row.key.as_str(), row.rule.as_str()), (refused.as_str(), "name"));
        assert!(row.reason.contains("a name that nobody has") && row.reason.contains("tollgate/tidy-names"), "{row:?}");
        assert!(row.detail.contains("\"field\":\"Name\"") && !row.change.contains("refuse me"), "{row:?}");
        app.stop().await;
    }

    /// A refused record is taken up again as it is in its source by then: still refused it is an exception again; mended,
    /// it is written; what a person puts in its place is written as it stands and not transformed. One that is dropped now
    /// leaves no exception behind.
    async fn what_was_refused_is_read_again(database: Database) {
        let world = world(TIDY).await;
        let folder = tempfile::tempdir().expect("a folder");
        let app = open(&world, folder.path(), &database).await;
        let keys = ["refuse one", "refuse two", "refuse three"].map(|name| add(&world, name));
        let [one, two, three] = &keys;
        app.start().await.expect("the flows start");
        let first = rest(&app).await;
        assert_eq!(first.exceptions, 3, "{first}");

        app.release(&customers(), &[one], "ann").await.expect("released");
        let again = rest(&app).await;
        assert_eq!(again, first, "nothing was mended");
        let rename = |key: &str, name: &str| {
            world.crm.vendor().set("Account", key, &fields(json!({ "Name": name }))).expect("renamed");
        };
        rename(one, "Mended In The Source");
        rest(&app).await;
        app.edit(&customers(), two, r#"{"Name":"refuse, as a person wrote it"}"#, "ann").await.expect("edited");
        rename(three, "drop three");
        let last = rest(&app).await;
        assert_eq!(name_in_erp(&world, one).as_deref(), Some("Mended In The Source"));
        assert_eq!(name_in_erp(&world, two).as_deref(), Some("refuse, as a person wrote it"));
        assert_eq!(name_in_erp(&world, three), None);
        assert_eq!((last.exceptions, last.skipped_transform), (0, 1), "{last}");
        assert_eq!(last.skipped_superseded, first.skipped_superseded + 2, "{last}");
        app.stop().await;
    }

    /// A transform that crashes, or makes a change of another stream, stops the flow's reading and nothing is written or
    /// lost; put right, the flow goes on from where it stood.
    async fn a_broken_transform_stops_the_page(database: Database) {
        let mut world = world(&format!("{TIDY}    settings: {{ broken: true }}\n")).await;
        let folder = tempfile::tempdir().expect("a folder");
        let before = world.erp_count(RecordType::Customer);
        for (says, mend) in [("crashed: ", "broken: true"), ("stream `elsewhere`", "")] {
            let stray = add(&world, "stray");
            let app = open(&world, folder.path(), &database).await;
            app.start().await.expect("the flows start");
            let trouble = loop {
                match app.status(&customers()).await.and_then(|status| status.trouble) {
                    Some(trouble) => break trouble,
                    None => tokio::task::yield_now().await,
                }
            };
            assert!(trouble.contains("transform `tollgate/tidy-names` failed") && trouble.contains(says), "{trouble}");
            assert_eq!(world.erp_count(RecordType::Customer), before);
            assert_eq!(app.tally(&customers()).await.expect("a tally").read, 0);
            app.stop().await;
            world.crm.vendor().set("Account", &stray, &fields(json!({"Name": "Mended"}))).expect("renamed");
            if !mend.is_empty() {
                world.edit("30-customers.yaml", mend, "broken: false");
            }
        }
        let app = open(&world, folder.path(), &database).await;
        app.start().await.expect("the flows start");
        let tally = rest(&app).await;
        assert_eq!((tally.written, tally.exceptions), (world.crm.vendor().count("Account") as u64, 0), "{tally}");
        app.stop().await;
    }

    /// The flow drops one field and masks another: neither value is in the target, in any file or table of the host, or in
    /// what is set aside, where a country that nobody knows makes an exception of one record and a shape that cannot be
    /// masked of another.
    async fn redacted_values_are_nowhere(database: Database) {
        let redact = "transforms:\n  - plugin: tollgate/redact\n    reads: [Description]\n    settings: { fields: { Industry: drop, Description: mask } }\n";
        let world = world(redact).await;
        let folder = tempfile::tempdir().expect("a folder");
        let values = ["CanaryIndustryQX", "CanaryDescriptionQX"];
        for country in ["France", "Nowhereland"] {
            let account = fields(json!({
                "Name": country, "Description": values[1], "Industry": values[0], "BillingCountry": country,
            }));
            world.crm.vendor().add("Account", &account).expect("an account");
        }
        let app = open(&world, folder.path(), &database).await;
        app.start().await.expect("the flows start");
        let tally = rest(&app).await;
        assert!(tally.written > 0 && tally.exceptions == 1, "{tally}");
        let exceptions = app.set_aside(&customers(), Kind::Exception, 10).await.expect("exceptions");
        assert!(exceptions[0].change.contains("Nowhereland") && exceptions[0].change.contains("***"), "{exceptions:?}");
        app.stop().await;

        let mut written = files(folder.path());
        match database.url.strip_prefix("sqlite:") {
            Some(path) => written.extend(files(Path::new(path).parent().expect("a file has a folder"))),
            None => {
                let tables = database.text().await.expect("the tables");
                written.extend(tables.into_iter().map(|(_, text)| text.into_bytes()));
            }
        }
        written.push(world.erp.ledger().to_string().into_bytes());
        assert!(written.iter().any(|bytes| memchr::memmem::find(bytes, b"Nowhereland").is_some()), "it was looked for");
        for value in values {
            let is_found = |bytes: &Vec<u8>| memchr::memmem::find(bytes, value.as_bytes()).is_some();
            assert!(!written.iter().any(is_found), "{value} was written");
        }
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(std::fs::read(&path).expect("a file")),
        }
    }
    found
}

/// What a flow says of its transforms is held against the installed plugins before anything changes; each case is one
/// mistake and the words that name it.
#[tokio::test(flavor = "multi_thread")]
async fn transforms_are_verified() {
    let eight = "  - plugin: tollgate/tidy-names\n".repeat(9);
    let cases = [
        ("transforms: [{ plugin: tollgate/nobody }]".to_owned(), "transform `tollgate/nobody` is not installed"),
        (
            "transforms: [{ plugin: tollgate/netsuite }]".to_owned(),
            "plugin `tollgate/netsuite` is a connector and exports no `transform`",
        ),
        ("transforms: [{ plugin: tollgate/redact }]".to_owned(), "setting `fields` is missing"),
        (
            "transforms: [{ plugin: tollgate/tidy-names, settings: { x: 1 } }]".to_owned(),
            "plugin `tollgate/tidy-names` has no setting `x`",
        ),
        ("transforms: [{ plugin: tollgate/tidy-names, when: 1 }]".to_owned(), "unknown key `when`"),
        (format!("transforms:\n{eight}"), "9 transforms; use at most 8"),
    ];
    for (text, says) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let world = world(&text).await;
        let refused = match world.open(&folder.path().join("host"), None).await {
            Ok(_) => panic!("taken: {text}"),
            Err(error) => format!("{error:#}"),
        };
        assert!(refused.contains(says), "{text}: {refused}");
    }
}
