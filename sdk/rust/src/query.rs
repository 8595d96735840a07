//! What connectors to systems with a query language share: names, and lists of conditions. How one condition is said
//! (as text, as JSON) is the connector's own.

use crate::{Condition, Failure, Result};

/// Whether a text may stand in a statement as a name: a letter, then letters, digits and `_`.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The conditions of a read that the language can say (`say` gives none for the others, which the host checks).
///
/// # Errors
/// The first that `say` has.
pub fn pushed<T>(only: &[Condition], say: impl Fn(&Condition) -> Result<Option<T>>) -> Result<Vec<T>> {
    only.iter().filter_map(|condition| say(condition).transpose()).collect()
}

/// The conditions of a search, every one: without it the search would find records that do not meet it.
///
/// # Errors
/// [`Failure::Unsupported`] names the field of a condition that the language cannot say; else the first that `say` has.
pub fn every<T>(only: &[Condition], say: impl Fn(&Condition) -> Result<Option<T>>) -> Result<Vec<T>> {
    let said = |condition: &Condition| {
        let unsaid = || Failure::Unsupported(format!("a search by `{}` with this comparison", condition.field));
        say(condition)?.ok_or_else(unsaid)
    };
    only.iter().map(said).collect()
}

/// ` WHERE .. AND ..`, or nothing without conditions.
pub fn filter(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Comparison;

    fn conditions(fields: &[&str]) -> Vec<Condition> {
        fields.iter().map(|field| Condition { field: (*field).into(), is: Comparison::Equal("1".into()) }).collect()
    }

    /// A language that can say `x` and not `y`, and in which `z` is wrong.
    fn say(condition: &Condition) -> Result<Option<String>> {
        match condition.field.as_str() {
            "x" => Ok(Some("x = 1".into())),
            "y" => Ok(None),
            field => Err(Failure::Misconfigured(field.into())),
        }
    }

    /// What could break out of a statement is no name.
    #[test]
    fn names() {
        for (text, expected) in [
            ("Name", true),
            ("ERP_Id__c", true),
            ("a1", true),
            ("", false),
            ("1a", false),
            ("_a", false),
            ("a b", false),
            ("a.b", false),
            ("a'", false),
            ("é", false),
            ("aé", false),
        ] {
            assert_eq!(is_name(text), expected, "{text}");
        }
    }

    /// A read leaves out what cannot be said; a search must not, and names the field; an error of either ends it.
    #[test]
    fn a_read_may_leave_out_what_a_search_may_not() {
        assert_eq!(pushed(&conditions(&["x", "y", "x"]), say), Ok(vec!["x = 1".into(), "x = 1".into()]));
        assert_eq!(every(&conditions(&["x"]), say), Ok(vec!["x = 1".into()]));
        let Err(Failure::Unsupported(text)) = every(&conditions(&["x", "y"]), say) else {
            panic!("`y` cannot be said")
        };
        assert!(text.contains("`y`"), "{text}");
        let wrong = Failure::Misconfigured("z".into());
        assert_eq!(pushed(&conditions(&["y", "z"]), say), Err(wrong.clone()));
        assert_eq!(every(&conditions(&["z", "y"]), say), Err(wrong));
    }

    /// All conditions hold at once; without one there is no clause.
    #[test]
    fn clauses() {
        assert_eq!(filter(&[]), "");
        assert_eq!(filter(&["a = 1".into(), "(b = 2 OR c = 3)".into()]), " WHERE a = 1 AND (b = 2 OR c = 3)");
    }
}
