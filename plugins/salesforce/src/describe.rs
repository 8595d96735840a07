//! What an object's fields are in this organisation.

use crate::{api, collections, object::Object};
use serde::Deserialize;
use tollgate_sdk::{Field, FieldType, Reading, Result, Stream, Writing, http};

#[derive(Deserialize)]
struct Described {
    label: String,
    fields: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    name: String,
    label: String,
    #[serde(rename = "type")]
    of: String,
    #[serde(default)]
    length: u32,
    #[serde(default)]
    scale: u8,
    #[serde(default)]
    nillable: bool,
    #[serde(default)]
    defaulted_on_create: bool,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    custom: bool,
    #[serde(default)]
    filterable: bool,
    #[serde(default)]
    picklist_values: Vec<Choice>,
    #[serde(default)]
    reference_to: Vec<String>,
}

#[derive(Deserialize)]
struct Choice {
    active: bool,
    value: String,
}

fn ask(object: &str) -> Result<Described> {
    api::ok(http::request("describe").param("object", object).send()?)?.json()
}

/// The names of all fields that a statement may select.
pub(crate) fn names(object: &str) -> Result<Vec<String>> {
    let fields = ask(object)?.fields.into_iter();
    Ok(fields.filter(|property| of(&property.of).is_some()).map(|property| property.name).collect())
}

/// The stream of an object.
pub(crate) fn stream(object: &Object) -> Result<Stream> {
    let described = ask(object.name)?;
    let filterable = described.fields.iter().filter(|property| property.filterable && of(&property.of).is_some());
    let filterable: Vec<_> = filterable.map(|property| property.name.clone()).collect();
    let own = described.fields.iter().filter_map(field);
    Ok(Stream {
        fields: own.chain(child_fields(object)).collect(),
        reading: Reading::INCREMENTAL | Reading::FILTERS | Reading::BACKFILL,
        writing: Writing::CREATE | Writing::UPDATE | Writing::UPSERT | Writing::PARTIAL,
        matchable: filterable.clone(),
        filterable,
        repeat: object.repeat,
        write_max: u32::try_from(collections::RECORDS_MAX).unwrap_or(u32::MAX),
        ..Stream::new(object.name, described.label)
    })
}

/// The fields of the child, which is a record or a list in the data. A price may be written, lines not.
fn child_fields(object: &Object) -> Vec<Field> {
    let Some(child) = &object.child else { return Vec::new() };
    if child.is_list {
        let line = |name: &&str| Field::new(format!("{}[].{name}", child.member), child_type(name));
        let list = Field::new(child.member, FieldType::List);
        return std::iter::once(list).chain(child.fields.iter().map(line)).collect();
    }
    let price = Field { scale: Some(2), ..Field::new(format!("{}.UnitPrice", child.member), FieldType::Decimal) };
    vec![Field::new(child.member, FieldType::Object).writable(), price.writable()]
}

fn child_type(name: &str) -> FieldType {
    match name {
        "Quantity" | "UnitPrice" => FieldType::Decimal,
        _ => FieldType::Text,
    }
}

fn field(property: &Property) -> Option<Field> {
    let of = of(&property.of)?;
    Some(Field {
        path: property.name.clone(),
        label: property.label.clone(),
        of,
        required: property.createable && !property.nillable && !property.defaulted_on_create,
        creatable: property.createable,
        updatable: property.updateable,
        custom: property.custom,
        length_max: (of == FieldType::Text && property.length > 0).then_some(property.length),
        scale: (of == FieldType::Decimal).then_some(property.scale),
        choices: property.picklist_values.iter().filter(|c| c.active).map(|c| c.value.clone()).collect(),
        refers_to: property.reference_to.clone(),
    })
}

/// The kind of a field; none for compounds (their parts are fields too) and for bytes.
fn of(of: &str) -> Option<FieldType> {
    Some(match of {
        "address" | "location" | "base64" | "complexvalue" => return None,
        "double" | "currency" | "percent" => FieldType::Decimal,
        "int" | "long" => FieldType::Integer,
        "boolean" => FieldType::Boolean,
        "date" => FieldType::Date,
        "datetime" => FieldType::DateTime,
        "picklist" => FieldType::Choice,
        "reference" => FieldType::Reference,
        _ => FieldType::Text,
    })
}
