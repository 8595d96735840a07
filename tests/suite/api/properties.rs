//! The OpenAPI document against the service, by a program that others wrote: Schemathesis makes requests out of the
//! document, right ones and wrong ones, and judges what comes back.
//!
//! It is a Python program; the test installs it from the package index into a folder of its own, once. Where there is no
//! Python the test is skipped with one loud line, and fails with `CI=true`, as the tests do that need PostgreSQL.

use super::Stage;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tollgate::app::access::Role;
use tollgate_tests::data::generator_sample;
use tollgate_tests::database::{Database, Kind};

const VERSION: &str = "4.32.5";
/// Requests that are made up for each operation in each phase, at most.
const EXAMPLES: &str = "12";

/// Where names are asked for, some that are there: only then is more tried than the way to a 404.
const CONFIGURATION: &str = r#"
[parameters]
"path.flow" = "orders"
"path.entity" = "customer"
"path.kind" = "flow"
"path.table" = "product"
"#;

/// No request, right or wrong, gets a 5xx, an answer that the document does not tell of, or one of another shape; what is
/// wrong in a request is refused, and nothing is answered without a token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_in_the_document() {
    let Some(program) = tokio::task::spawn_blocking(program).await.expect("the installation ends") else { return };
    let database = Database::fresh(Kind::Sqlite).await.expect("a database").expect("SQLite is always there");
    let stage = Stage::set(&database, Some(&generator_sample())).await;
    stage.app.start().await.expect("flows run");
    stage.app.rest().await.expect("they come to rest");
    let token = stage.token(Role::Admin).await;
    let configuration = stage.folder.path().join("schemathesis.toml");
    std::fs::write(&configuration, CONFIGURATION).expect("written");

    let url = format!("http://{}/v1/openapi.json", stage.client.address);
    let ran = tokio::task::spawn_blocking(move || {
        let checks = "positive_data_acceptance";
        Command::new(program)
            .arg("--config-file")
            .arg(&configuration)
            .args(["run", &url, "-H", &format!("Authorization: Bearer {token}"), "--seed", "1", "--no-color"])
            // A component is no text that could be made up.
            .args(["--exclude-operation-id", "install_plugin"])
            .args(["--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--exclude-checks", checks])
            .current_dir(configuration.parent().expect("a folder"))
            .output()
    });
    let output = ran.await.expect("it ends").expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let count = |what: &str| said.lines().filter(|line| line.contains(what)).count();
    assert!(count(" passed") > 0 && count("Tested: 0") == 0, "it tried something:\n{said}");
    stage.stop().await;
}

/// The program, installed if it is not there yet; none without Python.
fn program() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemathesis-{VERSION}"));
    let program = folder.join("bin/schemathesis");
    if program.exists() {
        return Some(program);
    }
    let installed = run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).and_then(|_| {
        let package = format!("schemathesis=={VERSION}");
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", &package]))
    });
    let Err(why) = installed else { return Some(program) };
    let _ = std::fs::remove_dir_all(&folder);
    assert!(std::env::var_os("CI").is_none(), "Schemathesis cannot be installed: {why}");
    eprintln!("SKIPPED: the OpenAPI document is not tried against the service, because {why}");
    None
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = || format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    if output.status.success() { Ok(output) } else { Err(said()) }
}
