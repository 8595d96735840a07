//! What the shipped connectors are made of: the binary is asked, not the manifest.

use tollgate_sandbox::admit;
use tollgate_tests::guests;

/// Both connectors import `tollgate:plugin/*` and nothing else, and export exactly what they can do (PLT-01).
#[test]
fn connectors_import_only_the_contract() {
    for name in ["salesforce", "netsuite"] {
        let admitted = admit(&guests::component(name)).expect("the connector is admitted");
        eprintln!("{name} imports {:?}, exports {:?}", admitted.imports(), admitted.exports());
        let is_ours = |name: &String| name.starts_with("tollgate:plugin/") && name.ends_with("@0.1.0");
        assert!(admitted.imports().iter().all(is_ours), "{:?}", admitted.imports());
        assert!(admitted.exports().iter().all(is_ours), "{:?}", admitted.exports());
        for interface in ["setup", "source", "target", "lookup"] {
            assert!(admitted.exports_interface(interface), "{name} exports {interface}");
        }
        assert_eq!(admitted.exports().len(), 4, "{:?}", admitted.exports());
    }
}
