//! Writes what a document said: manifest, tables of fields, notes.

use super::{Api, Field, Stream};
use std::collections::BTreeMap;
use std::fmt::Write;
use tollgate_core::model::manifest::Effect;
use tollgate_core::model::text::is_deceptive;

/// The manifest, for a plugin of this name.
pub(in crate::kit) fn manifest(api: &Api, name: &str) -> String {
    let mut text = format!(
        "# What the plugin asks for, and why. Begun from the vendor's OpenAPI document: take out what is not needed.\n\
         [plugin]\nname = {}\nversion = \"0.1.0\"\ncontract = \"0.1\"\ncursor_format = 1\nabout = {}\n\
         exports = [\"setup\", \"source\"]\ncapabilities = [\"http\", \"config\", \"log\"]\n\n\
         [[endpoint]]\nname = \"api\"\npurpose = \"The API of the account.\"\nhost = {}\n\n\
         # The gate attaches it; the plugin never sees it.\n\
         [[credential]]\nname = \"token\"\nendpoints = [\"api\"]\nattach = {{ bearer = {{}} }}\n\n\
         [[setting]]\nname = \"account\"\nabout = \"The account's id, as the vendor names it.\"\ntype = \"text\"\nrequired = true\n",
        quoted(&format!("my-company/{name}")),
        quoted(&format!("Reads from {}.", plain(&api.title))),
        quoted(&api.host),
    );
    let headers: BTreeMap<_, _> =
        api.streams.iter().flat_map(|stream| &stream.headers).map(|(header, setting)| (setting, header)).collect();
    for (setting, header) in headers {
        let about = quoted(&format!("What each request says in the header {}.", plain(header)));
        let _ = write!(
            text,
            "\n[[setting]]\nname = {}\nabout = {about}\ntype = \"text\"\nrequired = true\n",
            quoted(setting)
        );
    }
    for route in &api.routes {
        let effect = match route.effect {
            Effect::None => "effect = \"none\"",
            Effect::Repeatable => {
                "effect = \"repeatable\" # confirm: sent again it changes nothing more; else \"once\""
            }
            Effect::Once => "effect = \"once\" # confirm: if it only reads, \"none\"",
        };
        let _ = write!(
            text,
            "\n[[route]]\nname = {}\nendpoint = \"api\"\nmethod = {}\npath = {}\n{effect}\n",
            quoted(&route.name),
            quoted(&route.method),
            quoted(&route.path)
        );
    }
    text
}

/// `src/streams.rs`: one table for each stream.
pub(in crate::kit) fn streams(api: &Api) -> String {
    let names: Vec<_> = (0..api.streams.len()).map(|index| format!("&TABLES[{index}]")).collect();
    let mut text = format!(
        "//! The streams, as the vendor's own description has them: confirm them against real answers.\n\n\
         use crate::table::Table;\nuse tollgate_sdk::{{FieldType, Serve}};\n\n\
         pub(crate) static STREAMS: &[&dyn Serve] = &[{}];\n\npub(crate) static TABLES: [Table; {}] = [\n",
        names.join(", "),
        names.len()
    );
    api.streams.iter().for_each(|stream| table(stream, &mut text));
    text + "];\n"
}

fn table(stream: &Stream, text: &mut String) {
    let Stream { name, route, items, key, fields, paged_by, headers } = stream;
    let _ = write!(
        text,
        "    Table {{\n        name: {name:?},\n        route: {route:?},\n        items: {items:?},\n        key: {key:?},\n        \
         paged_by: &{paged_by:?},\n        headers: &{headers:?},\n        fields: &[\n"
    );
    for Field { path, of, required } in fields {
        let _ = writeln!(text, "            ({path:?}, FieldType::{of:?}, {required}),");
    }
    text.push_str("        ],\n    },\n");
}

/// `NOTES.md`: what is left for a person.
pub(in crate::kit) fn notes(api: &Api) -> String {
    let mut text = format!(
        "# To be looked at\n\n{} routes and {} streams were taken over from the description of {}.\n\n\
         - every `effect` in plugin.toml: the method only hints at it\n\
         - writing: nothing is written yet; add `target` when it is\n",
        api.routes.len(),
        api.streams.len(),
        plain(&api.title)
    );
    for note in &api.notes {
        let _ = writeln!(text, "- {}", plain(note));
    }
    text
}

