//! The OpenAPI document: kept here as a whole, so that no change of the API goes unseen.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tollgate::api;
use tollgate::api::Code;
use tollgate::api::rules::{RULES, Rule};

/// The document is the one that is kept beside this file. Set `TOLLGATE_UPDATE_OPENAPI` to write it anew.
#[test]
fn the_document_is_the_kept_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite/api/openapi.json");
    let document = api::document() + "\n";
    if std::env::var_os("TOLLGATE_UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &document).expect("the file is writable");
    }
    let kept = std::fs::read_to_string(&file).expect("the kept document");
    assert!(kept == document, "the API changed: look at it with TOLLGATE_UPDATE_OPENAPI=1 and `git diff`");
}

/// Every route of the router has a rule and every rule a route: the document is made by the router, and is compared with
/// the table of rules. Only open routes are described without a token.
#[test]
fn every_route_has_a_rule() {
    let document: Value = serde_json::from_str(&api::document()).expect("JSON");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let needs_token = operation["security"][0].get("token").is_some();
            described.insert((method.to_uppercase(), path.clone(), needs_token));
            // A person's browser comes back here: it is told in plain text.
            let answers_people = path == "/v1/consent/callback";
            let responses = operation["responses"].as_object().expect("answers");
            for (status, response) in responses.iter().filter(|_| !answers_people) {
                let is_refusal = status.starts_with(['4', '5']);
                let error = &response["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(error == "#/components/schemas/Error", is_refusal, "{method} {path} {status}");
            }
        }
    }
    let ruled: BTreeSet<_> =
        RULES.iter().map(|(method, path, rule)| (method.to_string(), path.to_string(), *rule != Rule::Open)).collect();
    assert_eq!(described, ruled);
    assert_eq!(ruled.len(), RULES.len(), "a route has two rules");
}

/// Programs learn from the document which codes there are, so it must name exactly those that are answered.
#[test]
fn every_code_is_described() {
    let document: Value = serde_json::from_str(&api::document()).expect("JSON");
    let described = document["components"]["schemas"]["Code"]["enum"].as_array().expect("a list");
    assert_eq!(described, &Code::ALL.iter().map(|code| Value::from(code.as_str())).collect::<Vec<_>>());
}

/// No two types of the API have one name: in the document the later one would stand for both, and nobody would see it.
/// Found by reading the sources for what derives a schema.
#[test]
fn names_of_answers_are_unique() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src/api");
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the room").map(|entry| entry.expect("a file").path()) {
        let text = std::fs::read_to_string(&entry).expect("a source file");
        for part in text.split("ToSchema)]").skip(1) {
            let mut words = part.split_whitespace().skip_while(|word| !["struct", "enum"].contains(word));
            let name = words.nth(1).expect("a name").split(['<', '(']).next().expect("a name").to_owned();
            assert!(seen.insert(name.clone()), "{name} is there twice, once in {}", entry.display());
        }
    }
    assert!(seen.len() > 40, "the types were found: {seen:?}");
}
