//! That the command line and the API are one: every verb is a call, and every call has its verb.

use super::*;
use crate::api::rules::{RULES, Rule};
use std::collections::BTreeSet;

/// One command line for every verb that asks a host. `plugin install` and the like read files: these are not there, so
/// they stand in [`FILES`].
const LINES: &[&str] = &[
    "status",
    "rollback 3",
    "revision current",
    "revision list",
    "revision show 3",
    "document list",
    "document show flow orders",
    "document history flow orders",
    "document remove flow orders",
    "plugin list",
    "plugin show sha256:00",
    "plugin activate sha256:00",
    "plugin rollback acme/crm",
    "plugin remove sha256:00",
    "connection list",
    "connection show crm",
    "connection create crm --plugin acme/crm --account acme",
    "connection check crm",
    "connection discover crm",
    "connection confirm crm 00D1",
    "connection find crm Account Name=Acme --limit 3",
    "connection consent crm",
    "secret remove crm token",
    "account list",
    "flow list",
    "flow show orders",
    "flow start orders",
    "flow pause orders --reason audit",
    "flow resume orders",
    "flow cancel orders",
    "flow read-anew orders",
    "flow watch orders",
    "flow flagged orders",
    "entity try orders 006",
    "entity check customer",
    "run list orders --state failed",
    "run show 1",
    "run calls 1",
    "run watch 1",
    "set-aside list orders --kind hold",
    "set-aside counts orders",
    "set-aside show orders 1",
    "set-aside release orders 1 2",
    "set-aside discard orders --kind exception --rule required --reason old",
    "table list",
    "table rows product",
    "table show product GTX",
    "table set product GTX GTK",
    "table remove product GTX",
    "table history product GTX",
    "token list",
    "token create --name ci --role auditor",
    "token revoke 1",
    "audit --action configuration.apply",
];

/// Verbs that read standard input or a file before they call, and their call.
const FILES: &[(&str, (&str, &str))] = &[
    ("apply", ("POST", "/v1/configuration/apply")),
    ("plugin install", ("POST", "/v1/plugins")),
    ("secret set", ("PUT", "/v1/connections/{name}/secrets/{secret}")),
    ("set-aside edit", ("PUT", "/v1/flows/{flow}/set-aside/{key}")),
];

/// Verbs that ask no host.
const LOCAL: &[&str] =
    &["serve", "completions", "plugin new", "plugin dev", "plugin test", "plugin build", "plugin check"];

/// Routes that a verb reaches by its plural: one change is a list of one.
const COVERED: &[(&str, &str)] =
    &[("POST", "/v1/flows/{flow}/set-aside/{key}/release"), ("POST", "/v1/flows/{flow}/set-aside/{key}/discard")];

fn leaves(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
    for verb in command.get_subcommands() {
        let path = format!("{path} {}", verb.get_name()).trim().to_owned();
        if verb.has_subcommands() {
            leaves(verb, &path, found);
        } else {
            found.insert(path);
        }
    }
}

fn routes() -> BTreeSet<(&'static str, &'static str)> {
    let needs = RULES.iter().filter(|(_, _, rule)| matches!(rule, Rule::Needs(_)));
    needs.map(|(method, path, _)| (*method, *path)).filter(|route| !COVERED.contains(route)).collect()
}

/// Each verb that is no file's business is tried; together with the others they call every route that needs a token,
/// and none that is not there. A verb without a line here fails, so does a route without a verb. PLT-11.
#[test]
fn verbs_and_routes_are_the_same() {
    let mut all = BTreeSet::new();
    leaves(&Arguments::command(), "", &mut all);
    let mut called = BTreeSet::new();
    let mut tried: BTreeSet<String> = LOCAL.iter().map(|&verb| verb.to_owned()).collect();
    for line in LINES {
        let words: Vec<&str> = line.split(' ').collect();
        let arguments = Arguments::try_parse_from(std::iter::once("tollgate").chain(words.iter().copied()));
        let arguments = arguments.unwrap_or_else(|error| panic!("{line}: {error}"));
        let Ok(Kind::Asked(deed)) = arguments.verb.kind() else { panic!("{line} asks no host") };
        called.extend(deed.routes());
        let verb =
            all.iter().filter(|verb| format!("{line} ").starts_with(&format!("{verb} "))).max_by_key(|verb| verb.len());
        tried.insert(verb.unwrap_or_else(|| panic!("{line} is no verb")).clone());
    }
    for (verb, route) in FILES {
        tried.insert((*verb).to_owned());
        called.insert(*route);
    }
    assert_eq!(tried, all, "verbs that are tried, and verbs that there are");
    assert_eq!(called, routes(), "routes that are called, and routes that there are");
}

