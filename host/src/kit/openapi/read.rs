//! Reads a document: JSON or YAML, bounded.

use super::fields::{fields, key, list, resolve};
use super::{Api, Route, Stream};
use crate::kit::Error;
use std::collections::BTreeSet;
use std::path::Path;
use tollgate_core::egress::path::verify_template;
use tollgate_core::model::manifest::Effect;
use tollgate_core::model::{Json, limits};

/// Bytes of a name in a manifest.
const NAME_BYTES_MAX: usize = 64;
/// Parameters by which systems page.
const PAGING: &[&str] =
    &["page", "pagesize", "perpage", "limit", "offset", "cursor", "after", "startingafter", "skip", "top", "pagetoken"];

/// Reads the document at this path.
///
/// # Errors
/// It cannot be read, is larger than [`limits::OPENAPI_BYTES_MAX`], is no JSON and no YAML, or is no OpenAPI 3 document.
pub(in crate::kit) fn read(path: &Path) -> Result<Api, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let wrong = |reason: String| Error::Scaffold(format!("{}: {reason}", path.display()));
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > limits::OPENAPI_BYTES_MAX {
        return Err(wrong(format!("it has {bytes} bytes; at most {} are read", limits::OPENAPI_BYTES_MAX)));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let document = parse(&text).map_err(wrong)?;
    api(&document).map_err(wrong)
}

fn parse(text: &str) -> Result<Json, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 64, max_nodes: 1_000_000, max_aliases: 1_000, max_documents: 1 },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| format!("no YAML: {error}"))
}

/// What the document says.
pub(super) fn api(document: &Json) -> Result<Api, String> {
    let version = document.get("openapi").and_then(Json::as_str).unwrap_or_default();
    if !version.starts_with("3.") {
        return Err(format!("it says `openapi: {version}`; only version 3 is read"));
    }
    let title = document.pointer("/info/title").and_then(Json::as_str).unwrap_or("the system").to_owned();
    let mut notes = Vec::new();
    let (host, base) = server(document, &mut notes);
    credentials(document, &mut notes);
    let mut api = Api { title, host, routes: Vec::new(), streams: Vec::new(), notes };
    let mut names = BTreeSet::new();
    let paths = document.get("paths").and_then(Json::as_object).ok_or("it has no `paths`")?;
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let method = method.to_ascii_uppercase();
            if matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") {
                let place = Place { document, item, operation, path, base: &base };
                take(&mut api, &mut names, place, method);
            } else if matches!(method.as_str(), "OPTIONS" | "TRACE") {
                api.notes.push(format!("{method} {path}: a plugin has no such requests"));
            }
        }
    }
    if api.routes.is_empty() {
        return Err("it holds no operation that a plugin can use".into());
    }
    if api.streams.is_empty() {
        let why = api.notes.join("; ");
        return Err(format!("none of its operations lists records as it is: begin from the template instead ({why})"));
    }
    Ok(api)
}

/// The first server: its host and the path before all paths. A name in braces becomes the admin's choice.
fn server(document: &Json, notes: &mut Vec<String>) -> (String, String) {
    let url = document.pointer("/servers/0/url").and_then(Json::as_str).unwrap_or_default();
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let (is_open, domain) = match host.rsplit_once('}') {
        Some((_, domain)) => (true, domain.trim_start_matches(['.', '-']).to_owned()),
        None => (false, host),
    };
    let is_domain = domain.contains('.')
        && domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
    if !is_domain {
        notes.push(format!("the server `{url}` names no host over https: put the real one in plugin.toml"));
        return ("api.example.com".into(), String::new());
    }
    let base = base.trim_end_matches('/');
    let base = if base.is_empty() || base.contains('{') { String::new() } else { format!("/{base}") };
    if url.contains('{') {
        notes.push(format!("the server `{url}` has variables: confirm host and paths in plugin.toml"));
    }
    (if is_open { format!("*.{domain}") } else { domain }, base)
}

fn credentials(document: &Json, notes: &mut Vec<String>) {
    let schemes = document.pointer("/components/securitySchemes").and_then(Json::as_object);
    for (name, scheme) in schemes.into_iter().flatten() {
        let of = |member: &str| scheme.get(member).and_then(Json::as_str).unwrap_or_default();
        if of("type") != "http" || !of("scheme").eq_ignore_ascii_case("bearer") {
            let text = format!(
                "credential `{name}` ({} {}): plugin.toml asks for a bearer token; confirm",
                of("type"),
                of("scheme")
            );
            notes.push(text);
        }
    }
}

/// One operation and where it stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    document: &'a Json,
    item: &'a Json,
    operation: &'a Json,
    path: &'a str,
    base: &'a str,
}

fn take(api: &mut Api, names: &mut BTreeSet<String>, place: Place<'_>, method: String) {
    let said = format!("{method} {}", place.path);
    let path = format!("{}{}", place.base, plain_names(place.path));
    if let Err(reason) = verify_template(&path) {
        return api.notes.push(format!("{said}: its path is no route: {reason}"));
    }
    let id = place.operation.get("operationId").and_then(Json::as_str);
    let Some(name) = unique(&kebab(id.unwrap_or(&said)), names) else {
        return api.notes.push(format!("{said}: it has no name that is free"));
    };
    let effect = match method.as_str() {
        "GET" | "HEAD" => Effect::None,
        "POST" => Effect::Once,
        _ => Effect::Repeatable,
    };
    if effect == Effect::None && method == "GET" {
        match stream(place, &name) {
            Ok(stream) => add(api, stream),
            Err(Some(why)) => api.notes.push(format!("{said}: a route, and no stream: {why}")),
            Err(None) => {}
        }
    }
    api.routes.push(Route { name, method, path, effect });
}

