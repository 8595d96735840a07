//! What the host writes down of itself: no commit without a record.

/// One audit record, before the store gives it its number. Holds names and counts, never payloads or secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who: `engine`, `admin:NAME`.
    pub actor: String,
    /// What was done: `flow.intents`, `table.row.set`.
    pub action: String,
    /// To what: `flow:orders`, `table:product`.
    pub subject: String,
    /// Counts and names, one line.
    pub detail: String,
}

impl Record {
    /// A record of what `actor` did to `subject`.
    pub fn new(actor: &str, action: &str, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { actor: actor.into(), action: action.into(), subject: subject.into(), detail: detail.into() }
    }
}
