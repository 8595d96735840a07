//! Trying one record: what would become of it, and that nothing comes of the trying.

use super::super::{Client, Stage};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tollgate::app::access::Role;
use tollgate_tests::data::generator_sample;
use tollgate_tests::on_both_databases;

async fn tried(client: &Client, flow: &str, key: &str) -> Value {
    let answer = client.send(Method::POST, &format!("/v1/flows/{flow}/try"), &json!({ "key": key })).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json
}

/// The key of the record with this name, as the CRM has it.
async fn key_of(client: &Client, stream: &str, name: &str) -> String {
    let wish = json!({ "stream": stream, "equal": { "Name": name } });
    let found = client.send(Method::POST, "/v1/connections/salesforce/find", &wish).await;
    found.items()[0]["key"].as_str().expect("a key").to_owned()
}

fn field<'a>(tried: &'a Value, name: &str) -> &'a Value {
    let found = tried["fields"].as_array().and_then(|all| all.iter().find(|path| path["field"] == name));
    found.unwrap_or_else(|| panic!("no field {name}: {tried}"))
}

on_both_databases! {
    /// An order is tried before anything ran: it waits for its customer. Nothing is stored or sent for it. After the flows ran,
    /// the same order is unchanged, an open deal is skipped with its condition, and a customer with a misspelt country is an
    /// exception that names table and rule. What a try says is what the flows then do.
    async fn a_record_is_tried(database: Database) {
        let crm = generator_sample();
        let stage = Stage::set(&database, Some(&crm)).await;
        let client = stage.client_as(Role::Operator).await;
        let won = crm.deals.iter().find(|deal| deal.is_won() && deal.account.is_some()).expect("a won deal");
        let open = crm.deals.iter().find(|deal| !deal.is_won()).expect("an open deal");
        let (won, open) = (key_of(&client, "Opportunity", &won.id).await, key_of(&client, "Opportunity", &open.id).await);

        let before = tried(&client, "orders", &won).await;
        assert_eq!(before["verdict"]["is"], "hold", "{before}");
        assert_eq!((&before["predicate"]["holds"], &before["record"]["taken_from"]), (&json!(true), &json!("source")));
        let customer = field(&before, "customer");
        assert_eq!((&customer["end"], &customer["reference"]["entity"]), (&json!("waits"), &json!("customer")), "{customer}");
        assert_eq!(field(&before, "date")["end"], "sent");
        for table in ["record", "set_aside", "batch", "tally", "run"] {
            assert_eq!(database.count(table).await.expect("a count"), 0, "{table}");
        }
        assert_eq!(stage.world.orders().writes, 0);

        stage.app.start().await.expect("the flows start");
        stage.app.rest().await.expect("the host comes to rest");
        let rows = stage.app.set_aside(&"customers".into(), tollgate::store::Kind::Exception, 1).await.expect("exceptions");
        let refused = tried(&client, "customers", &rows[0].key).await;
        assert_eq!((&refused["verdict"]["is"], &refused["set_aside"]["rule"]), (&json!("exception"), &json!(rows[0].rule)));
        let country = field(&refused, "country");
        assert_eq!((&country["end"], &country["table"]["name"], &country["table"]["to"]), (&json!("refused"), &json!("country"), &Value::Null));
        let message = refused["verdict"]["stops"][0]["message"].as_str().expect("a sentence");
        assert!(rows[0].reason.ends_with(message), "{message}: {}", rows[0].reason);

        let skipped = tried(&client, "orders", &open).await;
        assert_eq!((&skipped["verdict"]["is"], &skipped["predicate"]["holds"]), (&json!("skipped"), &json!(false)), "{skipped}");
        let written = stage.world.orders();
        let customers = stage.app.store().audit(&"default".into(), 0, 1).await.expect("the audit log");
        assert!(!customers.is_empty());
        let one = key_of(&client, "Account", &crm.accounts[0].name).await;
        let after = tried(&client, "customers", &one).await;
        assert!(["unchanged", "exception"].contains(&after["verdict"]["is"].as_str().expect("a word")), "{after}");
        assert_eq!(stage.world.orders(), written, "trying sends nothing");

        for (flow, key, code) in [("orders", "", "refused"), ("orders", "nobody", "absent"), ("nobody", "x", "absent")] {
            let answer = client.send(Method::POST, &format!("/v1/flows/{flow}/try"), &json!({ "key": key })).await;
            assert_eq!(answer.code(), code, "{flow} {key}");
        }
        stage.stop().await;
    }
}
