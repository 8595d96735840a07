//! What an object's properties are in this account.

use crate::{api, object::Object, write};
use serde::Deserialize;
use tollgate_sdk::{Field, FieldType, Reading, Result, SafeRepeat, Stream, Writing, http};

/// A property's definition.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Property {
    pub(crate) name: String,
    label: String,
    #[serde(rename = "type")]
    pub(crate) of: String,
    #[serde(default)]
    options: Vec<Choice>,
    #[serde(default)]
    pub(crate) has_unique_value: bool,
    #[serde(default)]
    hubspot_defined: bool,
    #[serde(default)]
    modification_metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    read_only_value: bool,
}

#[derive(Deserialize)]
struct Choice {
    value: String,
}

/// The definitions of all properties.
pub(crate) fn ask(object: &str) -> Result<Vec<Property>> {
    #[derive(Deserialize)]
    struct All {
        results: Vec<Property>,
    }
    Ok(api::ok(http::request("properties").param("object", object).send()?)?.json::<All>()?.results)
}

/// The stream of an object.
pub(crate) fn stream(object: &Object) -> Result<Stream> {
    let properties = ask(object.name)?;
    let names: Vec<_> = properties.iter().map(|property| property.name.clone()).collect();
    Ok(Stream {
        fields: properties.into_iter().map(field).collect(),
        reading: Reading::INCREMENTAL | Reading::FILTERS | Reading::BACKFILL,
        writing: Writing::CREATE | Writing::UPDATE | Writing::UPSERT | Writing::PARTIAL,
        filterable: names.clone(),
        matchable: names,
        repeat: SafeRepeat::ExternalId,
        write_max: u32::try_from(write::INPUTS_MAX).unwrap_or(u32::MAX),
        ..Stream::new(object.name, object.label)
    })
}

fn field(property: Property) -> Field {
    let of = match property.of.as_str() {
        "number" => FieldType::Decimal,
        "bool" => FieldType::Boolean,
        "date" => FieldType::Date,
        "datetime" => FieldType::DateTime,
        "enumeration" => FieldType::Choice,
        _ => FieldType::Text,
    };
    let is_writable = !property.modification_metadata.read_only_value;
    Field {
        label: property.label,
        creatable: is_writable,
        updatable: is_writable,
        custom: !property.hubspot_defined,
        choices: property.options.into_iter().map(|choice| choice.value).collect(),
        ..Field::new(property.name, of)
    }
}
