//! Countries of ISO 3166-1.
//!
//! Formats: `name` reads the English short name, the display name or a code, in any case, and prints the display name;
//! `alpha2` and `alpha3` read and print only their code. What is no name of the list is refused: whether `Korea` is
//! the north or the south is not for the host to say.

mod table;

use super::{Format, Refusal, Scalar};
use std::collections::HashMap;
use std::sync::LazyLock;

/// One country.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// Two letters: `US`.
    pub alpha2: &'static str,
    /// Three letters: `USA`.
    pub alpha3: &'static str,
    /// The number: 840.
    pub numeric: u16,
    /// The official English short name: `United States of America`.
    pub name: &'static str,
    /// The name that people use (CLDR): `United States`.
    pub display: &'static str,
}

impl Country {
    pub(super) fn print(&self, format: Format) -> &'static str {
        match format {
            Format::Alpha2 => self.alpha2,
            Format::Alpha3 => self.alpha3,
            _ => self.display,
        }
    }
}

/// All names and codes, folded. A code and a name never fold to the same text.
static BY_NAME: LazyLock<HashMap<String, &'static Country>> = LazyLock::new(|| {
    let names = |country: &'static Country| {
        [country.name, country.display, country.alpha2, country.alpha3].map(|name| (fold(name), country))
    };
    table::COUNTRIES.iter().flat_map(names).collect()
});

/// Lower case, with the plain apostrophe that keyboards have.
fn fold(name: &str) -> String {
    if name.is_ascii() { name.to_ascii_lowercase() } else { name.to_lowercase().replace('’', "'") }
}

pub(super) fn read(value: &Scalar<'_>, format: Format) -> Result<&'static Country, Refusal> {
    let text = value.text();
    let found = BY_NAME.get(&fold(&text)).copied();
    let (found, wanted) = match format {
        Format::Alpha2 => (found.filter(|country| country.alpha2.eq_ignore_ascii_case(&text)), "alpha-2 code"),
        Format::Alpha3 => (found.filter(|country| country.alpha3.eq_ignore_ascii_case(&text)), "alpha-3 code"),
        _ => (found, "name or code"),
    };
    found.ok_or_else(|| {
        Refusal::new(
            "country",
            format!(
                "country {value} is no ISO 3166-1 {wanted}; add it to a translation table or mend it at the source"
            ),
        )
    })
}

#[cfg(test)]
pub(super) fn all() -> &'static [Country] {
    &table::COUNTRIES
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn found(text: &str, format: Format) -> Option<&'static str> {
        read(&Scalar::Text(text.into()), format).ok().map(|country| country.alpha2)
    }

    /// A country is found by its names and codes in any case, and only in the declared format (MAP-05).
    #[test]
    fn reads() {
        for (text, format, alpha2) in [
            ("United States", Format::Name, Some("US")),
            ("united states of america", Format::Name, Some("US")),
            ("USA", Format::Name, Some("US")),
            ("Kenya", Format::Name, Some("KE")),
            ("Germany", Format::Name, Some("DE")),
            ("Republic of Korea", Format::Name, Some("KR")),
            ("côte d'ivoire", Format::Name, Some("CI")),
            ("ÅLAND ISLANDS", Format::Name, Some("AX")),
            ("us", Format::Alpha2, Some("US")),
            ("USA", Format::Alpha2, None),
            ("United States", Format::Alpha2, None),
            ("DEU", Format::Alpha3, Some("DE")),
            ("DE", Format::Alpha3, None),
            ("XX", Format::Alpha2, None),
        ] {
            assert_eq!(found(text, format), alpha2, "{text}");
        }
    }

    /// What is no name of the list is refused, with how to mend it (DQ-03).
    #[test]
    fn refuses() {
        for text in ["Korea", "Philipines"] {
            let refusal = read(&Scalar::Text(text.into()), Format::Name).unwrap_err();
            assert_eq!(
                refusal.message,
                format!(
                    "country `{text}` is no ISO 3166-1 name or code; add it to a translation table or mend it at the source"
                )
            );
        }
    }

    /// The list is whole, and no name or code belongs to two countries.
    #[test]
    fn list_is_sound() {
        assert_eq!(table::COUNTRIES.iter().map(|country| country.numeric).collect::<BTreeSet<_>>().len(), 249);
        for country in &table::COUNTRIES {
            assert!(country.alpha2.len() == 2 && country.alpha3.len() == 3, "{country:?}");
            for name in [country.name, country.display, country.alpha2, country.alpha3] {
                assert_eq!(BY_NAME[&fold(name)], country, "{name}");
            }
        }
    }
}
