//! Walks a document and gathers its faults.

use crate::entity::fault::Fault;
use crate::entity::node::{At, Content, Key, Node};
use crate::entity::quote::quote;
use crate::entity::yaml::unknown;
use crate::model::limits;

/// The faults of one file so far.
pub(super) struct Scope<'f> {
    pub(super) file: &'f str,
    pub(super) faults: Vec<Fault>,
}

/// The members of a map whose keys were checked: each is known and stands once.
#[derive(Clone, Copy)]
pub(super) struct Members<'n> {
    pub(super) at: At,
    members: &'n [(Key, Node)],
}

impl<'n> Members<'n> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.members.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'n (Key, Node)> + use<'n> {
        self.members.iter()
    }
}

impl Scope<'_> {
    pub(super) fn fault(&mut self, at: At, message: impl Into<String>) {
        if self.faults.len() < limits::CONFIG_FAULTS_MAX {
            self.faults.push(Fault {
                file: self.file.into(),
                line: at.line,
                column: at.column,
                message: message.into(),
            });
        }
    }

    /// The members of a map with keys of its own choice (names of fields, of systems).
    pub(super) fn named<'n>(&mut self, node: &'n Node, what: &str) -> Option<Members<'n>> {
        let Content::Map(members) = &node.value else {
            self.fault(node.at, format!("{what}: expected a map, found {}", kind(node)));
            return None;
        };
        for (index, (key, _)) in members.iter().enumerate() {
            if members[..index].iter().any(|(earlier, _)| earlier.name == key.name) && key.name != "owner" {
                self.fault(key.at, format!("{what}: {} stands twice; keep one", quote(&key.name)));
            }
        }
        Some(Members { at: node.at, members })
    }

    /// The members of a map with known keys.
    pub(super) fn members<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Members<'n>> {
        let members = self.named(node, what)?;
        for (key, _) in members.iter() {
            if !known.contains(&key.name.as_str()) {
                self.fault(key.at, format!("{what}: {}", unknown("key", &key.name, known)));
            }
        }
        Some(members)
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if let Content::Scalar(text) = &node.value
            && !text.is_empty()
        {
            return Some(text);
        }
        self.fault(node.at, format!("{what}: expected a text, found {}", kind(node)));
        None
    }

    /// The text of a member that must be there.
    pub(super) fn required<'n>(&mut self, members: Members<'n>, name: &str, what: &str) -> Option<&'n str> {
        match members.get(name) {
            Some(node) => self.text(node, &format!("{what}: `{name}`")),
            None => {
                self.fault(members.at, format!("{what}: `{name}` is missing"));
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.value {
            Content::Scalar(text) if text == "true" => Some(true),
            Content::Scalar(text) if text == "false" => Some(false),
            _ => {
                self.fault(node.at, format!("{what}: expected `true` or `false`, found {}", kind(node)));
                None
            }
        }
    }

    /// A list of texts with their places; a single text counts as a list of one.
    pub(super) fn texts<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(At, &'n str)> {
        let items = match &node.value {
            Content::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        items.iter().filter_map(|item| self.text(item, what).map(|text| (item.at, text))).collect()
    }

    /// The one of `choices` that the text names.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, what)?;
        self.chosen(node.at, text, what, choices)
    }

    /// As [`Self::choice`], for a text that was read already.
    pub(super) fn chosen<T: Copy>(&mut self, at: At, text: &str, what: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.fault(at, format!("{what}: {}", unknown("word", text, &names)));
        }
        found
    }

    /// A name that stands in keys and needs: small letters, digits, `_` and `-`.
    pub(super) fn name<'n>(&mut self, at: At, name: &'n str, what: &str) -> Option<&'n str> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        if (1..=64).contains(&name.len()) && name.bytes().all(is_part) {
            return Some(name);
        }
        self.fault(at, format!("{what} {}: a name has 1 to 64 small letters, digits, `_` and `-`", quote(name)));
        None
    }

    /// A dotted path in a stream's data.
    pub(super) fn path(&mut self, at: At, path: &str, what: &str) -> Option<String> {
        let is_part = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '[' | ']'))
        };
        if path.len() <= limits::KEY_BYTES_MAX
            && path.split('.').count() <= limits::CONFIG_DEPTH_MAX
            && path.split('.').all(is_part)
        {
            return Some(path.to_owned());
        }
        self.fault(at, format!("{what}: {} is no path; write names joined by `.`", quote(path)));
        None
    }
}

fn kind(node: &Node) -> String {
    match &node.value {
        Content::Null => "nothing".into(),
        Content::List(_) => "a list".into(),
        Content::Map(_) => "a map".into(),
        Content::Scalar(text) => quote(text),
        Content::Binary { value, .. } => quote(&value.to_string()),
    }
}