/// One plain line of a text that somebody else wrote.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !is_deceptive(*c)).take(1_000).collect()
}

/// A text of TOML: JSON's escapes are all known to it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use tollgate_core::model::schema::FieldType;
    use tollgate_core::model::{Json, Manifest};

    const PETS: &str = r##"{"openapi":"3.0.3","info":{"title":"Pets \"R\" Us\u202e"},
        "servers":[{"url":"https://{tenant}.pets.example/api"}],
        "components":{"securitySchemes":{"k":{"type":"apiKey","in":"header"}},
          "schemas":{"Pet":{"type":"object","required":["id"],"properties":{
            "id":{"type":"integer"},"name":{"type":"string"},"born":{"type":"string","format":"date"},
            "price":{"type":"number"},"tags":{"type":"array"},"kind":{"oneOf":[]},"next":{"$ref":"#/components/schemas/Pet"}}}}},
        "paths":{
          "/pets":{"get":{"operationId":"listPets","parameters":[{"name":"limit","in":"query"}],
              "responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}}}},
            "post":{"operationId":"createPet"}},
          "/owners":{"get":{"parameters":[{"name":"region","in":"query","required":true}],
              "responses":{"200":{"content":{"application/json":{"schema":{"properties":{"data":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}}}}}}},
          "/pets/{petId}":{"put":{"operationId":"listPets"},"options":{}},
          "/bad path":{"get":{}}}}"##;

    /// A small document becomes a manifest that is taken, and a table of the right kinds; all that could not be taken over
    /// stands in the notes.
    #[test]
    fn a_small_document() {
        let document: Json = serde_json::from_str(PETS).unwrap();
        let api = super::super::read::api(&document).unwrap();
        let manifest = Manifest::parse(&manifest(&api, "pets")).unwrap();
        let route =
            |name: &str| manifest.route(name).map(|route| (route.method.as_str(), route.path.as_str(), route.effect));
        assert_eq!(route("list-pets"), Some(("GET", "/api/pets", Effect::None)));
        assert_eq!(route("create-pet"), Some(("POST", "/api/pets", Effect::Once)));
        assert_eq!(route("list-pets-2"), Some(("PUT", "/api/pets/{pet_id}", Effect::Repeatable)));
        assert_eq!(manifest.endpoints[0].host, "*.pets.example");
        let [stream] = &api.streams[..] else { panic!("{:?}", api.streams) };
        assert_eq!((stream.name.as_str(), stream.key.as_str(), stream.items.as_str()), ("pets", "id", ""));
        let kinds: Vec<_> = stream.fields.iter().map(|field| (field.path.as_str(), field.of)).collect();
        assert!(
            kinds.contains(&("born", FieldType::Date)) && kinds.contains(&("price", FieldType::Decimal)),
            "{kinds:?}"
        );
        assert!(streams(&api).contains("(\"id\", FieldType::Integer, true)"));
        let notes = notes(&api);
        for part in [
            "OPTIONS",
            "pages by limit",
            "needs the parameter `region`",
            "confirm: kind",
            "`k` (apiKey",
            "variables",
            "/bad path",
        ] {
            assert!(notes.contains(part), "{part} in {notes}");
        }
        assert!(!notes.contains('\u{202e}'));
    }

    /// What is no OpenAPI 3 document makes nothing and says why.
    #[test]
    fn other_documents() {
        for (text, part) in [
            (r#"{"swagger":"2.0"}"#, "only version 3"),
            (r#"{"openapi":"3.1.0"}"#, "no `paths`"),
            (r#"{"openapi":"3.1.0","paths":{}}"#, "no operation"),
        ] {
            let error = super::super::read::api(&serde_json::from_str(text).unwrap()).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "a: [").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("no YAML"));
        assert!(read(&folder.path().join("none")).is_err());
    }
}
