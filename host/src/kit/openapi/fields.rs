//! Schemas: references, lists of records, and the kinds of their members.

use super::Field;
use tollgate_core::model::Json;
use tollgate_core::model::schema::FieldType;

/// References that lead to references: more is a circle.
const STEPS_MAX: usize = 16;

/// What a value is, its `$ref`s followed; none where one leads nowhere or out of the document.
pub(super) fn resolve<'a>(document: &'a Json, value: &'a Json) -> Option<&'a Json> {
    let mut value = value;
    for _ in 0..STEPS_MAX {
        let Some(reference) = value.get("$ref").and_then(Json::as_str) else { return Some(value) };
        value = document.pointer(reference.strip_prefix('#')?)?;
    }
    None
}

/// Where the records of a list stand in an answer of this schema, and their schema: the answer itself, or its only member
/// that is a list of objects.
pub(super) fn list<'a>(document: &'a Json, schema: &'a Json) -> Option<(String, &'a Json)> {
    let schema = resolve(document, schema)?;
    if let Some(items) = records(document, schema) {
        return Some((String::new(), items));
    }
    let members = schema.get("properties")?.as_object()?;
    let mut lists = members.iter().filter_map(|(name, member)| {
        let items = records(document, resolve(document, member)?)?;
        Some((format!("/{}", name.replace('~', "~0").replace('/', "~1")), items))
    });
    let first = lists.next()?;
    lists.next().is_none().then_some(first)
}

fn records<'a>(document: &'a Json, schema: &'a Json) -> Option<&'a Json> {
    let is_list = schema.get("type").is_some_and(|of| of == "array");
    let items = resolve(document, schema.get("items").filter(|_| is_list)?)?;
    items.get("properties").map(|_| items)
}

/// The fields of a record, and the paths of those whose kind had to be guessed.
pub(super) fn fields(document: &Json, schema: &Json) -> (Vec<Field>, Vec<String>) {
    let required: Vec<_> =
        schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let mut guessed = Vec::new();
    let members = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    let field = |(name, member): (&String, &Json)| {
        let of = resolve(document, member).and_then(kind).unwrap_or_else(|| {
            guessed.push(name.clone());
            FieldType::Text
        });
        Field { path: name.clone(), of, required: required.contains(&name.as_str()) }
    };
    (members.map(field).collect(), guessed)
}

fn kind(schema: &Json) -> Option<FieldType> {
    let text = |name: &str| schema.get(name).and_then(Json::as_str);
    // OpenAPI 3.1 writes a nullable kind as a list of two.
    let listed = schema.get("type").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let of = text("type").or_else(|| listed.into_iter().find(|of| *of != "null"));
    Some(match (of?, text("format")) {
        ("string", Some("date")) => FieldType::Date,
        ("string", Some("date-time")) => FieldType::DateTime,
        ("string", _) if schema.get("enum").is_some() => FieldType::Choice,
        ("string", _) => FieldType::Text,
        ("integer", _) => FieldType::Integer,
        ("number", _) => FieldType::Decimal,
        ("boolean", _) => FieldType::Boolean,
        ("array", _) => FieldType::List,
        ("object", _) => FieldType::Object,
        _ => return None,
    })
}

/// The field that names a record: `id`, or the one that ends so.
pub(super) fn key(fields: &[Field], stream: &str) -> Option<String> {
    let is_text = |field: &&Field| matches!(field.of, FieldType::Text | FieldType::Integer | FieldType::Reference);
    let lower = |field: &Field| field.path.to_ascii_lowercase().replace('_', "");
    let own = format!("{}id", stream.trim_end_matches('s').replace('-', ""));
    let named = |is: &dyn Fn(&str) -> bool| fields.iter().filter(is_text).find(|field| is(&lower(field)));
    let found = named(&|name| name == "id")
        .or_else(|| named(&|name| name == own))
        .or_else(|| named(&|name| name.ends_with("id")));
    found.map(|field| field.path.clone())
}