/// The places in an answer that a verb shows.
fn shown(deed: &Deed) -> Vec<String> {
    let in_text = |text: &str| -> Vec<String> {
        text.split("{/").skip(1).filter_map(|rest| Some(format!("/{}", rest.split_once('}')?.0))).collect()
    };
    let in_items = |columns: &[ask::Column]| columns.iter().map(|(_, pointer)| format!("/items/0{pointer}")).collect();
    match deed {
        Deed::List(_, columns, _) | Deed::Ask(_, ask::Show::Rows(columns)) => in_items(columns),
        Deed::Ask(_, ask::Show::Said(text)) => in_text(text),
        Deed::Ask(_, ask::Show::Text(pointer)) => vec![(*pointer).to_owned()],
        Deed::Watch { until, line, .. } => in_text(line).into_iter().chain([until.0.to_owned()]).collect(),
        _ => Vec::new(),
    }
}

/// Whether its first call sends something.
fn sends_body(deed: &Deed) -> bool {
    match deed {
        Deed::Change { .. } | Deed::Steps { .. } => true,
        Deed::Ask(call, _) | Deed::List(call, ..) | Deed::Watch { call, .. } => !matches!(call.body, ask::Body::Empty),
        Deed::Consent { begin, .. } => !matches!(begin.body, ask::Body::Empty),
    }
}

/// Whether an answer of this schema can have something at this place.
fn has(document: &serde_json::Value, schema: &serde_json::Value, place: &[&str]) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return has(document, &document.pointer(&reference[1..]).expect("a schema that is there").clone(), place);
    }
    let several = ["oneOf", "anyOf", "allOf"].iter().filter_map(|name| schema[*name].as_array()).flatten();
    if several.clone().any(|schema| has(document, schema, place)) {
        return true;
    }
    match place {
        [] => true,
        ["0", rest @ ..] if schema["items"].is_object() => has(document, &schema["items"], rest),
        [name, rest @ ..] => schema["properties"].get(*name).is_some_and(|schema| has(document, schema, rest)),
    }
}

/// What a verb shows is in the answer that the OpenAPI document describes: a column that is never filled would go unseen.
#[test]
fn what_is_shown_is_answered() {
    let document: serde_json::Value = serde_json::from_str(&crate::api::document()).expect("JSON");
    let mut missing = Vec::new();
    for line in LINES {
        let arguments = Arguments::try_parse_from(std::iter::once("tollgate").chain(line.split(' ')));
        let Ok(Kind::Asked(deed)) = arguments.expect("it is read").verb.kind() else { panic!("{line} asks no host") };
        let [(method, route), ..] = deed.routes()[..] else { panic!("{line} calls nobody") };
        let operation = &document["paths"][route][method.to_lowercase()];
        let asks_body = operation["requestBody"].is_object();
        assert_eq!(sends_body(&deed), asks_body, "{line}: whether {method} {route} takes a body");
        let responses = &operation["responses"];
        let good = ["200", "201", "202"].iter().find_map(|status| responses.get(*status));
        let schema = good.map_or(&serde_json::Value::Null, |good| &good["content"]["application/json"]["schema"]);
        let places = shown(&deed).into_iter();
        missing.extend(places.filter_map(|place| {
            let parts: Vec<&str> = place.split('/').skip(1).collect();
            (!has(&document, schema, &parts)).then(|| format!("{line}: {place}"))
        }));
    }
    assert!(missing.is_empty(), "shown and never answered:\n  {}", missing.join("\n  "));
}

/// What an error tells somebody to type is a command that there is.
#[test]
fn told_commands_can_be_typed() {
    let (connection, secret) = (|| "crm".into(), "token".to_owned());
    let told = [
        crate::gate::Error::SecretMissing { connection: connection(), secret }.to_string(),
        crate::gate::Error::ConsentNeeded {
            connection: connection(),
            credential: "oauth".into(),
            reason: "it ended".into(),
        }
        .to_string(),
        crate::app::Error::AccountChanged { connection: connection(), confirmed: "1".into(), seen: "2".into() }
            .to_string(),
    ];
    for text in told {
        let (_, command) = text.split_once("tollgate ").unwrap_or_else(|| panic!("no command in: {text}"));
        let command = command.split('`').next().expect("it ends");
        let words = std::iter::once("tollgate").chain(command.split_whitespace());
        Arguments::try_parse_from(words).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

/// The command line is consistent, and says where a role or a kind is wrong.
#[test]
fn command_lines_are_read() {
    Arguments::command().debug_assert();
    let line = |role| ["tollgate", "token", "create", "--name", "ci", "--role", role];
    assert!(Arguments::try_parse_from(line("operator")).is_ok());
    let refused = Arguments::try_parse_from(line("king")).expect_err("there is no such role").to_string();
    assert!(refused.contains("approver, auditor, admin"), "{refused}");
    assert!(Arguments::try_parse_from(["tollgate", "set-aside", "release", "orders"]).is_err(), "all of them is said");
}
