//! Paths to verbs.

use super::errors::ApiError;
use super::soql::{bind, parse, print::Printer, run};
use super::write::{self, Call, Verb};
use super::{Salesforce, State, describe, ids, session};
use crate::sims::Json;
use crate::sims::server::{Answer, Class, Request};
use http::{Method, StatusCode};
use serde_json::json;

/// The newest version of the API here; older ones down to [`VERSION_MIN`] are answered alike.
pub const VERSION_MAX: u32 = 67;
/// The oldest version.
pub const VERSION_MIN: u32 = 31;
/// Bytes of a request's path and query.
const TARGET_BYTES_MAX: usize = 16_384;
/// Characters of a query.
const QUERY_CHARS_MAX: usize = 100_000;
/// Records of a page: the most, and what is sent unless asked.
const PAGE_MAX: usize = 2_000;
/// Records of a page: the fewest that can be asked.
const PAGE_MIN: usize = 200;

/// Tells what a request is.
#[must_use]
pub fn classify(request: &Request) -> Class {
    let path = request.path.as_str();
    let is_read = request.method == Method::GET || request.method == Method::HEAD;
    let route = match path {
        "/services/oauth2/token" => "token",
        "/services/oauth2/authorize" => "authorize",
        "/services/data" | "/services/data/" => "versions",
        _ if path.contains("/query") => "query",
        _ if path.contains("/composite/sobjects") => "collections",
        _ if path.ends_with("/describe") => "describe",
        _ if path.ends_with("/limits") => "limits",
        _ => "sobjects",
    };
    Class {
        route,
        effectful: !is_read && route != "token",
        is_call: !matches!(route, "token" | "authorize" | "versions"),
    }
}

/// Does what a request asks.
#[must_use]
pub fn answer(org: &Salesforce, request: &Request, lock: Option<u64>) -> Answer {
    let mut state = org.state();
    match classify(request).route {
        "token" if request.method == Method::POST => return state.sessions.token(request),
        "token" => return ApiError::new("METHOD_NOT_ALLOWED", "HTTP Method not allowed").answer(),
        "authorize" if request.method == Method::GET => return state.sessions.consents.authorize(request),
        "authorize" => return ApiError::new("METHOD_NOT_ALLOWED", "HTTP Method not allowed").answer(),
        "versions" => return versions(),
        _ => {}
    }
    if request.path.len() + request.query.len() > TARGET_BYTES_MAX {
        return Answer::with_body(StatusCode::URI_TOO_LONG, "text/html", "<h1>URI Too Long</h1>");
    }
    // The order of the vendor: the token first, then the allowance; a call without a good token costs nothing.
    let done = match state.sessions.check(request) {
        Err(error) => Err(error),
        Ok(()) if !state.sessions.count_call() => Err(session::limit_exceeded()),
        Ok(()) => route(&mut state, request, lock),
    };
    let answer = done.unwrap_or_else(|error| error.answer());
    answer.header("sforce-limit-info", &state.sessions.limit_info())
}

fn versions() -> Answer {
    let list: Vec<Json> = (VERSION_MIN..=VERSION_MAX)
        .map(|n| json!({ "label": format!("Release {n}"), "url": format!("/services/data/v{n}.0"), "version": format!("{n}.0") }))
        .collect();
    Answer::json(StatusCode::OK, &json!(list))
}

fn not_found() -> ApiError {
    ApiError::new("NOT_FOUND", "The requested resource does not exist")
}

fn version(text: &str) -> bool {
    let number = text.strip_prefix('v').and_then(|text| text.strip_suffix(".0"));
    number.and_then(|text| text.parse().ok()).is_some_and(|n: u32| (VERSION_MIN..=VERSION_MAX).contains(&n))
}

