//! What a record's fields are in this account, from the metadata catalogue.

use crate::{
    api,
    record::{Extra, Record},
    suiteql, write,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use tollgate_sdk::{Field, FieldType, Reading, Result, Stream, Writing, http};

/// The JSON schema of a record.
#[derive(Deserialize)]
struct Schema {
    #[serde(default)]
    properties: BTreeMap<String, Property>,
}

#[derive(Deserialize)]
struct Property {
    title: Option<String>,
    #[serde(rename = "type", default)]
    of: String,
    #[serde(default)]
    format: String,
    #[serde(rename = "maxLength")]
    length_max: Option<u32>,
    #[serde(rename = "enum", default)]
    choices: Vec<Option<String>>,
}

fn schema(record: &Record) -> Result<Schema> {
    let request = http::request("metadata").param("record", record.name).header("accept", "application/schema+json");
    api::ok(request.send()?)?.json()
}

/// Columns beyond the base, by their names in rows: all custom fields, or those that are asked. A field that the
/// catalogue does not know is text. Sublists and lists of choices are no columns.
pub(crate) fn extra(record: &Record, asked: Option<Vec<String>>) -> Result<BTreeMap<String, Extra>> {
    if asked.as_ref().is_some_and(Vec::is_empty) {
        return Ok(BTreeMap::new());
    }
    let properties = schema(record)?.properties;
    let all = || properties.iter().filter(|(name, property)| is_custom(record, name, property));
    let paths = asked.unwrap_or_else(|| all().map(|(name, _)| name.clone()).collect());
    let extra = paths.into_iter().map(|path| {
        let of = properties.get(&path).map_or(FieldType::Text, of);
        Ok((suiteql::name(&path)?, Extra { path, of }))
    });
    extra.collect()
}

fn is_custom(record: &Record, name: &str, property: &Property) -> bool {
    name.starts_with(record.custom) && property.of != "object" && property.of != "array"
}

/// The stream of a record.
pub(crate) fn stream(record: &Record) -> Result<Stream> {
    let properties = schema(record)?.properties;
    let is_written = record.write.is_some();
    let field = |path: &str, of: FieldType, property: Option<&Property>| Field {
        label: property.and_then(|property| property.title.clone()).unwrap_or_else(|| path.into()),
        length_max: property.and_then(|property| property.length_max).filter(|_| of == FieldType::Text),
        choices: property.map(|p| p.choices.iter().flatten().cloned().collect()).unwrap_or_default(),
        creatable: is_written,
        updatable: is_written,
        custom: path.starts_with(record.custom),
        ..Field::new(path, of)
    };
    let base = record.columns.iter().filter(|column| !column.is_hidden());
    let base = base.map(|column| field(column.path, column.of, properties.get(column.path)));
    let custom = properties.iter().filter(|(name, property)| is_custom(record, name, property));
    let custom = custom.map(|(name, property)| field(name, of(property), Some(property)));
    let fields: Vec<_> = base.chain(custom).collect();
    let filterable: Vec<_> = fields.iter().map(|field| field.path.clone()).collect();
    let lines = record.lines.iter().map(|(path, of)| field(path, *of, None));
    let writing = Writing::CREATE | Writing::UPDATE | Writing::UPSERT | Writing::PARTIAL;
    Ok(Stream {
        fields: fields.into_iter().chain(lines).collect(),
        reading: Reading::INCREMENTAL | Reading::FILTERS | Reading::BACKFILL,
        writing: if is_written { writing } else { Writing::empty() },
        matchable: filterable.clone(),
        filterable,
        repeat: record.repeat,
        write_max: write::INTENTS_MAX,
        ..Stream::new(record.name, record.label)
    })
}

fn of(property: &Property) -> FieldType {
    match (property.of.as_str(), property.format.as_str()) {
        ("integer", _) => FieldType::Integer,
        ("number", _) => FieldType::Decimal,
        ("boolean", _) => FieldType::Boolean,
        (_, "date") => FieldType::Date,
        (_, "date-time") => FieldType::DateTime,
        _ => FieldType::Text,
    }
}