fn add(api: &mut Api, (mut stream, guessed): (Stream, Vec<String>)) {
    let is_taken = |api: &Api, name: &str| api.streams.iter().any(|other| other.name == name);
    if is_taken(api, &stream.name) {
        stream.name.clone_from(&stream.route);
    }
    if is_taken(api, &stream.name) {
        return api.notes.push(format!("route `{}`: a stream of its name is there already", stream.route));
    }
    if !guessed.is_empty() {
        api.notes.push(format!("stream `{}`: declared as text, confirm: {}", stream.name, guessed.join(", ")));
    }
    if !stream.paged_by.is_empty() {
        let by = stream.paged_by.join(", ");
        api.notes.push(format!(
            "stream `{}`: it pages by {by}, and only the first page is read until src/table.rs uses them",
            stream.name
        ));
    }
    api.streams.push(stream);
}

/// The stream that an operation lists, and the fields whose kind was guessed; else why there is none, where one could have
/// been expected.
fn stream(place: Place<'_>, route: &str) -> Result<(Stream, Vec<String>), Option<String>> {
    let Place { document, operation, path, .. } = place;
    let ok = operation.pointer("/responses/200").and_then(|answer| resolve(document, answer));
    let content = ok.and_then(|answer| answer.get("content")).and_then(Json::as_object);
    let schema = content
        .and_then(|content| content.iter().find(|(of, _)| of.contains("json")))
        .and_then(|(_, body)| body.get("schema"));
    let Some((items, record)) = schema.and_then(|schema| list(document, schema)) else { return Err(None) };
    let parameters = parameters(place);
    if path.contains('{') {
        return Err(Some("it lists what belongs to another record".into()));
    }
    if let Some((name, ..)) = parameters.iter().find(|(_, is_required, is_header)| *is_required && !is_header) {
        return Err(Some(format!("it needs the parameter `{name}`")));
    }
    let name = kebab(path.trim_end_matches('/').rsplit('/').next().unwrap_or(path));
    let (fields, guessed) = fields(document, record);
    let key = key(&fields, &name).ok_or_else(|| Some("no field names its records".to_owned()))?;
    let is_paging = |name: &str| PAGING.contains(&name.to_ascii_lowercase().replace(['_', '-', '$'], "").as_str());
    let needed = parameters.iter().filter(|(_, is_required, is_header)| *is_required && *is_header);
    let headers = needed.map(|(name, ..)| (name.to_ascii_lowercase(), kebab(name))).collect();
    let paged_by = parameters.into_iter().map(|(name, ..)| name).filter(|name| is_paging(name)).collect();
    Ok((Stream { name, route: route.to_owned(), items, key, fields, paged_by, headers }, guessed))
}

/// Parameters of the query and of headers: name, whether it must be given, whether it is a header.
fn parameters(place: Place<'_>) -> Vec<(String, bool, bool)> {
    let lists = [place.item, place.operation].into_iter().filter_map(|owner| owner.get("parameters")?.as_array());
    let parameter = |parameter: &Json| {
        let parameter = resolve(place.document, parameter)?;
        let place = parameter.get("in")?.as_str()?;
        let is_asked = matches!(place, "query" | "header");
        let is_required = parameter.get("required").and_then(Json::as_bool).unwrap_or(false);
        is_asked.then(|| Some((parameter.get("name")?.as_str()?.to_owned(), is_required, place == "header")))?
    };
    lists.flatten().filter_map(parameter).collect()
}

/// `{petId}` as `{pet_id}`: names of a path are small letters, digits and `_`.
fn plain_names(path: &str) -> String {
    let parts = path.split('{').enumerate().map(|(index, part)| match part.split_once('}') {
        Some((name, rest)) if index > 0 => format!("{{{}}}{rest}", kebab(name).replace('-', "_")),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// `listPets` as `list-pets`.
fn kebab(text: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for c in text.chars() {
        let begins_word = c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if (begins_word || !c.is_ascii_alphanumeric()) && !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    name.truncate(NAME_BYTES_MAX);
    name.trim_matches('-').to_owned()
}

fn unique(name: &str, names: &mut BTreeSet<String>) -> Option<String> {
    let numbered = |n: usize| format!("{}-{n}", &name[..name.len().min(NAME_BYTES_MAX - 4)]);
    let mut candidates = std::iter::once(name.to_owned()).chain((2..100).map(numbered)).filter(|_| !name.is_empty());
    candidates.find(|candidate| names.insert(candidate.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of every style become names of a manifest, none of them twice.
    #[test]
    fn names() {
        for (text, expected) in [
            ("listPets", "list-pets"),
            ("GetCustomersCustomer", "get-customers-customer"),
            ("GET /v1/pets/{id}", "get-v1-pets-id"),
            ("pet_v2", "pet-v2"),
            ("HTTPCall", "httpcall"),
            ("--", ""),
        ] {
            assert_eq!(kebab(text), expected, "{text}");
        }
        assert_eq!(plain_names("/pets/{petId}/toys/{TOY}"), "/pets/{pet_id}/toys/{toy}");
        let mut taken = BTreeSet::new();
        assert_eq!(unique("a", &mut taken), Some("a".into()));
        assert_eq!(unique("a", &mut taken), Some("a-2".into()));
        assert_eq!(unique("", &mut taken), None);
    }
}
