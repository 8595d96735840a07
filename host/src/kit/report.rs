//! What the kit says of a plugin: one verdict for each check, with what to do where it failed.

use std::fmt;

/// A check's verdict on one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed {
        /// What was seen.
        why: String,
        /// How to mend it.
        mend: String,
    },
    /// It says nothing of this plugin.
    NotApplicable(String),
}

impl Verdict {
    /// It does not hold, for this reason and with this remedy.
    pub(crate) fn failed(why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), mend: mend.into() }
    }

    /// It says nothing, for this reason.
    pub(crate) fn skip(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }

    /// Passed if there is nothing to complain of.
    pub(crate) fn of(complaint: Option<String>, mend: &str) -> Self {
        complaint.map_or(Self::Passed, |why| Self::failed(why, mend))
    }
}

macro_rules! checks {
    ($($(#[doc = $about:literal])+ $check:ident = $name:literal,)+) => {
        /// What the kit looks at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check { $($(#[doc = $about])+ $check,)+ }

        impl Check {
            /// All of them, in the order in which they are reported.
            pub const ALL: &'static [Check] = &[$(Check::$check,)+];

            /// Its name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Check::$check => $name,)+ }
            }

            /// What must hold.
            pub fn about(self) -> &'static str {
                match self { $(Check::$check => concat!($($about),+).trim_ascii(),)+ }
            }
        }
    };
}

checks! {
    /// `check` names the account, `discover` the streams of the script, each once and only with what the plugin exports.
    Setup = "setup",
    /// Records hold the declared fields, of the declared kinds, and every required one.
    Shapes = "shapes",
    /// Reading comes to an end: each page moves the cursor.
    Progress = "progress",
    /// No record is lost or read twice where one page ends and the next begins; a cursor can be used again.
    Cursor = "cursor",
    /// A read that had caught up goes on from there and does not begin anew.
    Resume = "resume",
    /// A record that was written is read from the cursor that had caught up before.
    Changes = "changes",
    /// Each outcome belongs to its intent.
    Outcomes = "outcomes",
    /// A record that the system refuses is rejected, with the reason, and spoils no other.
    Rejects = "rejects",
    /// A field that is absent from an update is left alone.
    Partial = "partial",
    /// Sending a write again is as harmless as the stream declares.
    Repeat = "repeat",
    /// Records are found by key, in order, and by condition.
    Lookup = "lookup",
    /// A read names what went wrong: credential, throttling, time-out.
    ReadFailures = "read-failures",
    /// A write names what went wrong, and claims nothing where no answer came.
    WriteFailures = "write-failures",
    /// Without budget a read gives the page so far or says how long to wait; it loses nothing.
    Budget = "budget",
    /// Each change has its result, in order, whatever stands beside it.
    Transform = "transform",
    /// Only requests are made that the manifest declares.
    Routes = "routes",
    /// The same arguments and answers lead to the same requests and the same result.
    Determinism = "determinism",
    /// No call is ended by the host: for its requests, its time, its memory or a crash.
    Limits = "limits",
    /// Every answer has the contract's form and keeps its bounds.
    Bounds = "bounds",
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// The stream, or nothing for the whole plugin.
    pub subject: String,
    /// What it says.
    pub verdict: Verdict,
}

/// Everything that the kit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The plugin and its version.
    pub plugin: String,
    /// What answered: a cassette, a connection.
    pub stage: String,
    /// At least one finding for each check.
    pub findings: Vec<Finding>,
    /// Routes that the manifest declares and nothing used: a tighter manifest may leave them out.
    pub unused_routes: Vec<String>,
}

impl Report {
    /// The checks that failed.
    pub fn failed(&self) -> Vec<Check> {
        self.with(|verdict| matches!(verdict, Verdict::Failed { .. }))
    }

    /// The checks that passed somewhere and failed nowhere.
    pub fn passed(&self) -> Vec<Check> {
        let failed = self.failed();
        let mut passed = self.with(|verdict| *verdict == Verdict::Passed);
        passed.retain(|check| !failed.contains(check));
        passed
    }

    /// Whether no check failed.
    pub fn is_good(&self) -> bool {
        self.failed().is_empty()
    }

    fn with(&self, is: impl Fn(&Verdict) -> bool) -> Vec<Check> {
        let has = |check: &Check| self.findings.iter().any(|f| f.check == *check && is(&f.verdict));
        Check::ALL.iter().copied().filter(has).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} against {}", self.plugin, self.stage)?;
        for Finding { check, subject, verdict } in &self.findings {
            let subject = if subject.is_empty() { String::new() } else { format!(" {subject}") };
            match verdict {
                Verdict::Passed => writeln!(f, "  ok      {check:<15}{subject}")?,
                Verdict::NotApplicable(why) => writeln!(f, "  -       {check:<15}{subject}: {why}")?,
                Verdict::Failed { why, mend } => {
                    writeln!(f, "  FAILED  {check:<15}{subject}: {why}")?;
                    writeln!(f, "          must hold: {}", check.about())?;
                    writeln!(f, "          to do: {mend}")?;
                }
            }
        }
        if !self.unused_routes.is_empty() {
            writeln!(f, "  note    routes that nothing used here: {}", self.unused_routes.join(", "))?;
        }
        let (passed, failed) = (self.passed().len(), self.failed().len());
        write!(f, "{passed} of {} checks passed, {failed} failed", Check::ALL.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check that failed on one stream failed, whatever it said of another; what applies nowhere is neither.
    #[test]
    fn a_failure_on_one_stream_counts() {
        let finding = |check, subject: &str, verdict| Finding { check, subject: subject.into(), verdict };
        let report = Report {
            plugin: "vendor/x 1.0.0".into(),
            stage: "a cassette".into(),
            findings: vec![
                finding(Check::Shapes, "a", Verdict::Passed),
                finding(Check::Shapes, "b", Verdict::failed("`x` is missing", "declare it")),
                finding(Check::Setup, "", Verdict::Passed),
                finding(Check::Partial, "a", Verdict::skip("it writes nothing")),
            ],
            unused_routes: vec!["delete".into()],
        };
        assert_eq!((report.passed(), report.failed()), (vec![Check::Setup], vec![Check::Shapes]));
        let text = report.to_string();
        for part in ["FAILED  shapes", "to do: declare it", "it writes nothing", "delete", "1 of", "1 failed"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
