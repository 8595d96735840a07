//! What a vendor starts from: the template's cassette is recorded from the system that it speaks to, and what `plugin new`
//! makes builds, is tested and passes the kit from that cassette.

use super::vendor::Acme;
use super::{assert_good, load, run};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use tollgate::kit::cassette::{Cassette, Recorder};
use tollgate::kit::scaffold::{Made, New, create};
use tollgate::kit::{Check, Script, Trial};
use tollgate::pack;
use tollgate_tests::guests;

const NAME: &str = "my-company/acme";

/// A new crate of this name, with the versions that this workspace has locked, so that nothing is fetched.
fn fresh(name: &str, into: &Path) -> std::path::PathBuf {
    make(New { name: name.into(), into: into.to_owned(), sdk: None, openapi: None }).folder
}

fn make(new: New) -> Made {
    let made = create(&new).unwrap();
    std::fs::copy(guests::root().join("Cargo.lock"), made.folder.join("Cargo.lock")).unwrap();
    made
}

/// The template's cassette is what its system answers today, record for record; it holds nothing that looks like a
/// credential. `TOLLGATE_UPDATE_CASSETTES=1` writes it anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_cassette_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let component = pack::build(&fresh("acme", folder.path()), &guests::options()).unwrap().bytes;
    let plugin = load(&component).await;
    let script = Script::of_crate(&guests::root().join("sdk/template")).unwrap();
    let acme = Acme::new(json!({"page_size": 2}));
    let recorder = Recorder::new(&acme, &[]);
    assert_good(&run(&plugin, &script, &recorder).await, Check::ALL.len() - 1);
    let path = guests::root().join("sdk/template/cassettes/kit.jsonl");
    if std::env::var_os("TOLLGATE_UPDATE_CASSETTES").is_some() {
        recorder.save(NAME, &path).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap();
    assert!(recorded == recorder.text(NAME), "run this test once with TOLLGATE_UPDATE_CASSETTES=1");
    assert!(!recorded.contains("[removed]"), "the system hands out no credential, and the kit found none");
}

/// A new plugin of another name passes the kit offline, its first calls succeed, and its own tests pass; a plugin that
/// changed after it was recorded is told which request has no recording.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_plugin_passes() {
    let folder = tempfile::tempdir().unwrap();
    let made = fresh("north-wind", folder.path());
    let open = || Cassette::open(&made.join("cassettes/kit.jsonl"), "my-company/north-wind").unwrap();
    let plugin = load(&pack::build(&made, &guests::options()).unwrap().bytes).await;
    let script = Script::of_crate(&made).unwrap();
    assert_good(&run(&plugin, &script, &open()).await, Check::ALL.len() - 1);

    let mut trials = Vec::new();
    let failed = tollgate::kit::try_out(&plugin, &open(), |trial| trials.push(trial)).await.unwrap();
    assert_eq!(failed, 0, "{trials:?}");
    let is_answered =
        |trial: &Trial| matches!(trial, Trial::Request { route, status, .. } if route == "contacts" && status == "200");
    assert!(trials.iter().any(is_answered), "{trials:?}");

    let source = made.join("src/contact.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    std::fs::write(&source, text.replace("query(\"limit\"", "query(\"page\"")).unwrap();
    let changed = load(&pack::build(&made, &guests::options()).unwrap().bytes).await;
    let report = run(&changed, &script, &open()).await;
    let text = report.to_string();
    assert!(report.failed().contains(&Check::Progress) && text.contains("no recording of `contacts`"), "{text}");
    assert!(text.contains("the nearest one differs in its query"), "{text}");
}

/// The tests of a new plugin pass as they are, without a network.
#[test]
fn a_new_plugin_tests_itself() {
    let folder = tempfile::tempdir().unwrap();
    let made = fresh("west", folder.path());
    let target = guests::options().target_dir.expect("a folder of this checkout").join("scaffold");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--quiet", "--lib", "--target-dir"])
        .arg(&target)
        .current_dir(&made)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("4 passed"), "{said}");
}

/// What is begun from an OpenAPI document builds as it is, reads what the system answers, and says what was left out.
#[tokio::test(flavor = "multi_thread")]
async fn from_openapi() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("pets.yaml");
    std::fs::write(&document, PETS).unwrap();
    let made = make(New { name: "pets".into(), into: folder.path().to_owned(), sdk: None, openapi: Some(document) });
    assert!(made.notes.iter().any(|note| note.contains("pages by limit")), "{:?}", made.notes);
    let plugin = load(&pack::build(&made.folder, &guests::options()).unwrap().bytes).await;
    let cassette = r#"{"cassette":1,"plugin":"my-company/pets","now_ms":5,"settings":{"account":"a-1"}}
{"call":"any","route":"list-pets","answer":{"response":{"status":200,"headers":[],"body":{"text":"[{\"id\":7,\"price\":1.50}]"}}}}"#;
    let stage = Cassette::read(cassette, "my-company/pets", "pets").unwrap();
    let report = run(&plugin, &Script::parse("").unwrap(), &stage).await;
    assert_good(&report, 8);
}

/// A vendor's own document of a thousand kilobytes becomes a plugin that builds, where that document is at hand.
#[test]
fn from_a_large_document() {
    let Some(specs) = std::env::var_os("TOLLGATE_SPECS") else {
        eprintln!("not run: set TOLLGATE_SPECS to a folder with xero/xero_accounting.yaml");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let document = Path::new(&specs).join("xero/xero_accounting.yaml");
    let made = make(New { name: "xero".into(), into: folder.path().to_owned(), sdk: None, openapi: Some(document) });
    let built = pack::build(&made.folder, &guests::options()).unwrap();
    let admitted = tollgate_sandbox::admit(&built.bytes).unwrap();
    assert!(admitted.manifest().routes.len() > 100, "{} routes", admitted.manifest().routes.len());
    assert!(!made.notes.is_empty());
}

const PETS: &str = r##"
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://api.pets.example/v1"}]
components:
  schemas:
    Pet:
      type: object
      required: [id]
      properties: {id: {type: integer}, name: {type: string}, price: {type: number}}
paths:
  /pets:
    get:
      operationId: listPets
      parameters: [{name: limit, in: query, schema: {type: integer}}]
      responses:
        "200":
          content:
            application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Pet"}}}
    post: {operationId: createPet}
"##;
