//! The third connector at work: companies of HubSpot become customers of NetSuite, and the other way round, within the
//! limits of both. Every number is read from the vendors' own ledgers.

use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tollgate::app::apply::Wish;
use tollgate::app::documents::{self, Document};
use tollgate::app::{App, Options};
use tollgate::clock::SystemClock;
use tollgate::gate::simulated::Simulators;
use tollgate::store::Kind;
use tollgate_core::model::tally::Tally;
use tollgate_tests::guests;
use tollgate_tests::sims::hubspot::{self, schema::ObjectType};
use tollgate_tests::sims::netsuite::{self, schema::RecordType};
use tollgate_tests::sims::time::LOADED_MS;
use tollgate_tests::sims::{HubSpot, NetSuite, Sim};
use tollgate_tests::tls::TestCa;
use tollgate_tests::world::at;

const COUNTRIES: [(&str, &str); 4] = [("United States", "US"), ("Germany", "DE"), ("Japan", "JP"), ("Kenya", "KE")];

/// Both vendors and a host between them, not started.
struct Stage {
    crm: Sim<HubSpot>,
    erp: Sim<NetSuite>,
    app: App,
    _folder: TempDir,
}

impl Stage {
    /// `mend` changes the configuration that stands in `tests/hubspot/config`.
    async fn set(crm: hubspot::Options, load: impl FnOnce(&HubSpot, &NetSuite), mend: fn(String) -> String) -> Self {
        let ca = TestCa::new();
        let crm = HubSpot::start(crm, &ca).await.expect("the CRM starts");
        let erp = NetSuite::start(netsuite::Options::default(), &ca).await.expect("the ERP starts");
        load(crm.vendor(), erp.vendor());
        let hosts = vec![(crm.host().to_owned(), crm.tls_port()), (erp.host().to_owned(), erp.tls_port())];
        let net = Simulators { hosts, root: hex::encode(ca.root()) }.net().expect("a network");
        let folder = tempfile::tempdir().expect("a folder");
        let (data_dir, tenant) = (folder.path().join("host"), "default".into());
        let options =
            Options { data_dir, database_url: None, tenant, net: Arc::new(net), clock: Arc::new(SystemClock) };
        let app = App::open(options).await.expect("the host opens");
        for name in ["hubspot", "netsuite"] {
            app.install(&guests::component(name), true, "test").await.expect("a connector is installed");
        }
        let keys = erp.vendor().options();
        for (connection, name, value) in [
            ("hubspot", "token", &crm.vendor().options().token),
            ("netsuite", "client_id", &keys.client_id),
            ("netsuite", "key_id", &keys.key_id),
            ("netsuite", "private_key", &keys.key.private_pem()),
        ] {
            app.set_secret(&connection.into(), name, value, "test").await.expect("a secret is set");
        }
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("hubspot/config");
        let config = documents::read_folder(&config).expect("the configuration");
        let mended = config.into_iter().map(|document| Document { text: mend(document.text), ..document });
        app.apply(Wish::new(&mended.collect::<Vec<_>>(), "test")).await.expect("the configuration is applied");
        Self { crm, erp, app, _folder: folder }
    }

    /// Waits for rest; every change must be accounted for (RET-05), and neither vendor may have said "too fast".
    async fn rest(&self) -> Tally {
        self.app.rest().await.expect("the host comes to rest");
        let tally = self.app.tally(&"customers".into()).await.expect("a tally");
        assert!(tally.is_conserved() && tally.in_flight == 0, "{tally}");
        for ledger in [self.crm.ledger(), self.erp.ledger()] {
            assert_eq!(at(&ledger, "/requests/throttled"), 0, "{ledger}");
        }
        tally
    }

    /// Waits until it is so, a minute at most. Unlike rest, which begins only when no read looks back any more.
    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let wait = async {
            while !is_so() {
                self.app.tally(&"customers".into()).await.expect("a tally");
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect(what);
    }

    /// Of the ERP's customers: how many, how many of them twice, how many writes were sent.
    fn customers(&self) -> [u64; 3] {
        let ledger = self.erp.ledger();
        ["/count", "/duplicates", "/writes/received"]
            .map(|name| at(&ledger, &format!("/objects/customer{name}")).as_u64().expect("a count"))
    }

    /// The ERP's customer that a company became.
    fn customer(&self, company: u64) -> Json {
        let key = format!("eid:{company}");
        self.erp.vendor().read(RecordType::Customer, &key).unwrap_or_default()
    }
}

/// Companies `Company 1` and on, 3,000 in a millisecond: more than a search gives in an answer.
fn load_companies(crm: &HubSpot, count: usize) -> Vec<u64> {
    let load = |n: usize| {
        let stamp_ms = LOADED_MS + i64::try_from(n / 3_000).expect("few");
        let values = [
            ("name", &*format!("Company {}", n + 1)),
            ("domain", &*format!("company-{n}.example.com")),
            ("phone", &*format!("+1 217 555 {n:04}")),
            ("country", COUNTRIES[n % COUNTRIES.len()].0),
            ("city", "Springfield"),
            ("numberofemployees", &*(n + 10).to_string()),
            ("annualrevenue", &*format!("{}.5", 1_000 + n)),
        ];
        crm.load(ObjectType::Company, &values, stamp_ms)
    };
    (0..count).map(load).collect()
}

/// 10,000 companies become 10,000 customers, although a search ends after 10,000 results, a page after 200 and most of
/// them share an instant; neither vendor is asked too fast; a second pass reads them all and writes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_companies_become_customers() {
    const COUNT: u64 = 10_000;
    let mut companies = Vec::new();
    let load = |crm: &HubSpot, _: &NetSuite| companies = load_companies(crm, COUNT as usize);
    let stage = Stage::set(hubspot::Options::default(), load, |text| text).await;
    stage.app.start().await.expect("the flow starts");
    let tally = stage.rest().await;
    assert_eq!((tally.written, stage.customers()), (COUNT, [COUNT, 0, COUNT]), "{tally}");
    for n in [0, 4_321, companies.len() - 1] {
        let customer = stage.customer(companies[n]);
        assert_eq!(customer["companyName"], format!("Company {}", n + 1), "{customer}");
        assert_eq!(customer["custentity_annual_revenue"], format!("{}.5", 1_000 + n), "{customer}");
    }

