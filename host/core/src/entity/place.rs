//! Where something stands in a document: for faults that are found after it was read into its type.

use crate::entity::node::{self, Content};

/// Which of the two a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The key: it is unknown, or something is missing under it.
    Key,
    /// The value: it names something that is not there.
    Value,
}

/// Line and column, both from 1, of the end of this path of keys. Where the path goes further than the document, the last
/// key that is there; the beginning of the document if there is none.
pub fn find(text: &str, path: &[&str], part: Part) -> (u64, u64) {
    let mut place = (1, 1);
    let Ok(root) = node::parse("", text) else { return place };
    let mut node = &root;
    for (depth, name) in path.iter().enumerate() {
        let Content::Map(members) = &node.value else { break };
        let Some((key, member)) = members.iter().find(|(key, _)| key.name == *name) else { break };
        let is_value = part == Part::Value && depth + 1 == path.len() && member.at.line > 0;
        let at = if is_value { member.at } else { key.at };
        place = (at.line, at.column);
        node = member;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys and values are found in block and flow style; a path that leads nowhere ends at the last key that is there.
    #[test]
    fn places_are_found() {
        let text = "# first\nconnection: crm\nendpoints: { api: https://a.example }\nsettings:\n  page: 200\n";
        for (path, part, place) in [
            (&["connection"][..], Part::Value, (2, 13)),
            (&["endpoints", "api"], Part::Key, (3, 14)),
            (&["endpoints", "api"], Part::Value, (3, 19)),
            (&["settings", "page"], Part::Key, (5, 3)),
            (&["settings", "size"], Part::Key, (4, 1)),
            (&["nothing"], Part::Value, (1, 1)),
            (&["connection", "deeper"], Part::Value, (2, 1)),
        ] {
            assert_eq!(find(text, path, part), place, "{path:?}");
        }
        assert_eq!(find("a: [", &["a"], Part::Key), (1, 1));
    }
}
