//! Short ways to make the contract's records.

use crate::{
    Account, Change, Condition, Failure, Field, FieldType, Intent, Json, Operation, Outcome, Reading, Result,
    SafeRepeat, Stream, Violation, Writing, Written,
};

impl Account {
    /// An account with no further facts.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), edition: None, facts: "{}".into() }
    }
}

impl Change {
    /// A whole record without version and time.
    pub fn whole(stream: impl Into<String>, key: impl Into<String>, data: &Json) -> Self {
        Self::whole_text(stream, key, data.to_string())
    }

    /// A whole record whose data is JSON text already.
    pub fn whole_text(stream: impl Into<String>, key: impl Into<String>, data: String) -> Self {
        Self {
            stream: stream.into(),
            key: key.into(),
            operation: Operation::Whole,
            version: None,
            modified_at: None,
            data,
        }
    }

    /// With the system's version and the instant of the change (RFC 3339).
    #[must_use]
    pub fn at(mut self, version: impl Into<String>, modified_at: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self.modified_at = Some(modified_at.into());
        self
    }
}

impl Stream {
    /// A stream that can do nothing yet: fill in what it can.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            fields: Vec::new(),
            reading: Reading::empty(),
            writing: Writing::empty(),
            filterable: Vec::new(),
            matchable: Vec::new(),
            repeat: SafeRepeat::None,
            write_max: 1,
        }
    }
}

impl Field {
    /// A field that is read only; its label is its path.
    pub fn new(path: impl Into<String>, of: FieldType) -> Self {
        let path = path.into();
        Self {
            label: path.clone(),
            path,
            of,
            required: false,
            creatable: false,
            updatable: false,
            custom: false,
            length_max: None,
            scale: None,
            choices: Vec::new(),
            refers_to: Vec::new(),
        }
    }

    /// May be set when a record is made and changed later.
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.creatable = true;
        self.updatable = true;
        self
    }
}

impl Violation {
    /// A reason that names no field.
    pub fn new(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: None, rule: rule.into(), message: message.into() }
    }

    /// The same reason, on a field.
    #[must_use]
    pub fn on(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl Intent {
    /// The key of an update or delete.
    ///
    /// # Errors
    /// [`Failure::Fault`] if the host gave none.
    pub fn key(&self) -> Result<&str> {
        let missing = || Failure::Fault(format!("intent {} has no key", self.id));
        self.key.as_deref().ok_or_else(missing)
    }
}

impl Outcome {
    /// Stored, and nothing came back but the key.
    pub fn stored(key: impl Into<String>, created: bool) -> Self {
        Self::Written(Written { key: key.into(), version: None, created, returned: "{}".into() })
    }

    /// Refused for one reason.
    pub fn refused(violation: Violation) -> Self {
        Self::Rejected(vec![violation])
    }
}

impl Condition {
    /// The values of the condition, read.
    ///
    /// # Errors
    /// [`Failure::Fault`] if one is no JSON.
    pub fn read(&self) -> Result<Test> {
        use crate::Comparison::{AtLeast, Equal, Less, OneOf};
        Ok(match &self.is {
            Equal(value) => Test::OneOf(vec![crate::json::parse(value)?]),
            OneOf(values) => Test::OneOf(values.iter().map(|value| crate::json::parse(value)).collect::<Result<_>>()?),
            AtLeast(value) => Test::AtLeast(crate::json::parse(value)?),
            Less(value) => Test::Less(crate::json::parse(value)?),
        })
    }
}

/// A comparison with its values read; `equal` is one of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal to one of these.
    OneOf(Vec<Json>),
    /// Not less than this.
    AtLeast(Json),
    /// Less than this.
    Less(Json),
}
