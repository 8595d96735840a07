//! Reads the YAML documents that admins write: bounded in size, depth and aliases, strict about keys.
//!
//! `serde-saphyr` does the reading; this file sets its bounds, turns its errors into [`Fault`]s and suggests the word
//! that was probably meant. Merge keys (`<<`) are refused: what a file says should stand where it is read.

use crate::entity::fault::Fault;
use crate::model::limits;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Error, Options};
use std::collections::BTreeMap;

/// Reads one document into any type. Unknown keys are faults where the type denies them; the fault suggests a key.
///
/// # Errors
/// The text is too large, no YAML, or does not fit the type; says where.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Fault> {
    parse_with(file, text, DuplicateKeyPolicy::Error)
}

/// Reads one document; with `PassThrough` the type itself sees keys that stand twice.
pub(crate) fn parse_with<T: DeserializeOwned>(file: &str, text: &str, twice: DuplicateKeyPolicy) -> Result<T, Fault> {
    if text.len() > limits::CONFIG_BYTES_MAX {
        let message = format!("{} bytes; a file has at most {}", text.len(), limits::CONFIG_BYTES_MAX);
        return Err(Fault { file: file.into(), line: 0, column: 0, message });
    }
    serde_saphyr::from_str_with_options(text, options(twice)).map_err(|error| fault(file, &error))
}

fn options(twice: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limits::CONFIG_DEPTH_MAX,
            flow_nesting_limit: limits::CONFIG_DEPTH_MAX,
            max_nodes: limits::CONFIG_NODES_MAX,
            max_aliases: limits::CONFIG_ALIASES_MAX,
            max_anchors: limits::CONFIG_ALIASES_MAX,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits::CONFIG_ALIAS_EVENTS_MAX,
            max_replay_stack_depth: limits::CONFIG_DEPTH_MAX,
        },
        duplicate_keys: twice,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn fault(file: &str, error: &Error) -> Fault {
    let error = error.without_snippet();
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    Fault { file: file.into(), line, column, message: message(error) }
}

fn message(error: &Error) -> String {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => unknown("value", variant, expected),
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` stands twice; keep one"),
        Error::AliasError { error, .. } => message(error),
        // The location stands in the fault; the library's text ends with it, on lines of its own.
        other => {
            let text = other.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.split(" at line ").next().unwrap_or(line).to_owned()
        }
    }
}

/// Says that `word` is not one of `known`, and which of them was probably meant.
pub fn unknown(what: &str, word: &str, known: &[impl AsRef<str>]) -> String {
    let meant = known
        .iter()
        .map(|known| (strsim::jaro_winkler(word, known.as_ref()), known.as_ref()))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let word = crate::entity::quote::quote(word);
    match meant {
        Some((_, meant)) => format!("unknown {what} {word}; did you mean `{meant}`?"),
        None if known.is_empty() => format!("unknown {what} {word}; there is none here"),
        None => {
            let known: Vec<_> = known.iter().map(|known| format!("`{}`", known.as_ref())).collect();
            format!("unknown {what} {word}; it is one of {}", known.join(", "))
        }
    }
}

/// A translation table as a document: `table: NAME`, `rows: {from: to}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableDocument {
    /// Its name.
    pub table: crate::model::TableName,
    /// What each value becomes.
    #[serde(default)]
    pub rows: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::connection::Connection;
    use crate::model::flow::Flow;

    /// Each document of an admin is read into its type.
    #[test]
    fn reads_documents() {
        let flow: Flow =
            parse("f.yaml", "flow: orders\nentity: sales_order\nfrom: crm\nto: erp\nevery_ms: 5000\n").unwrap();
        assert_eq!((flow.flow.as_str(), flow.every_ms), ("orders", 5000));
        let text = "connection: crm\nplugin: acme/crm\naccount: a1\nendpoints: {api: https://a.example}\nsettings: {page: 200}\n";
        let connection: Connection = parse("c.yaml", text).unwrap();
        assert_eq!(connection.settings["page"].to_string(), "200");
        let table: TableDocument =
            parse("t.yaml", "table: product\nrows:\n  GTXPro: GTX Pro\n  10: Open\n  no: Norway\n").unwrap();
        assert_eq!(table.rows["10"], "Open");
        assert_eq!(table.rows["no"], "Norway");
    }

    /// A fault names file, line and column, and suggests the word that was meant.
    #[test]
    fn faults_name_the_place() {
        for (text, fault) in [
            ("flow: a\nentitty: b\nfrom: crm\nto: erp\n", "f.yaml:2:1: unknown key `entitty`; did you mean `entity`?"),
            ("flow: a\nentity: b\nfrom: crm\n", "f.yaml:3:1: `to` is missing"),
            ("flow: a\nentity: b\nfrom: crm\nto: erp\nto: crm\n", "f.yaml:5:1: `to` stands twice; keep one"),
            ("flow: a\nentity: b\nfrom: crm\nto: erp\nevery_ms: soon\n", "f.yaml:5:11: invalid u64"),
            ("flow: 'a\n", "f.yaml:2:1: invalid indentation"),
            ("flow: [a]\n", "f.yaml:1:7: expected string scalar"),
            ("flow: a\nxyz: 1\n", "f.yaml:2:1: unknown key `xyz`; it is one of `flow`, `entity`, `from`"),
            ("<<: {flow: a}\n", "f.yaml:1:1: "),
        ] {
            let found = parse::<Flow>("f.yaml", text).unwrap_err().to_string();
            assert!(found.starts_with(fault), "{found}");
        }
    }

    /// Documents that would cost more than they are worth are refused: size, depth, aliases.
    #[test]
    fn bounds() {
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
        for text in ["[".repeat(1_000), " ".repeat(limits::CONFIG_BYTES_MAX + 1), bomb.to_owned()] {
            assert!(parse::<crate::model::Json>("f.yaml", &text).is_err());
        }
    }
}