    stage.app.read_anew(&"customers".into(), "test").await.expect("the flow starts again");
    let again = stage.rest().await;
    assert_eq!(stage.customers(), [COUNT, 0, COUNT], "nothing changed, so nothing is written: {again}");
    let ledger = stage.crm.ledger();
    let searches = at(&ledger, "/requests/by_route/search").as_u64().expect("a count");
    assert!(searches >= 2 * COUNT / 200, "{ledger}");
    stage.app.stop().await;
}

/// A change that search shows ten seconds late, after a younger one has moved the cursor past it, arrives all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_change_arrives() {
    let mut companies = Vec::new();
    let load = |crm: &HubSpot, _: &NetSuite| companies = load_companies(crm, 3);
    let options = hubspot::Options { search_lag: Duration::from_secs(10), ..hubspot::Options::default() };
    let stage = Stage::set(options, load, |text| text).await;
    stage.app.start().await.expect("the flow starts");
    assert_eq!(stage.rest().await.written, 3);
    let crm = stage.crm.vendor();
    let renamed = json!({ "name": "Company One" });
    let late = companies[0].to_string();
    crm.edit_record(ObjectType::Company, Some(&late), renamed.as_object().expect("an object")).expect("renamed");
    let shown = crm.read(ObjectType::Company, &late).expect("the company");
    let shown = shown["updatedAt"].as_str().and_then(tollgate_tests::sims::time::parse_timestamp).expect("an instant");
    let younger = crm.load(ObjectType::Company, &[("name", "Younger")], shown + 1);
    stage.until("the younger one arrives", || stage.customer(younger)["companyName"] == "Younger").await;
    assert_eq!(stage.customer(companies[0])["companyName"], "Company 1", "search does not know it yet");
    stage.until("the change arrives", || stage.customer(companies[0])["companyName"] == "Company One").await;
    assert_eq!(stage.customers(), [4, 0, 5], "each was written once");
    assert_eq!(at(&stage.crm.ledger(), "/requests/throttled"), 0);
    stage.app.stop().await;
}

/// Customers of the ERP become companies, upserted by a unique property 100 a call; one that HubSpot refuses is set aside
/// with the property that is wrong, and those of its batch are written.
#[tokio::test(flavor = "multi_thread")]
async fn one_bad_record_of_a_batch_is_set_aside() {
    const COUNT: usize = 250;
    let load = |_: &HubSpot, erp: &NetSuite| {
        for n in 0..COUNT {
            let sector = if n == 42 { "piracy" } else { "RETAIL" };
            let fields = [("companyName", json!(format!("Customer {n}"))), ("custentity_sector", json!(sector))];
            erp.load(RecordType::Customer, Some(&format!("C-{n}")), &fields, Some("DE"));
        }
    };
    let stage = Stage::set(hubspot::Options::default(), load, |text| {
        if text.starts_with("flow:") {
            return text.replace("from: crm\nto: erp", "from: erp\nto: crm");
        }
        match text.find("identity:").filter(|_| text.contains("entity: customer")) {
            None => text,
            Some(at) => format!(
                "{}identity:\n  link: {{ crm: erp_id }}\nlife:\n  create: {{ from: erp, in: [crm] }}\nfields:\n  \
                 name: {{ owner: erp, erp: companyName, crm: name }}\n  \
                 sector: {{ owner: erp, erp: custentity_sector, crm: industry }}\n",
                &text[..at]
            ),
        }
    })
    .await;
    stage.app.start().await.expect("the flow starts");
    let tally = stage.rest().await;
    assert_eq!((tally.written, tally.exceptions), (COUNT as u64 - 1, 1), "{tally}");
    let rows = stage.app.set_aside(&"customers".into(), Kind::Exception, 10).await.expect("exceptions");
    let reasons = format!("{:?}", rows[0]);
    assert!(reasons.contains("industry") && reasons.contains("piracy"), "{reasons}");
    let ledger = stage.crm.ledger();
    let companies = at(&ledger, "/objects/companies");
    assert_eq!((&companies["count"], &companies["duplicates"]), (&json!(COUNT - 1), &json!(0)), "{companies}");
    assert_eq!(companies["writes"]["rejected"], 1, "{companies}");
    stage.app.stop().await;
}
