//! A YAML document as a tree that remembers where everything stands.
//!
//! The entity map is read from this tree and not by a derived type, so that all its faults are found in one go, a key
//! that stands twice is seen (two owners), and numbers keep their text.

use crate::entity::fault::Fault;
use crate::entity::yaml;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Content,
}

/// A place in a file, both from 1; 0 where nobody has said it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Nothing: `~`, `null`, or no text.
    Null,
    /// Text, a number or a boolean, as it was written.
    Scalar(String),
    /// A number that the YAML reader has already made binary: only inside [`parse`], which restores its text.
    Binary { value: f64, start: u64, length: u64 },
    /// Items in order.
    List(Vec<Node>),
    /// Members in order; a key may stand twice.
    Map(Vec<(Key, Node)>),
}

/// A member's name and its place.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) at: At,
    pub(crate) name: String,
}

impl From<Location> for At {
    fn from(location: Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

/// Reads a document into a tree.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, Fault> {
    let mut root: Node = yaml::parse_with(file, text, DuplicateKeyPolicy::PassThrough)?;
    if root.at.line == 0 {
        root.at = At { line: 1, column: 1 };
    }
    restore(&mut root, text);
    Ok(root)
}

/// Gives numbers the text that was written, so that `0.10` stays `0.10`.
fn restore(node: &mut Node, text: &str) {
    match &mut node.value {
        Content::Binary { value, start, length } => {
            let written = usize::try_from(*start).ok().zip(usize::try_from(*start + *length).ok());
            let written = written.and_then(|(start, end)| text.get(start..end)).map(str::trim);
            let same = |written: &&str| written.parse::<f64>().is_ok_and(|parsed| parsed == *value);
            node.value = Content::Scalar(written.filter(same).map_or_else(|| value.to_string(), str::to_owned));
        }
        Content::List(items) => items.iter_mut().for_each(|item| restore(item, text)),
        Content::Map(members) => members.iter_mut().for_each(|(_, member)| restore(member, text)),
        Content::Null | Content::Scalar(_) => {}
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let mut spanned = Spanned::<Content>::deserialize(reader)?;
        if let Content::Binary { start, length, .. } = &mut spanned.value {
            let span = spanned.defined.span();
            (*start, *length) = span.byte_offset().zip(span.byte_len()).unwrap_or((0, 0));
        }
        Ok(Self { at: spanned.referenced.into(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Binary { value, start: 0, length: 0 })
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = members.next_key::<Spanned<String>>()? {
            let key = Key { at: key.referenced.into(), name: key.value };
            map.push((key, members.next_value()?));
        }
        Ok(Content::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key and value knows its place; a key that stands twice is there twice.
    #[test]
    fn places() {
        let root = parse("a.yaml", "a: {b: 1, b: [x, ~]}\nc: &é 0.10\nd: *é\n").unwrap();
        let Content::Map(members) = &root.value else { panic!("{root:?}") };
        assert_eq!(members[1].0.at, At { line: 2, column: 1 });
        assert_eq!(members[1].1.at, At { line: 2, column: 7 });
        let Content::Map(inner) = &members[0].1.value else { panic!("{root:?}") };
        assert_eq!(
            inner.iter().map(|(key, _)| (key.name.as_str(), key.at.column)).collect::<Vec<_>>(),
            [("b", 5), ("b", 11)]
        );
        for (_, number) in &members[1..] {
            assert!(matches!(&number.value, Content::Scalar(text) if text == "0.10"), "{members:?}");
        }
    }
}
