//! What a connection offers: its streams, their fields, what can be done with them.

use super::Shared;
use super::error::{Code, Error};
use super::take::{Asked, Named};
use axum::Json;
use serde::{Deserialize, Serialize};
use tollgate_core::model::schema::{Field, SafeRepeat, Stream};
use tollgate_core::model::{ConnectionName, limits};
use utoipa::{IntoParams, ToSchema};

/// What a connection offers.
#[derive(Serialize, ToSchema)]
pub(super) struct DiscoverView {
    /// The streams, by name.
    items: Vec<StreamView>,
    /// Some streams came without their fields, because all together would be too many: ask for these by name.
    is_cut: bool,
}

/// One stream.
#[derive(Serialize, ToSchema)]
pub(super) struct StreamView {
    /// Its name in the system.
    name: String,
    /// For people.
    label: String,
    /// What reading can do: `incremental`, `deletes`, `merges`, `filters`, `backfill`.
    reading: Vec<&'static str>,
    /// What writing can do: `create`, `update`, `upsert`, `delete`, `partial`, `expected-version`.
    writing: Vec<&'static str>,
    /// What makes it harmless to repeat a write: `none`, `key`, `external-id` or `read-back`.
    repeat: &'static str,
    /// Most intents in one write.
    write_max: u32,
    /// Fields that a search may name.
    matchable: Vec<String>,
    /// How many fields it has.
    field_count: usize,
    /// The fields; absent where the answer would be too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldView>>,
}

/// One field of a stream.
#[derive(Serialize, ToSchema)]
pub(super) struct FieldView {
    /// Dotted path, `item.items[].rate` for a field of a line.
    path: String,
    /// For people.
    label: String,
    /// Its kind: `text`, `decimal`, `date`, `choice` and so on.
    of: String,
    /// The system refuses a record without it.
    required: bool,
    /// May be set when a record is made.
    creatable: bool,
    /// May be changed later.
    updatable: bool,
    /// Made by the customer.
    custom: bool,
    /// Characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    length_max: Option<u32>,
    /// Digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<u8>,
    /// Allowed values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    /// Streams that a reference may point to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refers_to: Vec<String>,
}

/// Which streams.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DiscoverAsked {
    /// Only the one of this name.
    stream: Option<String>,
}

/// Asks a connection's plugin what it offers: streams, fields, abilities.
#[utoipa::path(post, path = "/v1/connections/{name}/discover", tag = "connections",
    params(("name" = String, Path, description = "The connection"), DiscoverAsked),
    responses((status = 200, description = "What it offers", body = DiscoverView)))]
pub(super) async fn discover(
    service: Shared,
    Named(name): Named<ConnectionName>,
    Asked(asked): Asked<DiscoverAsked>,
) -> Result<Json<DiscoverView>, Error> {
    service.app.require_connection(&name).await?;
    let shown = name.clone();
    let mut streams = service.act(async move |app| Ok(app.discover(&name).await?)).await?;
    if let Some(wanted) = asked.stream {
        streams.retain(|stream| stream.name == wanted);
        if streams.is_empty() {
            return Err(Error::new(Code::Absent, format!("connection `{shown}` has no stream `{wanted}`")));
        }
    }
    Ok(Json(view(streams)))
}

fn view(mut streams: Vec<Stream>) -> DiscoverView {
    streams.sort_by(|one, other| one.name.cmp(&other.name));
    let mut room = limits::API_FIELDS_MAX;
    let items: Vec<StreamView> = streams
        .into_iter()
        .map(|stream| {
            let weight: usize = stream.fields.iter().map(|field| 1 + field.choices.len() + field.refers_to.len()).sum();
            let is_shown = weight <= room;
            room -= if is_shown { weight } else { 0 };
            stream_view(stream, is_shown)
        })
        .collect();
    DiscoverView { is_cut: items.iter().any(|stream| stream.fields.is_none()), items }
}

fn stream_view(stream: Stream, is_shown: bool) -> StreamView {
    let (reading, writing) = (&stream.reading, &stream.writing);
    let named =
        |abilities: &[(bool, &'static str)]| abilities.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
    StreamView {
        reading: named(&[
            (reading.incremental, "incremental"),
            (reading.deletes, "deletes"),
            (reading.merges, "merges"),
            (reading.filters, "filters"),
            (reading.backfill, "backfill"),
        ]),
        writing: named(&[
            (writing.create, "create"),
            (writing.update, "update"),
            (writing.upsert, "upsert"),
            (writing.delete, "delete"),
            (writing.partial, "partial"),
            (writing.expected_version, "expected-version"),
        ]),
        repeat: match stream.repeat {
            SafeRepeat::None => "none",
            SafeRepeat::Key(_) => "key",
            SafeRepeat::ExternalId => "external-id",
            SafeRepeat::ReadBack => "read-back",
        },
        name: stream.name,
        label: stream.label,
        write_max: stream.write_max,
        matchable: stream.matchable,
        field_count: stream.fields.len(),
        fields: is_shown.then(|| stream.fields.into_iter().map(field_view).collect()),
    }
}

fn field_view(field: Field) -> FieldView {
    // The same word as in the contract and in stored schemas.
    let of = serde_json::to_value(field.of).ok().and_then(|of| of.as_str().map(str::to_owned)).unwrap_or_default();
    FieldView {
        path: field.path,
        label: field.label,
        of,
        required: field.required,
        creatable: field.creatable,
        updatable: field.updatable,
        custom: field.custom,
        length_max: field.length_max,
        scale: field.scale,
        choices: field.choices,
        refers_to: field.refers_to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::model::schema::FieldType;

    fn stream(name: &str, fields: usize) -> Stream {
        let field = Field {
            path: "a".into(),
            label: "A".into(),
            of: FieldType::DateTime,
            required: false,
            creatable: true,
            updatable: true,
            custom: false,
            length_max: None,
            scale: None,
            choices: Vec::new(),
            refers_to: Vec::new(),
        };
        Stream {
            name: name.into(),
            label: name.into(),
            fields: vec![field; fields],
            reading: Default::default(),
            writing: Default::default(),
            filterable: Vec::new(),
            matchable: Vec::new(),
            repeat: SafeRepeat::None,
            write_max: 1,
        }
    }

    /// An answer names every stream and has a bounded number of fields: streams that do not fit come without theirs, and the
    /// answer says so.
    #[test]
    fn an_answer_is_bounded() {
        let most = limits::API_FIELDS_MAX;
        let cut = view(vec![stream("b", most), stream("a", 1), stream("c", most - 1)]);
        let shown: Vec<_> = cut.items.iter().map(|stream| (stream.name.as_str(), stream.fields.is_some())).collect();
        assert_eq!((shown, cut.is_cut), (vec![("a", true), ("b", false), ("c", true)], true));
        let whole = view(vec![stream("a", 2)]);
        assert!(!whole.is_cut);
        assert_eq!(whole.items[0].fields.as_ref().map(|fields| fields[0].of.as_str()), Some("date-time"));
    }
}
