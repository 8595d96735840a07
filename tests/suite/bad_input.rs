//! Bad input, one case each: what a person reads says what is wrong, where, and what to do next; nothing is lost.

use rust_decimal::Decimal;
use serde_json::json;
use tollgate::app::App;
use tollgate::store::{Kind, SetAsideRow};
use tollgate_tests::data;
use tollgate_tests::sims::netsuite::schema::RecordType;
use tollgate_tests::sims::salesforce::edit::Deal;
use tollgate_tests::world::World;

async fn world() -> (World, tempfile::TempDir) {
    let crm = data::generator_sample();
    let world = World::start().await.expect("both vendors start");
    world.load(&crm);
    (world, tempfile::tempdir().expect("a folder"))
}

async fn open(world: &World, folder: &tempfile::TempDir) -> Result<App, String> {
    world.open(&folder.path().join("host"), None).await.map_err(|error| format!("{error:#}"))
}

/// An error with its causes, as the command line prints it.
fn text(error: tollgate::app::Error) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

fn assert_says(message: &str, words: &[&str]) {
    eprintln!("{message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}

/// Faults of the configuration name file, line, column and the mend, and nothing is taken over.
#[tokio::test(flavor = "multi_thread")]
async fn configuration_faults() {
    let cases: [(&str, &str, &str, &[&str]); 6] = [
        (
            "20-customer.yaml",
            "rules: [trim]",
            "ruels: [trim]",
            &["20-customer.yaml:", "unknown key `ruels`", "`rules`"],
        ),
        (
            "20-customer.yaml",
            "{ owner: crm, crm: Name",
            "{ owner: [crm, erp], crm: Name",
            &["20-customer.yaml:", "name", "owner"],
        ),
        ("20-customer.yaml", "type: country", "type: contry", &["20-customer.yaml:", "contry", "`country`"]),
        ("32-orders.yaml", "every_ms", "evry_ms", &["32-orders.yaml:5:1", "evry_ms", "`every_ms`"]),
        (
            "10-salesforce.yaml",
            "tollgate/salesforce",
            "tollgate/salesfarce",
            &["10-salesforce.yaml", "not installed", "tollgate/salesforce"],
        ),
        (
            "10-salesforce.yaml",
            "https://acme.my.salesforce.com",
            "http://acme.my.salesforce.com",
            &["10-salesforce.yaml", "https"],
        ),
    ];
    for (file, from, to, words) in cases {
        let (mut world, folder) = world().await;
        world.edit(file, from, to);
        let message = open(&world, &folder).await.err().expect("the configuration is refused");
        assert_says(&message, &["nothing was changed"]);
        assert_says(&message, words);
    }
}

/// An origin that does not exist is named, with its connection.
#[tokio::test(flavor = "multi_thread")]
async fn unreachable_endpoint() {
    let (mut world, folder) = world().await;
    world.edit("10-salesforce.yaml", "acme.my", "nowhere.my");
    let app = open(&world, &folder).await.expect("the host opens");
    let error = app.check(&"salesforce".into()).await.expect_err("nobody answers");
    assert_says(&text(error), &["salesforce", "nowhere.my.salesforce.com"]);
}

/// A wrong secret: the message names connection, status and the vendor's word, and not the secret.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials() {
    let (world, folder) = world().await;
    let app = open(&world, &folder).await.expect("the host opens");
    app.set_secret(&"salesforce".into(), "client_secret", "not-the-right-secret", "test").await.expect("it is stored");
    let message = text(app.check(&"salesforce".into()).await.expect_err("the vendor refuses"));
    assert_says(&message, &["salesforce", "invalid_client"]);
    assert!(!message.contains("not-the-right-secret"), "{message}");
}

/// Records with something odd arrive exactly or wait with a reason; none takes another one down (DQ-03, MAP-16).
#[tokio::test(flavor = "multi_thread")]
async fn odd_records() {
    let (world, folder) = world().await;
    let crm = world.crm.vendor();
    let fields = |value: serde_json::Value| value.as_object().expect("an object").clone();
    let emoji = "Łódź 🚀 Größe \"& Söhne\" \\ 'x'";
    let account = crm.add("Account", &fields(json!({"Name": emoji, "BillingCountry": "Poland"}))).expect("an account");
    crm.add("Account", &fields(json!({"Name": "No Country", "BillingCountry": null}))).expect("an account");
    crm.add("Account", &fields(json!({"Name": "Null\0Ltd", "BillingCountry": "Poland"}))).expect("an account");
    let product = data::generator_sample().products[2].name.clone();
    for (name, account, amount) in [
        ("DEAL-EMOJI", Some(emoji), Decimal::new(1_999, 2)),
        ("DEAL-ZERO", Some("No Country"), Decimal::ZERO),
        ("DEAL-NOBODY", None, Decimal::ONE),
    ] {
        let deal = Deal { name, account, product: &product, stage: "Closed Won", amount, date: "2018-01-03" };
        crm.add_deal(&deal).expect("a deal");
    }
    let app = open(&world, &folder).await.expect("the host opens");
    app.start().await.expect("the flows start");
    app.rest().await.expect("the host comes to rest");

    let erp = world.erp.vendor();
    let odd = app.set_aside(&"customers".into(), Kind::Exception, 100).await.expect("exceptions");
    let (null, odd): (Vec<SetAsideRow>, Vec<SetAsideRow>) = odd.into_iter().partition(|row| row.rule == "text");
    assert_eq!(null.len(), 1, "{null:?}");
    assert_says(&null[0].reason, &["`name`", "U+0000", "at the source"]);
    assert!(!odd.is_empty() && odd.iter().all(|row| row.rule == "country"), "{odd:?}");
    let tally = app.tally(&"customers".into()).await.expect("a tally");
    assert_eq!(tally.held, 0, "{tally}");
    let customer = erp.read(RecordType::Customer, &format!("eid:{account}")).expect("the customer arrived");
    assert_eq!(customer["companyName"], emoji);
    let zero = erp.read(RecordType::SalesOrder, &order_of(&world, "DEAL-ZERO")).expect("the free order arrived");
    assert_eq!(zero["total"].to_string().parse::<Decimal>().expect("a sum"), Decimal::ZERO, "{zero}");
    let refused = app.set_aside(&"orders".into(), Kind::Exception, 100).await.expect("exceptions");
    let nobody: Vec<&SetAsideRow> = refused.iter().filter(|row| row.change.contains("DEAL-NOBODY")).collect();
    assert_eq!(nobody.len(), 1, "{refused:?}");
    assert_says(&nobody[0].reason, &["customer"]);
    assert_eq!(nobody[0].rule, "required");
    app.stop().await;
}

/// The external id of a deal's order is the deal's own id.
fn order_of(world: &World, deal: &str) -> String {
    let id = world.crm.vendor().read("Opportunity", deal).expect("the deal")["Id"].clone();
    format!("eid:{}", id.as_str().expect("an id"))
}
