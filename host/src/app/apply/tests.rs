//! Plans are pure: each case gives what is stored and what is given, and looks at what would become of it.

use super::plan::*;
use crate::app::documents::Document;
use crate::store::{InstalledPlugin, PluginRow};
use std::collections::BTreeMap;
use tollgate_core::model::{At, Digest};

const MANIFEST: &str = r#"
[plugin]
name = "acme/crm"
version = "1.0.0"
contract = "0.1"
cursor_format = 1
about = "A plugin for tests."
exports = ["source"]
capabilities = ["http"]

[[endpoint]]
name = "api"
purpose = "Data."
host = "crm.example"

[[setting]]
name = "book"
about = "Which book."
type = "text"
required = true
"#;

const CONNECTION: &str = "\
connection: crm
plugin: acme/crm
account: a1
endpoints:
  api: https://crm.example
settings:
  book: b1
";
const ERP: &str = "\
connection: erp
plugin: acme/crm
account: a2
endpoints: { api: https://crm.example }
settings: { book: b2 }
";
const ENTITY: &str = "\
entity: customer
systems:
  crm: { connection: crm, stream: Account }
  erp: { connection: erp, stream: customer }
life:
  create: { from: crm, in: [erp] }
fields:
  name: { owner: crm, crm: Name, erp: companyName }
";
const FLOW: &str = "\
flow: customers
entity: customer
from: crm
to: erp
";

fn given(texts: &[(&str, &str)]) -> Vec<Document> {
    texts.iter().map(|(file, text)| Document { file: (*file).into(), text: (*text).into() }).collect()
}

fn stored(documents: &[(&str, &str, &str)]) -> Stored {
    let row = PluginRow {
        digest: Digest::of(b"one"),
        name: "acme/crm".into(),
        version: "1.0.0".into(),
        manifest: MANIFEST.into(),
    };
    Stored {
        revision: 1,
        documents: documents.iter().map(|(k, n, t)| ((*k).into(), (*n).into(), (*t).into())).collect(),
        tables: BTreeMap::new(),
        installed: vec![InstalledPlugin { row, is_active: true, at: At(0) }],
    }
}

fn whole() -> Stored {
    stored(&[
        ("connection", "crm", CONNECTION),
        ("connection", "erp", ERP),
        ("entity", "customer", ENTITY),
        ("flow", "customers", FLOW),
    ])
}

fn faults(stored: &Stored, files: &[Document], removal: Removal<'_>) -> Vec<String> {
    plan(stored, files, removal).err().expect("faults").iter().map(ToString::to_string).collect()
}

/// Five files with five different kinds of fault are each named with file, line, column and what to do; none hides another.
#[test]
fn five_faults_at_once() {
    let files = given(&[
        ("1.yaml", "flow: broken\n  entity: [\n"),
        ("2.yaml", "flow: customers\nentitty: customer\nfrom: crm\nto: erp\n"),
        ("3.yaml", "flow: orders\nentity: custmer\nfrom: crm\nto: erp\n"),
        ("4.yaml", &ENTITY.replace("erp: companyName }", "erp: companyName }\n  name: { owner: erp, erp: x, crm: y }")),
        ("5.yaml", &CONNECTION.replace("  book: b1", "  bok: b1")),
    ]);
    let found = faults(&stored(&[("connection", "erp", ERP)]), &files, Removal::None);
    let expected = [
        ("1.yaml:2:", ""),
        ("2.yaml:2:1: ", "unknown key `entitty`; did you mean `entity`?"),
        ("3.yaml:2:9: ", "unknown entity `custmer`"),
        ("4.yaml:9:", "name"),
        ("5.yaml:6:1: ", "setting `book` is missing: Which book.; add it under `settings`"),
        ("5.yaml:7:3: ", "unknown setting `bok`; did you mean `book`?"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (fault, (place, words)) in found.iter().zip(expected) {
        assert!(fault.starts_with(place) && fault.contains(words), "{fault} instead of {place}{words}");
    }
}

/// What refers to a file that cannot be read is not at fault for it. Provoked by breaking each file of a whole configuration.
#[test]
fn an_unreadable_file_makes_no_faults_elsewhere() {
    for (file, text, broken) in
        [("crm", CONNECTION, "endpoints:"), ("customer", ENTITY, "fields:"), ("customers", FLOW, "from:")]
    {
        let text = text.replace(broken, &format!("{broken} ]["));
        let found = faults(&whole(), &given(&[(file, &text)]), Removal::None);
        assert!(!found.is_empty() && found.iter().all(|fault| fault.starts_with(&format!("{file}:"))), "{found:?}");
    }
}

/// Each fault between documents stands at the key or value that is wrong.
#[test]
fn faults_stand_where_they_are() {
    let flow = |from: &str, to: &str| given(&[("f.yaml", &FLOW.replace(from, to))]);
    let connection = |from: &str, to: &str| given(&[("c.yaml", &CONNECTION.replace(from, to))]);
    for (files, expected) in [
        (
            flow("from: crm", "from: cmr"),
            "f.yaml:3:7: entity `customer`: unknown system `cmr`; it is one of `crm`, `erp`",
        ),
        (flow("to: erp", "to: crm"), "f.yaml:4:5: entity `customer`: nothing travels"),
        (
            connection("plugin: acme/crm", "plugin: acme/crn"),
            "c.yaml:2:9: plugin `acme/crn` is not installed; install it first: unknown plugin",
        ),
        (connection("book: b1", "book: 7"), "c.yaml:7:9: setting `book` is a text; put it in quotes: Which book."),
        (connection("https://crm.example", "https://other.example"), "c.yaml:5:8: endpoint `api`"),
        (
            connection("endpoints:\n  api: https://crm.example", "endpoints: {}"),
            "c.yaml:4:1: endpoint `api` has no origin",
        ),
    ] {
        let found = faults(&whole(), &files, Removal::None);
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{found:#?} instead of {expected}");
    }
    let twice = given(&[("a.yaml", FLOW), ("b.yaml", FLOW)]);
    assert_eq!(
        faults(&whole(), &twice, Removal::None),
        ["b.yaml:1:7: flow: a.yaml has this name too; keep one of them, or rename this one"]
    );
}

/// What a plan does to documents: only what is other is changed, nothing that is not given goes without being asked to, and
/// what is still referred to cannot go.
#[test]
fn documents_are_created_changed_and_removed() {
    let changes = |files: &[(&str, &str)], removal: Removal<'_>| {
        let plan = plan(&whole(), &given(files), removal).expect("no faults");
        let named = |change: &DocumentChange| format!("{} {} {}", change.act.as_str(), change.kind, change.name);
        (plan.changes.iter().map(named).collect::<Vec<_>>(), plan.reopened)
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(changes(&[("f", FLOW)], Removal::None), (none.clone(), vec![]));
    let slower = format!("{FLOW}every_ms: 5000\n");
    assert_eq!(
        changes(&[("f", &slower)], Removal::None),
        (vec!["change flow customers".into()], vec!["customers".into()])
    );
    let other = FLOW.replace("customers", "others");
    assert_eq!(changes(&[("f", &other)], Removal::None), (vec!["create flow others".into()], vec![]));
    let pruned = changes(&[("c", CONNECTION), ("e", ERP), ("m", ENTITY)], Removal::NotGiven);
    assert_eq!(pruned, (vec!["remove flow customers".into()], vec![]));
    assert_eq!(changes(&[], Removal::One("flow", "customers")).0, ["remove flow customers"]);
    let found = faults(&whole(), &[], Removal::One("connection", "erp"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("entity/customer:4:22: system `erp`: unknown connection `erp`"), "{found:?}");
}

/// A flow is opened anew for a change of anything that it is opened from, and for nothing else.
#[test]
fn only_flows_that_are_concerned_are_opened_anew() {
    let third = ERP.replace("connection: erp", "connection: third");
    let referring = ENTITY
        .replace("entity: customer", "entity: contact")
        .replace("fields:\n", "fields:\n  of: { owner: crm, ref: customer, crm: AccountId, erp: company }\n");
    for (text, is_concerned) in [
        (ERP.replace("b2", "b3"), true),
        (ENTITY.replace("companyName", "name"), true),
        (referring, true),
        (third, false),
        (FLOW.replace("customers", "others"), false),
        (ENTITY.replace("entity: customer", "entity: contact"), false),
    ] {
        let plan = plan(&whole(), &given(&[("x", &text)]), Removal::None);
        let plan = plan.unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
        assert_eq!(!plan.reopened.is_empty(), is_concerned, "{text}");
        assert_eq!(plan.changes.len(), 1, "{text}");
    }
}

/// A difference shows the changed line with what stands around it; rows show both values, and only those that change.
#[test]
fn differences_are_shown() {
    let slower = format!("{FLOW}every_ms: 5000\n");
    let table = "table: product\nrows: { A: a, B: b, C: c }\n";
    let mut stored = whole();
    let row = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    stored.tables.insert("product".into(), BTreeMap::from([row("A", "a"), row("B", "x")]));
    let plan = plan(&stored, &given(&[("f", &slower), ("t", table)]), Removal::NotGiven).err();
    assert!(plan.is_some(), "the flow's entity would go");
    let plan = super::plan::plan(&stored, &given(&[("f", &slower), ("t", table)]), Removal::None).expect("no faults");
    assert_eq!(
        plan.changes[0].difference,
        "@@ -2,3 +2,4 @@\n entity: customer\n from: crm\n to: erp\n+every_ms: 5000\n"
    );
    let rows: Vec<_> =
        plan.rows.iter().map(|row| (row.from.as_str(), row.before.as_deref(), row.after.as_str())).collect();
    assert_eq!(rows, [("B", Some("x"), "b"), ("C", None, "c")]);
    assert_eq!(summary(&plan), "change flow customers, 2 rows");
}

/// A setting that only another installed version knows may be there before that version is active; one that none knows may not.
#[test]
fn settings_of_other_versions_may_be_there() {
    let mut stored = whole();
    let manifest = format!("{MANIFEST}\n[[setting]]\nname = \"depth\"\nabout = \"How deep.\"\ntype = \"integer\"\n");
    let text = CONNECTION.replace("  book: b1\n", "  book: b1\n  depth: 7\n");
    assert_eq!(faults(&stored, &given(&[("c", &text)]), Removal::None).len(), 1);
    let row = PluginRow { digest: Digest::of(b"two"), manifest, ..stored.installed[0].row.clone() };
    stored.installed.push(InstalledPlugin { row, is_active: false, at: At(1) });
    assert!(plan(&stored, &given(&[("c", &text)]), Removal::None).is_ok());
}
