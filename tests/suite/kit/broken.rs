//! One fault for each check: the kit must find it, with that check and no other.

use super::vendor::Acme;
use super::{assert_good, load, run};
use serde_json::json;
use tollgate::kit::{Check, Report, Script, TransformScript};
use tollgate_tests::guests;

fn script() -> Script {
    Script::of_crate(&guests::root().join("sdk/template")).unwrap()
}

/// The template's connector with this fault, judged over its own system with pages of two.
async fn judged(fault: &str) -> Report {
    let plugin = load(&guests::component("broken")).await;
    run(&plugin, &script(), &Acme::new(json!({"page_size": 2, "fault": fault}))).await
}

fn transform(data: &[&str]) -> Script {
    let data = data.iter().map(|data| (*data).to_owned()).collect();
    Script {
        transform: Some(TransformScript { stream: "order".into(), settings: None, data }),
        ..Script::parse("").unwrap()
    }
}

/// Without a fault every check of a connector passes, so that what fails below fails for its fault. Nothing that the kit
/// provokes reaches the system: it counts the writes.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_fault_all_is_well() {
    let plugin = load(&guests::component("broken")).await;
    let acme = Acme::new(json!({"page_size": 2}));
    let report = run(&plugin, &script(), &acme).await;
    assert_good(&report, Check::ALL.len() - 1);
    assert_eq!(acme.writes(), 4, "two records, one update, one repetition");
}

/// Each check has a fault, and each fault fails its own check and no other (PLT-10). A check that is added without a
/// fault fails here, because the guest does nothing wrong then.
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_fails_its_own_check() {
    for check in Check::ALL.iter().filter(|check| **check != Check::Transform) {
        let report = judged(check.name()).await;
        assert_eq!(report.failed(), [*check], "fault `{check}`:\n{report}");
    }
}

/// A transform whose result depends on the change beside it fails that check and no other; one that is right passes, with
/// a change that it refuses among them.
#[tokio::test(flavor = "multi_thread")]
async fn transforms() {
    let plugin = load(&guests::component("broken-transform")).await;
    let acme = Acme::new(json!({}));
    let report = run(&plugin, &transform(&["{\"a\":1}", "{\"a\":1}", "{\"a\":2}"]), &acme).await;
    assert_eq!(report.failed(), [Check::Transform], "{report}");
    let report = run(&plugin, &Script::parse("").unwrap(), &acme).await;
    assert_eq!(report.failed(), [Check::Transform], "a transform without changes to apply is not tested:\n{report}");

    let plugin = load(&guests::component("map")).await;
    let report = run(&plugin, &transform(&["{\"Id\":\"006\"}", "{}", "{\"Id\":\"006\"}"]), &acme).await;
    assert_good(&report, 4);
}
