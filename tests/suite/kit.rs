//! The conformance kit: on plugins that are right, on one with a fault for each check, live and from cassettes.

mod broken;
mod bundled;
mod guide;
mod template;
mod vendor;

use tollgate::kit::{Report, Script, Stage};
use tollgate_sandbox::{Plugin, admit};

/// A component, loaded into the sandbox of this process.
async fn load(component: &[u8]) -> Plugin {
    crate::sandbox::sandbox().load(admit(component).unwrap()).await.unwrap()
}

async fn run(plugin: &Plugin, script: &Script, stage: &dyn Stage) -> Report {
    tollgate::kit::run(plugin, script, stage).await.expect("the stage answers")
}

/// Checks that have no fault anywhere would pass whatever a plugin does; a report without them says nothing.
fn assert_good(report: &Report, least: usize) {
    assert!(report.is_good(), "{report}");
    assert!(report.passed().len() >= least, "at least {least} checks apply:\n{report}");
}
