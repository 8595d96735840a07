//! Faults of a map: each says what, where and what was meant.

use super::*;
use proptest::prelude::*;

fn faults(text: &str) -> Vec<String> {
    match EntityMap::parse("m.yaml", text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

const HEAD: &str = "entity: e\nsystems:\n  crm: {connection: x, stream: A}\n  erp: {connection: y, stream: B}\n";

/// A field has exactly one owner (SOR-01): none, two by a repeated key, two in a list.
#[test]
fn one_owner() {
    for (field, fault) in [
        ("{crm: Phone}", "m.yaml:6:3: field `phone` has no owner; add `owner:` with one of `crm`, `erp`"),
        ("{owner: [], crm: Phone}", "m.yaml:6:3: field `phone` has no owner; add `owner:` with one of `crm`, `erp`"),
        (
            "{owner: crm, owner: erp, crm: Phone, erp: phone}",
            "m.yaml:6:30: field `phone` has 2 owners, `crm` and `erp`; keep the one system that is right about it",
        ),
        (
            "{owner: [crm, erp], crm: Phone, erp: phone}",
            "m.yaml:6:24: field `phone` has 2 owners, `crm` and `erp`; keep the one system that is right about it",
        ),
        ("{owner: crn, crm: Phone}", "m.yaml:6:18: field `phone`: `owner`: unknown system `crn`; did you mean `crm`?"),
        ("{owner: crm, erp: phone}", "m.yaml:6:3: field `phone`: its owner `crm` has no path; add `crm: PATH`"),
    ] {
        assert_eq!(faults(&format!("{HEAD}fields:\n  phone: {field}\n")), [fault], "{field}");
    }
    assert_eq!(faults(&format!("{HEAD}fields:\n  phone: {{owner: [crm], crm: Phone}}\n")), [""; 0]);
}

/// Words that are not known are refused with the word that was meant; what does not fit together is said so.
#[test]
fn words() {
    for (keys, fault) in [
        ("typ: money", "6:27: field `f`: unknown key `typ`; did you mean `type`?"),
        ("type: mony", "6:33: field `f`: `type`: unknown word `mony`; did you mean `money`?"),
        ("rules: [trim, uper]", "6:41: field `f`: `rules`: unknown word `uper`; did you mean `upper`?"),
        ("blank: kep", "6:34: field `f`: `blank`: unknown word `kep`; did you mean `keep`?"),
        (
            "table: {name: t, unlisted: kep}",
            "6:54: field `f`: `table`: `unlisted`: unknown word `kep`; did you mean `keep`?",
        ),
        ("table: {nam: t}", "6:35: field `f`: `table`: unknown key `nam`; did you mean `name`?"),
        ("required: yes", "6:37: field `f`: `required`: expected `true` or `false`, found `yes`"),
        (
            "default: {value: x}, blank: keep",
            "6:36: field `f`: `default` and `blank` both say what a blank value does; keep one",
        ),
        ("type: money, default: {value: x}", "6:49: field `f`: `default`: money `x` is no number"),
        ("by: code", "6:31: field `f`: `by` belongs to a `ref`; add `ref: ENTITY`"),
        ("ref: item, type: text", "6:32: field `f`: has both `ref` and `type`; a reference has no type"),
        ("ref: item, default: {value: x}", "6:47: field `f`: a reference has no default"),
        ("ref: Item", "6:32: entity `Item`: a name has 1 to 64 small letters"),
        ("type: country", "6:24: field `f`: `crm`: how does it write a country?"),
    ] {
        let found = faults(&format!("{HEAD}fields:\n  f: {{owner: crm, crm: F, {keys}}}\n"));
        assert!(found.iter().any(|found| found.starts_with(&format!("m.yaml:{fault}"))), "{keys}: {found:?}");
    }
    for (place, fault) in [
        ("{path: F, format: us}", "`format`: unknown word `us`; it is one of `name`, `alpha2`, `alpha3`"),
        ("{path: F, format: alpha}", "`format`: unknown word `alpha`; did you mean `alpha"),
        ("{path: F, form: name}", "unknown key `form`; did you mean `format`?"),
        ("{format: name}", "`path` is missing"),
        ("{path: 'a..b', format: name}", "`a..b` is no path"),
        ("{path: 'a[0]', format: name}", "`a[0]` is no path"),
        ("[a]", "expected a text, found a list"),
        ("~", "expected a text, found nothing"),
    ] {
        let found = faults(&format!("{HEAD}fields:\n  f: {{owner: crm, type: country, crm: {place}}}\n"));
        assert!(
            found.iter().any(|found| found.starts_with("m.yaml:6:") && found.contains(fault)),
            "{place}: {found:?}"
        );
    }
}

/// The parts of a map are checked against each other.
#[test]
fn parts() {
    let fields = "fields:\n  f: {owner: crm, crm: F, erp: f}\n  g: {owner: crm, crm: G, erp: g, ref: e}\n  h: {owner: crm, crm: H, erp: h, table: t}\n";
    for (part, fault) in [
        ("identity: {match: [fg]}", "unknown field `fg`"),
        ("identity: {match: [g]}", "field `g` is a reference"),
        ("identity: {match: [h]}", "field `h` goes through a table"),
        ("identity: {lnk: {}}", "unknown key `lnk`; did you mean `link`?"),
        ("identity: {link: {err: x}}", "unknown key `err`; did you mean `erp`?"),
        ("life: {create: {from: crm, in: [crm]}}", "`crm` stands in `from` and `in`"),
        ("life: {create: {from: crm, in: [err]}}", "unknown system `err`; did you mean `erp`?"),
        ("life: {create: {from: crn, in: [erp]}}", "unknown system `crn`; did you mean `crm`?"),
        ("life: {create: {from: crm}}", "`in` is missing"),
        ("life: {create: {in: [erp]}}", "`from` is missing"),
        ("life: {create: {from: crm, in: [erp], initial: erp}}", "`initial` must be the system of `from`"),
        ("life: {create: {from: crm, in: [erp], when: 'a = 1'}}", "`when`: column 3: one `=`"),
        ("life: {delete: deactivate}", "unknown word `deactivate`; it is one of `ignore`, `hold`"),
        ("life: {delete: holds}", "unknown word `holds`; did you mean `hold`?"),
        ("lines: {f: {owner: crm, crm: L, key: x, each: {x: {crm: X}}}}", "a field has this name"),
        ("lines: {l: {owner: crm, crm: L, key: y, each: {x: {crm: X}}}}", "unknown field `y`"),
        ("lines: {l: {owner: crm, crm: L, key: x, each: {x: {owner: crm, crm: X}}}}", "unknown key `owner`"),
        ("lines: {l: {owner: crm, crm: L, key: x}}", "`each` is missing"),
        ("lines: {l: {crm: L, key: x, each: {x: {crm: X}}}}", "lines `l` has no owner"),
        ("lines: {l: {owner: crm, erp: L, key: x, each: {x: {crm: X}}}}", "its owner `crm` has no path"),
        ("lines: {l: {owner: crm, crm: L, erp: f.l, key: x, each: {x: {crm: X}}}}", "where `f` writes `f`"),
    ] {
        let found = faults(&format!("{HEAD}{fields}{part}\n"));
        assert!(found.iter().any(|found| found.contains(fault)), "{part}: {found:?}");
    }
    for (text, fault) in [
        ("{}", "m.yaml:1:1: entity map: `entity` is missing"),
        ("[]", "m.yaml:1:1: entity map: expected a map, found a list"),
        ("", "m.yaml:1:1: entity map: expected a map, found nothing"),
        ("entity: e\nsystms: {}\n", "m.yaml:2:1: entity map: unknown key `systms`; did you mean `systems`?"),
        (
            "entity: e\nsystems: {crm: {connection: a, stream: b}}\nfields: {}\n",
            "m.yaml:2:10: systems: an entity needs at least two",
        ),
        (
            "entity: e\nsystems: {owner: {connection: a, stream: b}}\nfields: {}\n",
            "m.yaml:2:11: system `owner`: this is a word of the map",
        ),
        ("entity: e\nentity: f\n", "m.yaml:2:1: entity map: `entity` stands twice; keep one"),
        ("a: [\n", "m.yaml:"),
    ] {
        let found = faults(text);
        assert!(found.iter().any(|found| found.starts_with(fault)), "{text}: {found:?}");
    }
}

/// A place that is written has one field: nobody else writes it, reads it as his own, or stands inside or around it. What
/// is only read may be read twice.
#[test]
fn one_place_one_field() {
    let two = |first: &str, second: &str| format!("{HEAD}fields:\n  f: {{{first}}}\n  g: {{{second}}}\n");
    let crm = |path: &str| format!("owner: crm, crm: F, erp: {path}");
    let erp = |path: &str| format!("owner: erp, crm: G, erp: {path}");
    for (first, second, fault) in [
        (crm("a"), crm("a"), "`g`: writes `a` in `erp`, where `f` writes `a`; a place that is written has one field"),
        (
            crm("a.b"),
            crm("a.b.c"),
            "`g`: writes `a.b.c` in `erp`, where `f` writes `a.b`; a place that is written has one field",
        ),
        (crm("a"), erp("a"), "`g`: reads `a` in `erp`, where `f` writes `a`; a place that is written has one field"),
        (
            erp("a"),
            crm("a.b"),
            "`g`: writes `a.b` in `erp`, where `f` reads `a`; a place that is written has one field",
        ),
        (
            crm("a.b"),
            erp("a"),
            "`f`: writes `a.b` in `erp`, where `g` reads `a`; a place that is written has one field",
        ),
    ] {
        let found = faults(&two(&first, &second));
        assert!(found.len() == 1 && found[0].ends_with(fault), "{found:?}");
    }
    for (first, second) in [("a.b", "a.c"), ("a", "ab"), ("a.b", "a_b")] {
        assert_eq!(faults(&two(&crm(first), &crm(second))), [""; 0]);
        assert_eq!(faults(&two(&crm(first), &erp(second))), [""; 0]);
    }
    let read_twice = two("owner: crm, crm: F, erp: f", "owner: crm, crm: F, erp: g");
    assert_eq!(faults(&read_twice), [""; 0]);
    // A place further out that is only read does not hide the one beneath it.
    let three = format!(
        "{}  h: {{{}}}\n",
        two("owner: erp, erp: a, crm: F", "owner: erp, erp: a.b, crm: G"),
        crm("a.c").replace("crm: F", "crm: H")
    );
    assert!(
        faults(&three)[0]
            .ends_with("`h`: writes `a.c` in `erp`, where `f` reads `a`; a place that is written has one field")
    );

    let linked =
        |link: &str| two(&crm("a"), &erp("b")).replace("fields:", &format!("identity: {{link: {{{link}}}}}\nfields:"));
    for (link, fault) in [
        ("erp: a", "`f`: writes `a` in `erp`, where `identity.link` writes `a`"),
        ("erp: b", "`g`: reads `b` in `erp`, where `identity.link` writes `b`"),
        ("crm: F", "`f`: reads `F` in `crm`, where `identity.link` writes `F`"),
    ] {
        assert!(faults(&linked(link))[0].contains(fault), "{link}");
    }
    assert_eq!(faults(&linked("erp: c, crm: L")), [""; 0]);

    // At birth the first values of the owner's own fields are written too.
    let born = |initial: &str| {
        two("owner: erp, crm: F, erp: a", "owner: erp, crm: G, erp: a")
            .replace("fields:", &format!("life: {{create: {{from: crm, in: [erp]{initial}}}}}\nfields:"))
    };
    assert!(faults(&born(", initial: crm"))[0].contains("`g`: writes `a` in `erp`, where `f` writes `a`"));
    let within =
        "lines: {l: {owner: crm, crm: L, erp: l, key: x, each: {x: {crm: X, erp: x}, y: {crm: X, erp: x.y}}}}\n";
    let found = faults(&format!("{}{within}", two(&crm("a"), &erp("b"))));
    assert!(found[0].contains("`y`: writes `x.y` in `erp`, where `x` writes `x`"), "{found:?}");
}

/// All faults are found in one go, in the order of the file.
#[test]
fn all_at_once() {
    let text = format!(
        "{HEAD}life: {{merge: keep}}\nfields:\n  a: {{crm: A}}\n  b: {{owner: crm, crm: B, type: dat}}\n  c: {{owner: crm, crm: C, rulez: [trim]}}\n"
    );
    let found = faults(&text);
    let places: Vec<_> = found.iter().map(|fault| fault.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(places, ["m.yaml:5:15", "m.yaml:7:3", "m.yaml:8:33", "m.yaml:9:27"], "{found:?}");
}

/// The maps of the demo are sound.
#[test]
fn fixtures_are_sound() {
    assert_eq!(maps().len(), 3);
}

proptest! {
    /// No text makes the reader panic: any text, and texts made of the words of a map.
    #[test]
    fn survives_any_text(
        any in any::<String>(),
        words in "((entity|systems|crm|erp|fields|lines|each|owner|life|create|when|identity|match|a|type|ref|table|default|value|~|1.5|\\*x|&x)?[:,\\[\\]{}'\" \n-]{0,3}){0,40}",
        cut in 0..SALES_ORDER.len(),
        put in "[:,{}\\[\\]a'\n ]{0,3}",
    ) {
        let mut edited = SALES_ORDER.to_owned();
        edited.replace_range(cut..cut, &put);
        for text in [any, words, edited] {
            let _ = EntityMap::parse("m.yaml", &text);
        }
    }
}