fn route(state: &mut State, request: &Request, lock: Option<u64>) -> Result<Answer, ApiError> {
    let segments = request.segments().ok_or_else(not_found)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["services", "data", version_name, rest @ ..] = segments.as_slice() else { return Err(not_found()) };
    if !version(version_name) {
        return Err(not_found());
    }
    match (request.method.as_str(), rest) {
        ("GET", ["query" | "query/"]) => query(state, request, version_name, false),
        ("GET", ["queryAll"]) => query(state, request, version_name, true),
        ("GET", ["query" | "queryAll", locator]) => next_page(state, version_name, locator),
        ("GET", ["limits"]) => Ok(limits(state)),
        ("GET", ["sobjects"]) => Ok(describe::global(&state.store.schema, version_name)),
        ("GET", ["sobjects", name, "describe"]) => {
            let object = state.store.schema.object(name).ok_or_else(not_found)?;
            Ok(describe::object(&state.store.schema, object, version_name))
        }
        ("POST", ["composite", "sobjects"]) => collection(state, request, Verb::Create, lock),
        ("PATCH", ["composite", "sobjects"]) => collection(state, request, Verb::Update, lock),
        ("PATCH", ["composite", "sobjects", name, field]) => {
            let verb = upsert_verb(state, name, field)?;
            collection(state, request, verb, lock)
        }
        ("POST", ["sobjects", name]) => single(state, request, name, (Verb::Create, None), lock),
        ("PATCH", ["sobjects", name, id]) => single(state, request, name, (Verb::Update, Some(("Id", id))), lock),
        ("PATCH", ["sobjects", name, field, value]) => {
            let verb = upsert_verb(state, name, field)?;
            single(state, request, name, (verb, Some((field, value))), lock)
        }
        ("GET", ["sobjects", name, id]) => read_one(state, request, version_name, (name, "Id", id)),
        ("GET", ["sobjects", name, field, value]) => read_one(state, request, version_name, (name, field, value)),
        ("DELETE", ["sobjects", name, id]) => delete(state, name, id),
        (_, ["query" | "queryAll" | "limits" | "sobjects" | "composite", ..]) => {
            let why = format!("HTTP Method '{}' not allowed. Allowed are GET, POST, PATCH, DELETE", request.method);
            Err(ApiError::new("METHOD_NOT_ALLOWED", why))
        }
        _ => Err(not_found()),
    }
}

fn query(state: &mut State, request: &Request, version: &str, with_deleted: bool) -> Result<Answer, ApiError> {
    let text = request.parameter("q").filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| ApiError::new("MALFORMED_QUERY", "SOQL statements cannot be empty or null"))?;
    if text.chars().count() > QUERY_CHARS_MAX {
        return Err(ApiError::new("MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters."));
    }
    let plan = bind::bind(&state.store.schema, &text, &parse::parse(&text)?)?;
    let places = run::run(&state.store, &plan, with_deleted);
    if plan.is_count {
        let body = json!({ "totalSize": places.len(), "done": true, "records": [] });
        return Ok(Answer::json(StatusCode::OK, &body));
    }
    let page = page_size(request.header("sforce-query-options"));
    if places.len() <= page {
        let records = Printer::new(&state.store, version).records(&plan.shape, &places);
        return Ok(page_answer(places.len(), None, &records));
    }
    let (name, locator) = state.sessions.keep(plan, places, page);
    Ok(print_page(state, version, (&name, &locator, 0)))
}

/// `batchSize=200..2000` is a hint; anything else is the default.
fn page_size(header: &str) -> usize {
    let asked = header.split([',', ';']).find_map(|part| part.trim().strip_prefix("batchSize="));
    asked.and_then(|text| text.trim().parse().ok()).map_or(PAGE_MAX, |size: usize| size.clamp(PAGE_MIN, PAGE_MAX))
}

fn next_page(state: &State, version: &str, locator: &str) -> Result<Answer, ApiError> {
    let (name, locator, start) = state.sessions.locator(locator)?;
    Ok(print_page(state, version, (name, &locator, start)))
}

fn print_page(state: &State, version: &str, (name, locator, start): (&str, &session::Locator, usize)) -> Answer {
    let end = (start + locator.page).min(locator.places.len());
    let records = Printer::new(&state.store, version).records(&locator.plan.shape, &locator.places[start..end]);
    let next = (end < locator.places.len()).then(|| format!("/services/data/{version}/query/{name}-{end}"));
    page_answer(locator.places.len(), next.as_deref(), &records)
}

fn page_answer(total: usize, next: Option<&str>, records: &str) -> Answer {
    let mut body = String::with_capacity(records.len() + 160);
    body.push_str(&format!("{{\"totalSize\":{total},\"done\":{}", next.is_none()));
    if let Some(next) = next {
        body.push_str(&format!(",\"nextRecordsUrl\":\"{next}\""));
    }
    body.push_str(",\"records\":");
    body.push_str(records);
    body.push('}');
    Answer::with_body(StatusCode::OK, "application/json;charset=UTF-8", body)
}

fn limits(state: &State) -> Answer {
    let (used, allowed) = state.sessions.usage();
    let left = allowed.saturating_sub(used);
    let body = json!({
        "DailyApiRequests": { "Max": allowed, "Remaining": left },
        "DailyBulkApiBatches": { "Max": 15_000, "Remaining": 15_000 },
        "DailyBulkV2QueryJobs": { "Max": 10_000, "Remaining": 10_000 },
        "DataStorageMB": { "Max": 10_240, "Remaining": 10_000 },
    });
    Answer::json(StatusCode::OK, &body)
}

fn upsert_verb(state: &State, name: &str, field: &str) -> Result<Verb, ApiError> {
    let object = state.store.schema.object(name).ok_or_else(not_found)?;
    let described = &state.store.schema.objects[object];
    let index = described.field(field).filter(|index| described.fields[*index].is_external_id);
    let index = index.ok_or_else(|| {
        let why = format!("Provided external ID field does not exist or is not accessible: {field}");
        ApiError::new("NOT_FOUND", why)
    })?;
    Ok(Verb::Upsert(object, index))
}

