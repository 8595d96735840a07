//! What is wrong with a configuration file, and where.

use std::fmt;

/// One fault of a file that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1; 0 if it concerns the file as a whole.
    pub line: u64,
    /// Column in characters, from 1; 0 as above.
    pub column: u64,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.message),
        }
    }
}

impl std::error::Error for Fault {}
