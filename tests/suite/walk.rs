//! The README's way from nothing to a synced order, walked with the real binaries: its commands are run as they stand
//! there, and what they lead to is read from the vendors' ledgers and from the host. PLT-08, PLT-09, MAP-03, GOV-02.

use serde_json::Value;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tollgate::pack;

/// Where the steps stand.
const HEADING: &str = "## From nothing to a synced order";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the workspace")
}

/// The shell blocks under the heading, in order: what runs in the first terminal, in the second, and then the steps.
fn blocks() -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let (_, after) = readme.split_once(HEADING).expect("the heading is there");
    let section = after.split("\n## ").next().expect("a section");
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("a block ends").to_owned()).collect()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Walk {
    folder: tempfile::TempDir,
    path: std::ffi::OsString,
    port: u16,
}

impl Walk {
    /// A folder that stands to the plugins as `try/` in the repository does, the binaries, and a port that is free.
    fn prepare() -> Self {
        // The very command of the README; what the tests were built with is what it builds.
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--bins", "--quiet"])
            .current_dir(root())
            .env_remove("CARGO_MANIFEST_DIR")
            .status();
        assert!(built.expect("cargo runs").success(), "the binaries build");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("try")).expect("made");
        std::os::unix::fs::symlink(root().join("plugins"), folder.path().join("plugins")).expect("linked");
        let bin = Path::new(env!("CARGO_BIN_EXE_simulators")).parent().expect("a folder").to_owned();
        let mut path = vec![bin];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        Self { folder, path: std::env::join_paths(path).expect("a path"), port }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("try")
    }

    fn bash(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]).current_dir(self.place()).env("PATH", &self.path);
        command.env("TOLLGATE_URL", format!("http://127.0.0.1:{}", self.port));
        command.env("TOLLGATE_LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("CARGO_TARGET_DIR", pack_folder()).env("NO_COLOR", "1");
        for name in ["TOLLGATE_TOKEN", "TOLLGATE_TOKEN_FILE", "TOLLGATE_DATA", "TOLLGATE_DATABASE", "TOLLGATE_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// Starts what runs in a terminal of its own and waits until the file is there that shows that it is up.
    fn terminal(&self, script: &str, sign: &str) -> Running {
        let log = || File::create(self.place().join(format!("{}.log", sign.replace('/', "-")))).expect("a log");
        let script = format!("exec {}", script.trim());
        let running = Running(self.bash(&script).stdout(log()).stderr(Stdio::inherit()).spawn().expect("bash runs"));
        let waited = self.bash(&format!("for i in $(seq 600); do test -e {sign} && exit 0; sleep 0.1; done; exit 1"));
        assert!(status(waited), "`{script}` does not come up");
        running
    }

    /// Runs a step and shows it as a terminal would.
    fn step(&self, script: &str) -> String {
        let output = self.bash(&format!("PS4='$ '; set -x\n{script}")).output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("{}{said}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "a step of the README failed:\n{script}");
        said
    }

    /// What the host answers to a command.
    fn json(&self, command: &str) -> Value {
        let output = self.bash(&format!("tollgate {command} --json")).output().expect("bash runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command}: {error}"))
    }
}

fn status(mut command: Command) -> bool {
    command.status().expect("bash runs").success()
}

/// Where the test's own guests are built, so that each plugin is compiled once.
fn pack_folder() -> PathBuf {
    let pack::Options { target_dir, .. } = tollgate_tests::guests::options();
    target_dir.expect("the tests say where").parent().and_then(Path::parent).expect("a target folder").to_owned()
}

/// A new user's first hour: every command of the README succeeds as it stands; orders reach the ERP, a row of a table lets
/// the waiting ones go, no order is there twice after a plugin was swapped and rolled back, and the configuration is as it
/// was after its rollback.
#[test]
fn the_readme_leads_to_a_synced_order() {
    let walk = Walk::prepare();
    let blocks = blocks();
    let [vendors, host, connect, flow, mend, swap, configure] = &blocks[..] else {
        panic!("the README has {} shell blocks", blocks.len());
    };
    let _vendors = walk.terminal(vendors, "simulators/simulators.json");
    let _host = walk.terminal(host, "tollgate-data/admin-token");

    let connected = walk.step(connect);
    assert!(connected.contains("it works, and leads to"), "{connected}");
    walk.step(flow);
    let before = walk.json("flow show orders");
    assert!(before["tally"]["written"].as_u64() > Some(0), "{before}");
    let text = walk.json("document show flow orders");

    walk.step(mend);
    let after = walk.json("flow show orders");
    assert!(after["tally"]["written"].as_u64() > before["tally"]["written"].as_u64(), "{before}\n{after}");
    assert_eq!(after["tally"]["is_conserved"], true, "{after}");

    walk.step(swap);
    let plugins = walk.json("plugin list");
    let active = |plugin: &&Value| plugin["name"] == "tollgate/salesforce" && plugin["is_active"] == true;
    let version = plugins["items"].as_array().expect("a list").iter().find(active).map(|plugin| &plugin["version"]);
    assert_eq!(version, Some(&Value::from("0.1.0")), "{plugins}");

    walk.step(configure);
    assert_eq!(walk.json("revision current")["revision"], 3);
    assert_eq!(walk.json("document show flow orders")["text"], text["text"]);

    let log = std::fs::read_to_string(walk.place().join("simulators-simulators.json.log")).expect("the vendors' log");
    let ledger = log.lines().find_map(|line| line.strip_prefix("what the ERP holds ")).expect("an address");
    let ledger = walk.bash(&format!("curl -sSf {ledger}")).output().expect("curl runs");
    let ledger: Value = serde_json::from_slice(&ledger.stdout).expect("JSON");
    let orders = &ledger["objects"]["salesOrder"];
    assert_eq!(orders["count"], after["tally"]["written"], "{orders}");
    assert_eq!(orders["duplicates"], 0, "{orders}");
}
