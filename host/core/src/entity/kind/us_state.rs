//! States and outlying areas of the United States, as ISO 3166-2:US lists them.
//!
//! Formats: `name` reads and prints the name, `code` the two letters of the postal service; both in any case.

use super::{Format, Refusal, Scalar};

/// One state or area.
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

/// 50 states, the District of Columbia, 6 outlying areas.
#[rustfmt::skip]
pub(super) static STATES: [State; 57] = [
    State { code: "AK", name: "Alaska" },
    State { code: "AL", name: "Alabama" },
    State { code: "AR", name: "Arkansas" },
    State { code: "AS", name: "American Samoa" },
    State { code: "AZ", name: "Arizona" },
    State { code: "CA", name: "California" },
    State { code: "CO", name: "Colorado" },
    State { code: "CT", name: "Connecticut" },
    State { code: "DC", name: "District of Columbia" },
    State { code: "DE", name: "Delaware" },
    State { code: "FL", name: "Florida" },
    State { code: "GA", name: "Georgia" },
    State { code: "GU", name: "Guam" },
    State { code: "HI", name: "Hawaii" },
    State { code: "IA", name: "Iowa" },
    State { code: "ID", name: "Idaho" },
    State { code: "IL", name: "Illinois" },
    State { code: "IN", name: "Indiana" },
    State { code: "KS", name: "Kansas" },
    State { code: "KY", name: "Kentucky" },
    State { code: "LA", name: "Louisiana" },
    State { code: "MA", name: "Massachusetts" },
    State { code: "MD", name: "Maryland" },
    State { code: "ME", name: "Maine" },
    State { code: "MI", name: "Michigan" },
    State { code: "MN", name: "Minnesota" },
    State { code: "MO", name: "Missouri" },
    State { code: "MP", name: "Northern Mariana Islands" },
    State { code: "MS", name: "Mississippi" },
    State { code: "MT", name: "Montana" },
    State { code: "NC", name: "North Carolina" },
    State { code: "ND", name: "North Dakota" },
    State { code: "NE", name: "Nebraska" },
    State { code: "NH", name: "New Hampshire" },
    State { code: "NJ", name: "New Jersey" },
    State { code: "NM", name: "New Mexico" },
    State { code: "NV", name: "Nevada" },
    State { code: "NY", name: "New York" },
    State { code: "OH", name: "Ohio" },
    State { code: "OK", name: "Oklahoma" },
    State { code: "OR", name: "Oregon" },
    State { code: "PA", name: "Pennsylvania" },
    State { code: "PR", name: "Puerto Rico" },
    State { code: "RI", name: "Rhode Island" },
    State { code: "SC", name: "South Carolina" },
    State { code: "SD", name: "South Dakota" },
    State { code: "TN", name: "Tennessee" },
    State { code: "TX", name: "Texas" },
    State { code: "UM", name: "United States Minor Outlying Islands" },
    State { code: "UT", name: "Utah" },
    State { code: "VA", name: "Virginia" },
    State { code: "VI", name: "Virgin Islands, U.S." },
    State { code: "VT", name: "Vermont" },
    State { code: "WA", name: "Washington" },
    State { code: "WI", name: "Wisconsin" },
    State { code: "WV", name: "West Virginia" },
    State { code: "WY", name: "Wyoming" },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A state is found by its name or its code, whichever is declared (MAP-02, MAP-05).
    #[test]
    fn reads() {
        for (text, format, code) in [
            ("California", Format::Name, Some("CA")),
            ("new york", Format::Name, Some("NY")),
            ("ca", Format::Code, Some("CA")),
            ("CA", Format::Name, None),
            ("California", Format::Code, None),
            ("Calif.", Format::Name, None),
        ] {
            assert_eq!(read(&Scalar::Text(text.into()), format).ok().map(|state| state.code), code, "{text}");
        }
    }
}
