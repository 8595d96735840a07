//! The settings: which files are a stream, and what is in them.

use serde::Deserialize;
use std::collections::BTreeMap;
use tollgate_sdk::{Failure, FieldType, Json, Result, config, json};

const SETTLE_S_DEFAULT: u64 = 10;

/// One stream, as the admin wrote it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stream {
    #[serde(default)]
    pub(crate) folder: String,
    #[serde(default = "pattern_default")]
    pub(crate) pattern: String,
    pub(crate) key: Vec<String>,
    #[serde(default = "delimiter_default")]
    pub(crate) delimiter: char,
    #[serde(default)]
    pub(crate) header: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, Kind>,
    #[serde(default)]
    pub(crate) decimal_comma: bool,
}

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Text,
    Decimal,
    Integer,
    Boolean,
    Date,
    DateTime,
}

impl Kind {
    pub(crate) fn field_type(self) -> FieldType {
        match self {
            Kind::Text => FieldType::Text,
            Kind::Decimal => FieldType::Decimal,
            Kind::Integer => FieldType::Integer,
            Kind::Boolean => FieldType::Boolean,
            Kind::Date => FieldType::Date,
            Kind::DateTime => FieldType::DateTime,
        }
    }
}

fn pattern_default() -> String {
    "*.csv".into()
}

fn delimiter_default() -> char {
    ','
}

impl Stream {
    /// A name below the stream's folder, as the host wants it.
    pub(crate) fn inside(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }

    /// The delimiter's byte; [`streams`] has checked that it is one.
    pub(crate) fn delimiter_byte(&self) -> u8 {
        u8::try_from(self.delimiter).unwrap_or(b',')
    }

    fn verify(&self) -> std::result::Result<(), &'static str> {
        if self.key.is_empty() || self.key.iter().any(String::is_empty) {
            return Err("`key` must name the columns that a record is known by");
        }
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '"' | '\n' | '\r') {
            return Err("`delimiter` must be one ASCII character, and no quote or line end");
        }
        if self.decimal_comma && self.delimiter == ',' {
            return Err("`decimal_comma` needs another delimiter than the comma");
        }
        match &self.header {
            Some(header) if self.key.iter().any(|key| !header.contains(key)) => Err("`header` lacks a column of `key`"),
            _ => Ok(()),
        }
    }
}

/// All streams, by name.
///
/// # Errors
/// [`Failure::Misconfigured`] names the stream and what is wrong with it.
pub(crate) fn streams() -> Result<Vec<(String, Stream)>> {
    let Some(Json::Object(streams)) = config::get("streams")? else {
        return Err(Failure::Misconfigured(
            "setting `streams` must be an object with one member for each stream".into(),
        ));
    };
    let read = |(name, value): (String, Json)| {
        let wrong = |why: &str| Failure::Misconfigured(format!("setting `streams`, stream `{name}`: {why}"));
        let stream: Stream = json::read(&value.to_string()).map_err(|error| match error {
            Failure::Fault(why) => wrong(&why),
            other => other,
        })?;
        stream.verify().map_err(wrong)?;
        Ok((name, stream))
    };
    streams.into_iter().map(read).collect()
}

/// The stream of this name.
///
/// # Errors
/// [`Failure::Unsupported`] names the streams that there are.
pub(crate) fn stream(name: &str) -> Result<Stream> {
    let streams = streams()?;
    let names: Vec<String> = streams.iter().map(|(name, _)| name.clone()).collect();
    let found = streams.into_iter().find(|(known, _)| known == name).map(|(_, stream)| stream);
    found.ok_or_else(|| Failure::Unsupported(format!("there is no stream `{name}`, only {}", names.join(", "))))
}

/// Milliseconds for which a file must not have changed.
pub(crate) fn settle_ms() -> Result<u64> {
    let seconds = config::get("settle_s")?.map_or(Some(SETTLE_S_DEFAULT), |value| value.as_u64());
    let seconds =
        seconds.ok_or_else(|| Failure::Misconfigured("setting `settle_s` must be a number of seconds".into()))?;
    Ok(seconds.saturating_mul(1_000))
}
