//! The kit on every plugin of this repository (PLT-10): each folder of `plugins/` has a `kit.toml`, and passes from its own
//! cassettes without a network. Those with a simulator are also run live, through the real gate; that run records the
//! cassette where `TOLLGATE_UPDATE_CASSETTES=1` asks for it.

use super::{assert_good, load, run};
use std::path::PathBuf;
use std::sync::Arc;
use tollgate::app::documents::{Documents, read_folder};
use tollgate::clock::{SharedClock, SystemClock};
use tollgate::gate::Gate;
use tollgate::gate::budget::Counters;
use tollgate::gate::vault::{Kek, Vault};
use tollgate::kit::cassette::{Cassette, Recorder};
use tollgate::kit::{Live, Report, Script};
use tollgate::store::Store;
use tollgate_sandbox::Plugin;
use tollgate_tests::data;
use tollgate_tests::guests;
use tollgate_tests::world::{World, config_folder};

/// Checks that apply to a connector that reads and writes, at least.
const CHECKS_LEAST: usize = 12;

/// Plugins that the kit does not run yet, and why. This list may only shrink.
const NOT_YET: &[(&str, &str)] =
    &[("csv-files", "the kit has no stage that holds a folder"), ("hubspot", "nothing is recorded from its simulator")];

/// Every folder of `plugins/`, by its name.
fn plugins() -> Vec<(String, PathBuf)> {
    let folder = guests::root().join("plugins");
    let entries = std::fs::read_dir(folder).expect("the plugins").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = entries.filter(|path| path.join("plugin.toml").is_file()).collect();
    found.sort();
    let name = |path: &PathBuf| path.file_name().expect("a folder").to_string_lossy().into_owned();
    found.iter().map(|path| (name(path), path.clone())).collect()
}

fn cassettes(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("cassettes")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect()
}

/// Each plugin passes from what was recorded of its system. One without a kit.toml, or a connector without a cassette, is
/// a plugin that nobody can test.
#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_passes_offline() {
    for (name, folder) in plugins().into_iter().filter(|(name, _)| NOT_YET.iter().all(|(not_yet, _)| not_yet != name)) {
        assert!(folder.join("kit.toml").is_file(), "plugins/{name} has no kit.toml: say what the kit reads and writes");
        let (plugin, script) = (load(&guests::component(&name)).await, Script::of_crate(&folder).unwrap());
        let about = &plugin.manifest().plugin;
        if about.exports.contains("transform") {
            assert_good(&run(&plugin, &script, &Cassette::blank(&script)).await, 3);
            continue;
        }
        let cassettes = cassettes(&folder);
        assert!(!cassettes.is_empty() || !about.capabilities.contains("http"), "plugins/{name} has no cassette");
        for path in cassettes {
            let stage = Cassette::open(&path, &about.name).unwrap();
            assert_good(&run(&plugin, &script, &stage).await, CHECKS_LEAST);
        }
    }
}

/// A host's own gate to one connection of the demo, with its secrets in a vault.
struct Bench {
    live: Live,
    plugin: Plugin,
    script: Script,
    _folder: tempfile::TempDir,
}

async fn bench(world: &World, name: &str, secrets: &[(&str, &str)]) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::open(&format!("sqlite:{}", folder.path().join("kit.db").display())).await.unwrap();
    let kek = Kek::load_or_create(&folder.path().join("key")).unwrap();
    let vault = Arc::new(Vault::new(store.clone(), kek, clock.clone()));
    for (secret, value) in secrets {
        vault.put(&"default".into(), (&name.into(), secret), value, "test").await.unwrap();
    }
    let mut documents = read_folder(&config_folder()).unwrap();
    for document in &mut documents {
        document.text = document.text.replace("STANDARD_PRICEBOOK", &world.crm.vendor().pricebook_id());
    }
    let documents = Documents::parse(&documents).unwrap();
    let connection = documents.connection(&name.into()).unwrap().clone();
    let settings = serde_json::to_string(&connection.settings).unwrap();
    let plugin = load(&guests::component(name)).await;
    let net = Arc::new(world.simulators().net().unwrap());
    let budget = Arc::new(Counters::new(clock.clone()));
    let gate = Gate::new(store.clone(), clock.clone(), net, vault, budget).unwrap();
    let line = gate.open(connection, plugin.manifest().clone(), "default".into()).unwrap();
    let script = Script::of_crate(&guests::crate_dir(name)).unwrap();
    Bench { live: Live::new(gate, line, (store, clock), settings), plugin, script, _folder: folder }
}

/// Runs the kit live and, where it is asked for, keeps what was answered; no secret of either vendor is in it.
async fn recorded(world: &World, name: &str, secrets: &[(&str, &str)]) -> Report {
    let Bench { live, plugin, script, _folder } = bench(world, name, secrets).await;
    let recorder = Recorder::new(&live, &[]);
    let report = run(&plugin, &script, &recorder).await;
    let text = recorder.text(&plugin.manifest().plugin.name);
    for secret in world.secrets() {
        assert!(!text.contains(&secret), "the cassette of {name} holds a secret");
    }
    if std::env::var_os("TOLLGATE_UPDATE_CASSETTES").is_some() {
        let path = guests::crate_dir(name).join("cassettes/kit.jsonl");
        recorder.save(&plugin.manifest().plugin.name, &path).unwrap();
    }
    report
}

/// Both bundled connectors pass live, through the gate, over vendors that hold a small sample.
#[tokio::test(flavor = "multi_thread")]
async fn both_connectors_pass_live() {
    let world = World::start().await.unwrap();
    let mut crm = data::generator_sample();
    crm.deals.truncate(12);
    crm.accounts.truncate(12);
    world.load(&crm);
    let (salesforce, netsuite) = (world.crm.vendor().options(), world.erp.vendor().options());
    let private_key = netsuite.key.private_pem();
    let secrets = [("client_id", salesforce.client_id.as_str()), ("client_secret", &salesforce.client_secret)];
    assert_good(&recorded(&world, "salesforce", &secrets).await, CHECKS_LEAST);
    let secrets =
        [("client_id", netsuite.client_id.as_str()), ("key_id", &netsuite.key_id), ("private_key", &private_key)];
    assert_good(&recorded(&world, "netsuite", &secrets).await, CHECKS_LEAST);
}
