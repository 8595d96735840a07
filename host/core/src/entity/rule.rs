//! Rules clean a text before a table or type reads it; they never change what it means (MAP-02).

use std::borrow::Cow;

/// One cleaning step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Takes white space off both ends.
    Trim,
    /// Makes capitals.
    Upper,
    /// Makes small letters.
    Lower,
    /// Makes one space of each run of white space.
    Collapse,
}

impl Rule {
    /// All rules.
    pub const ALL: [Rule; 4] = [Rule::Trim, Rule::Upper, Rule::Lower, Rule::Collapse];

    /// Its name in an entity map.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Trim => "trim",
            Rule::Upper => "upper",
            Rule::Lower => "lower",
            Rule::Collapse => "collapse",
        }
    }

    fn apply(self, text: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Rule::Trim => match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
                Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
                Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
            },
            Rule::Upper => Cow::Owned(text.to_uppercase()),
            Rule::Lower => Cow::Owned(text.to_lowercase()),
            Rule::Collapse => Cow::Owned(collapse(&text)),
        }
    }
}

/// Applies the rules in their order.
pub(crate) fn clean<'a>(rules: &[Rule], text: Cow<'a, str>) -> Cow<'a, str> {
    rules.iter().fold(text, |text, rule| rule.apply(text))
}

fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut was_space = false;
    for c in text.chars() {
        let is_space = c.is_whitespace();
        if !is_space {
            collapsed.push(c);
        } else if !was_space {
            collapsed.push(' ');
        }
        was_space = is_space;
    }
    collapsed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules clean in the order in which they stand; every other character survives (MAP-16).
    #[test]
    fn cleans() {
        for (rules, text, cleaned) in [
            (&[Rule::Trim][..], " \tAcme\u{a0}", "Acme"),
            (&[Rule::Collapse], " A \n\t B ", " A B "),
            (&[Rule::Collapse, Rule::Trim, Rule::Upper], "  zürich   🚚 ", "ZÜRICH 🚚"),
            (&[Rule::Lower], "ÀB", "àb"),
            (&[], " as it is ", " as it is "),
        ] {
            assert_eq!(clean(rules, text.into()), cleaned);
        }
    }
}