fn body(request: &Request) -> Result<Json, ApiError> {
    if !request.header("content-type").to_ascii_lowercase().starts_with("application/json") {
        let why = "The request entity is in a format that is not supported by the requested resource";
        return Err(ApiError::new("UNSUPPORTED_MEDIA_TYPE", why));
    }
    serde_json::from_slice(&request.body).map_err(|error| ApiError::new("JSON_PARSER_ERROR", error.to_string()))
}

fn collection(state: &mut State, request: &Request, verb: Verb, lock: Option<u64>) -> Result<Answer, ApiError> {
    let body = body(request)?;
    let records = body.get("records").and_then(Json::as_array);
    let records = records.ok_or_else(|| ApiError::new("JSON_PARSER_ERROR", "The member \"records\" is missing"))?;
    let all_or_none = body.get("allOrNone").and_then(Json::as_bool).unwrap_or(false);
    let results = write::run(&mut state.store, &Call { verb, records, all_or_none, lock })?;
    let with_created = matches!(verb, Verb::Upsert(..));
    let list: Vec<Json> = results.iter().map(|result| write::result_json(result, with_created)).collect();
    Ok(Answer::json(StatusCode::OK, &json!(list)))
}

fn single(
    state: &mut State,
    request: &Request,
    name: &str,
    (verb, key): (Verb, Option<(&str, &str)>),
    lock: Option<u64>,
) -> Result<Answer, ApiError> {
    let mut record = body(request)?;
    let object = state.store.schema.object(name).ok_or_else(not_found)?;
    let described = &state.store.schema.objects[object];
    if let (Verb::Update, Some((_, id))) = (verb, key)
        && ids::is_id(id)
        && state.store.find(object, id).is_none()
    {
        return Err(not_found());
    }
    if !record.is_object() {
        return Err(ApiError::new("JSON_PARSER_ERROR", "an object is needed"));
    }
    record["attributes"] = json!({ "type": described.name });
    if let Some((field, value)) = key {
        let member = described.field(field).map_or(field, |index| described.fields[index].name);
        record[if verb == Verb::Update { "id" } else { member }] = json!(value);
    }
    let records = [record];
    let results = write::run(&mut state.store, &Call { verb, records: &records, all_or_none: false, lock })?;
    let done = results.into_iter().next().expect("one record has one result")?;
    let body = json!({ "id": done.id, "success": true, "errors": [], "created": done.is_created });
    Ok(match verb {
        Verb::Update => Answer::empty(StatusCode::NO_CONTENT),
        Verb::Upsert(..) if !done.is_created => Answer::json(StatusCode::OK, &body),
        Verb::Create | Verb::Upsert(..) => {
            let link = format!("{}/{}", request.path.trim_end_matches('/'), done.id);
            Answer::json(StatusCode::CREATED, &body).header("location", &link)
        }
    })
}

fn read_one(
    state: &State,
    request: &Request,
    version: &str,
    (name, field, value): (&str, &str, &str),
) -> Result<Answer, ApiError> {
    let store = &state.store;
    let object = store.schema.object(name).ok_or_else(not_found)?;
    let slot = match field {
        "Id" => store.find(object, value),
        _ => match upsert_verb(state, name, field)? {
            Verb::Upsert(object, index) => store.by_unique(object, index, value),
            Verb::Create | Verb::Update => None,
        },
    };
    let slot = slot.filter(|slot| !store.row(object, *slot).is_deleted).ok_or_else(not_found)?;
    let described = &store.schema.objects[object];
    let items = match request.parameter("fields") {
        None => (0..described.fields.len()).map(bind::Item::Field).collect(),
        Some(names) => names
            .split(',')
            .map(|name| {
                let no_column = || super::values::no_column(name.trim(), described.name);
                described.field(name.trim()).map(bind::Item::Field).ok_or_else(no_column)
            })
            .collect::<Result<Vec<_>, _>>()?,
    };
    let printed = Printer::new(store, version).records(&bind::Shape { object, items }, &[slot]);
    let record = printed[1..printed.len() - 1].to_owned();
    Ok(Answer::with_body(StatusCode::OK, "application/json;charset=UTF-8", record))
}

fn delete(state: &mut State, name: &str, id: &str) -> Result<Answer, ApiError> {
    let store = &mut state.store;
    let object = store.schema.object(name).ok_or_else(not_found)?;
    let slot = store.find(object, id).ok_or_else(not_found)?;
    if store.row(object, slot).is_deleted {
        return Err(ApiError::new("ENTITY_IS_DELETED", "entity is deleted"));
    }
    let stamp_ms = store.stamper.write();
    store.change(object, slot, |row| {
        row.is_deleted = true;
        row.modified_ms = stamp_ms;
    });
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
