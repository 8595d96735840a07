//! States of the United States as its postal service writes them: Publication 28, appendix B, "Two-Letter State and
//! Possession Abbreviations", with the three regions of military mail. Armed forces stand there with all that a region
//! covers (`Armed Forces Europe, the Middle East, and Canada`); here they have the short names of address forms.
//!
//! Formats: `name` reads and prints the name, `code` the two letters; both in any case.

use super::{Format, Refusal, Scalar};

/// One state, possession or region of military mail.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    /// Two letters: `CA`.
    pub code: &'static str,
    /// `California`.
    pub name: &'static str,
}

impl State {
    pub(super) fn print(&self, format: Format) -> &'static str {
        match format {
            Format::Code => self.code,
            _ => self.name,
        }
    }
}

pub(super) fn read(value: &Scalar<'_>, format: Format) -> Result<&'static State, Refusal> {
    let text = value.text();
    let known = |state: &&State| state.print(format).eq_ignore_ascii_case(&text);
    STATES.iter().find(known).ok_or_else(|| {
        let wanted = if format == Format::Code { "code" } else { "name" };
        Refusal::new(
            "us_state",
            format!(
                "state {value} is no {wanted} of a US state; add it to a translation table or mend it at the source"
            ),
        )
    })
}

/// By name, kind after kind.
#[rustfmt::skip]
pub(super) static STATES: [State; 62] = [
    // The 50 states and the District of Columbia.
    s("AL", "Alabama"),
    s("AK", "Alaska"),
    s("AZ", "Arizona"),
    s("AR", "Arkansas"),
    s("CA", "California"),
    s("CO", "Colorado"),
    s("CT", "Connecticut"),
    s("DE", "Delaware"),
    s("DC", "District of Columbia"),
    s("FL", "Florida"),
    s("GA", "Georgia"),
    s("HI", "Hawaii"),
    s("ID", "Idaho"),
    s("IL", "Illinois"),
    s("IN", "Indiana"),
    s("IA", "Iowa"),
    s("KS", "Kansas"),
    s("KY", "Kentucky"),
    s("LA", "Louisiana"),
    s("ME", "Maine"),
    s("MD", "Maryland"),
    s("MA", "Massachusetts"),
    s("MI", "Michigan"),
    s("MN", "Minnesota"),
    s("MS", "Mississippi"),
    s("MO", "Missouri"),
    s("MT", "Montana"),
    s("NE", "Nebraska"),
    s("NV", "Nevada"),
    s("NH", "New Hampshire"),
    s("NJ", "New Jersey"),
    s("NM", "New Mexico"),
    s("NY", "New York"),
    s("NC", "North Carolina"),
    s("ND", "North Dakota"),
    s("OH", "Ohio"),
    s("OK", "Oklahoma"),
    s("OR", "Oregon"),
    s("PA", "Pennsylvania"),
    s("RI", "Rhode Island"),
    s("SC", "South Carolina"),
    s("SD", "South Dakota"),
    s("TN", "Tennessee"),
    s("TX", "Texas"),
    s("UT", "Utah"),
    s("VT", "Vermont"),
    s("VA", "Virginia"),
    s("WA", "Washington"),
    s("WV", "West Virginia"),
    s("WI", "Wisconsin"),
    s("WY", "Wyoming"),
    // Possessions.
    s("AS", "American Samoa"),
    s("GU", "Guam"),
    s("MP", "Northern Mariana Islands"),
    s("PR", "Puerto Rico"),
    s("VI", "Virgin Islands"),
    // Freely associated states, served as domestic mail.
    s("FM", "Federated States of Micronesia"),
    s("MH", "Marshall Islands"),
    s("PW", "Palau"),
    // Military mail.
    s("AA", "Armed Forces Americas"),
    s("AE", "Armed Forces Europe"),
    s("AP", "Armed Forces Pacific"),
];

const fn s(code: &'static str, name: &'static str) -> State {
    State { code, name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A state is found by its name or its code, whichever is declared (MAP-02, MAP-05).
    #[test]
    fn reads() {
        for (text, format, code) in [
            ("California", Format::Name, Some("CA")),
            ("new york", Format::Name, Some("NY")),
            ("ca", Format::Code, Some("CA")),
            ("ae", Format::Code, Some("AE")),
            ("Puerto Rico", Format::Name, Some("PR")),
            ("CA", Format::Name, None),
            ("California", Format::Code, None),
            ("Calif.", Format::Name, None),
            ("UK", Format::Code, None),
        ] {
            assert_eq!(read(&Scalar::Text(text.into()), format).ok().map(|state| state.code), code, "{text}");
        }
    }

    /// No code and no name stands twice: what was read is one state.
    #[test]
    fn list_is_sound() {
        let codes: BTreeSet<_> = STATES.iter().map(|state| state.code).collect();
        let names: BTreeSet<_> = STATES.iter().map(|state| state.name).collect();
        assert_eq!((codes.len(), names.len()), (STATES.len(), STATES.len()));
        assert!(codes.iter().all(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())));
    }
}
