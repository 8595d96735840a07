//! What is let in: every refusal with its reason.

use super::{plugin, sandbox};
use tollgate::pack;
use tollgate_sandbox::{Error, admit};
use tollgate_tests::guests;
use wasm_encoder::{ComponentSection, CustomSection};

/// A component in text form that imports and exports these, with instances of no content.
fn text(imports: &[&str], exports: &[&str]) -> String {
    let imports: String = imports.iter().map(|name| format!("(import \"{name}\" (instance))\n")).collect();
    let exports: String = exports.iter().map(|name| format!("(export \"{name}\" (instance $e))\n")).collect();
    format!("(component\n{imports}(instance $e)\n{exports})")
}

fn manifest(exports: &[&str], capabilities: &[&str]) -> String {
    format!(
        "[plugin]\nname = \"tollgate/test\"\nversion = \"1.0.0\"\ncontract = \"0.1\"\ncursor_format = 1\n\
         about = \"A test.\"\nexports = {exports:?}\ncapabilities = {capabilities:?}\n"
    )
}

fn with_manifests(text: &str, manifests: &[&str]) -> Vec<u8> {
    let mut bytes = wat::parse_str(text).unwrap();
    for manifest in manifests {
        CustomSection { name: "tollgate:manifest".into(), data: manifest.as_bytes().into() }
            .append_to_component(&mut bytes);
    }
    bytes
}

fn reasons(bytes: &[u8]) -> Vec<String> {
    admit(bytes).err().map(|refusal| refusal.reasons().to_vec()).unwrap_or_default()
}

const SETUP: &str = "tollgate:plugin/setup@0.1.0";
const HTTP: &str = "tollgate:plugin/http@0.1.0";
const TRANSFORM: &str = "tollgate:plugin/transform@0.1.0";

/// What is no component is told what it is and what to do; each case is one kind of file.
#[test]
fn files_of_other_kinds_are_told_apart() {
    let core = wat::parse_str("(module)").unwrap();
    let noise: Vec<u8> = (0..4_096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let long = vec![0; (16 << 20) + 1];
    let cases: &[(&[u8], &str)] = &[
        (b"", "the file is empty"),
        (&noise, "binary data of an unknown kind"),
        (b"[plugin]\nname = \"a/b\"\n", "it looks like text"),
        (b"(component)", "WebAssembly text"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\x1f\x8brest", "a gzip archive"),
        (b"\x7fELF\x02\x01\x01", "native code"),
        (b"#!/bin/sh\n", "a script"),
        (&core, "run `tollgate plugin build`"),
        (b"\0asm\x99\0\x07\0", "a kind that this host does not know"),
        (b"\0asm\x0d", "truncated: a component's header has 8 bytes, 5 are there"),
        (&long, "at most 16777216"),
    ];
    for (bytes, part) in cases {
        let reasons = reasons(bytes);
        assert!(reasons.len() == 1 && reasons[0].contains(part), "{part}: {reasons:?}");
    }
}

/// A plugin that was cut anywhere must be refused: the probe is cut at many places, and within a section the reason
/// says that it is cut.
#[test]
fn cut_files_are_refused() {
    let whole = guests::component("probe");
    admit(&whole).unwrap();
    for part in 1..64 {
        let cut = &whole[..whole.len() * part / 64];
        let reasons = reasons(cut);
        assert!(
            reasons.iter().any(|reason| reason.contains("truncated") || reason.contains("manifest")),
            "{reasons:?}"
        );
    }
    assert!(reasons(&whole[..whole.len() - 1])[0].contains("truncated"));
}

/// A byte that is changed at any place must never crash admission, and never change what is admitted unseen: it is
/// refused, or has another digest.
#[test]
fn changed_files_never_crash_admission() {
    let whole = guests::component("map");
    let digest = admit(&whole).unwrap().digest();
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        let mut changed = whole.clone();
        changed[at] ^= 0x41;
        if let Ok(admitted) = admit(&changed) {
            assert_ne!(admitted.digest(), digest);
        }
    }
}

/// PLT-01: imports and exports outside the offer are refused by name, whatever the manifest says; all of them at once.
#[test]
fn foreign_names_are_refused() {
    let cases: &[(&[&str], &[&str], &str)] = &[
        (
            &["wasi:filesystem/types@0.2.6"],
            &[SETUP],
            "imports `wasi:filesystem/types@0.2.6`: a plugin imports only tollgate:plugin/*",
        ),
        (&["tollgate:plugin/http@0.2.0"], &[SETUP], "imports `tollgate:plugin/http@0.2.0`"),
        (&["tollgate:plugin/storage@0.1.0"], &[SETUP], "not offered by this host"),
        (&["tollgate:plugin/exec@0.1.0"], &[SETUP], "not one of http, files, clock"),
        (&[], &[SETUP, "wasi:cli/run@0.2.6"], "exports `wasi:cli/run@0.2.6`"),
        (
            &[],
            &[SETUP, "tollgate:plugin/inbox@0.1.0"],
            "exports `tollgate:plugin/inbox@0.1.0`: part of the contract, but",
        ),
        (&[], &[SETUP, TRANSFORM], "a transform is a plugin of its own"),
        (&[HTTP], &[TRANSFORM], "a transform has no network"),
        (&["tollgate:plugin/files@0.1.0"], &[TRANSFORM], "a transform has no files"),
        (&[], &["tollgate:plugin/source@0.1.0"], "does not export `setup`"),
        (&[], &[], "exports nothing"),
    ];
    for (imports, exports, part) in cases {
        let reasons = reasons(&with_manifests(&text(imports, exports), &[&manifest(&["setup"], &[])]));
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
    let two = text(&["wasi:cli/environment@0.2.6", "wasi:sockets/tcp@0.2.6"], &[SETUP]);
    let refusal = admit(&with_manifests(&two, &[&manifest(&["setup"], &[])])).unwrap_err().to_string();
    assert!(refusal.contains("wasi:cli/environment") && refusal.contains("wasi:sockets/tcp"), "{refusal}");
    let function = with_manifests("(component (import \"run\" (func)))", &[]);
    assert!(reasons(&function)[0].contains("imports `run`"));
}

/// The manifest must say exactly what the binary shows: one thing more or less is refused and named.
#[test]
fn the_manifest_explains_the_binary() {
    let route = "\n[[endpoint]]\nname = \"api\"\npurpose = \"x\"\nhost = \"a.example\"\n\
                 [[route]]\nname = \"r\"\nendpoint = \"api\"\nmethod = \"GET\"\npath = \"/a\"\neffect = \"none\"\n\
                 [[credential]]\nname = \"c\"\nendpoints = [\"api\"]\nattach = { bearer = {} }\n";
    type Case<'a> = (&'a [&'a str], &'a [&'a str], String, &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (&[HTTP], &[SETUP], manifest(&["setup"], &["http"]), &[]),
        (&["tollgate:plugin/types@0.1.0"], &[SETUP], manifest(&["setup"], &[]), &[]),
        (&[HTTP], &[SETUP], manifest(&["setup"], &["http"]) + route, &[]),
        (
            &[HTTP],
            &[SETUP],
            manifest(&["setup"], &[]),
            &["imports `http`, which the manifest does not explain: add it to plugin.capabilities"],
        ),
        (
            &[],
            &[SETUP],
            manifest(&["setup"], &["clock"]),
            &["plugin.capabilities claims `clock`, which the binary does not show: remove it"],
        ),
        (
            &[],
            &[SETUP, "tollgate:plugin/target@0.1.0"],
            manifest(&["setup"], &[]),
            &["exports `target`, which the manifest does not explain: add it to plugin.exports"],
        ),
        (
            &[],
            &[SETUP],
            manifest(&["setup", "source"], &[]),
            &["plugin.exports claims `source`, which the binary does not show: remove it"],
        ),
        (
            &[],
            &[SETUP],
            manifest(&["setup"], &[]) + route,
            &[
                "the manifest asks for endpoints, but the binary does not import `http`",
                "the manifest asks for routes, but the binary does not import `http`",
                "the manifest asks for credentials, but the binary does not import `http`",
            ],
        ),
        (&[], &[SETUP], "[plugin]\nname = 1".into(), &["manifest: TOML parse error"]),
    ];
    for (imports, exports, manifest, expected) in cases {
        let found = reasons(&with_manifests(&text(imports, exports), &[manifest]));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.contains(expected), "{found}");
        }
    }
}

/// There is exactly one manifest, of bounded size, and it belongs to the whole: none, two, a hidden one, a huge one and
/// one that is no text are refused.
#[test]
fn there_is_one_manifest() {
    let plain = text(&[], &[SETUP]);
    let good = manifest(&["setup"], &[]);
    let huge = good.clone() + &"# x\n".repeat(70_000);
    let cases: &[(Vec<u8>, &str)] = &[
        (with_manifests(&plain, &[]), "there is no manifest"),
        (with_manifests(&plain, &[&good, &good]), "there are 2 manifests"),
        (with_manifests(&plain, &[&huge]), "at most 262144"),
        (
            with_manifests(
                &plain.replacen("(component", "(component (component (@custom \"tollgate:manifest\" \"x\"))", 1),
                &[],
            ),
            "belongs to a part of the component",
        ),
    ];
    for (bytes, part) in cases {
        let reasons = reasons(bytes);
        assert!(reasons.len() == 1 && reasons[0].contains(part), "{part}: {reasons:?}");
    }
    let mut bytes = wat::parse_str(&plain).unwrap();
    CustomSection { name: "tollgate:manifest".into(), data: (&[0xff, 0xfe][..]).into() }
        .append_to_component(&mut bytes);
    assert!(reasons(&bytes)[0].contains("utf-8"));
}

/// A component that would start with more than a call may have is refused before it is compiled.
#[test]
fn greedy_components_are_refused() {
    let cases = [
        ("(component (core module (memory 1025)))", "67174400 bytes of memory"),
        ("(component (core module (table 20001 funcref)))", "a table of 20001 elements"),
        (&format!("(component {})", "(core module)".repeat(64)), "65 parts"),
        ("(component (core module (memory i64 1)))", "not a valid component"),
    ];
    for (text, part) in cases {
        let reasons = reasons(&wat::parse_str(text).unwrap());
        assert!(reasons.len() == 1 && reasons[0].contains(part), "{part}: {reasons:?}");
    }
}

/// PLT-01: a plugin's whole power must be visible before it is loaded: the probe imports all of the contract and
/// nothing else, a transform that is built with the SDK only what it calls, which is the log for a panic's last words.
#[tokio::test]
async fn the_power_of_a_plugin_is_listed() {
    let probe = plugin("probe").await;
    let expected = ["clock", "config", "http", "limits", "log", "random", "types"];
    assert_eq!(probe.imports(), expected.map(|name| format!("tollgate:plugin/{name}@0.1.0")));
    let expected = ["lookup", "setup", "source", "target"];
    assert_eq!(probe.exports(), expected.map(|name| format!("tollgate:plugin/{name}@0.1.0")));
    assert_eq!(plugin("map").await.imports(), ["tollgate:plugin/log@0.1.0", "tollgate:plugin/types@0.1.0"]);
}

/// Right names with wrong types pass admission, which reads names; loading must refuse them and say what differs.
#[tokio::test]
async fn wrong_types_are_refused_when_loaded() {
    let no_function = text(&[], &[SETUP]);
    let wrong_import = format!(
        "(component (import \"{HTTP}\" (instance (export \"send\" (func)))) (instance $e) (export \"{SETUP}\" (instance $e)))"
    );
    let unknown_function = wrong_import.replace("\"send\"", "\"connect\"");
    let wrong_export = format!(
        "(component (core module $m (func (export \"f\"))) (core instance $m (instantiate $m))
           (func $f (canon lift (core func $m \"f\")))
           (instance $e (export \"check\" (func $f)) (export \"discover\" (func $f)))
           (export \"{SETUP}\" (instance $e)))"
    );
    let cases: &[(&str, &[&str], &str)] = &[
        (&no_function, &[], "export `setup` has no function `check`"),
        (&wrong_import, &["http"], "send"),
        (&unknown_function, &["http"], "connect"),
        (&wrong_export, &[], "export `setup.check`"),
    ];
    for (text, capabilities, part) in cases {
        let admitted = admit(&with_manifests(text, &[&manifest(&["setup"], capabilities)])).unwrap();
        match sandbox().load(admitted).await {
            Err(Error::Contract { reason, .. }) => assert!(reason.contains(part), "{part}: {reason}"),
            other => panic!("{part}: {other:?}"),
        }
    }
}

/// A core module with a foreign import must not become a component: the encoder names the import.
#[test]
fn foreign_core_imports_are_named() {
    let module = wat::parse_str("(module (import \"env\" \"clock_gettime\" (func)))").unwrap();
    let error = pack::encode(&module, "").unwrap_err().to_string();
    assert!(error.contains("`clock_gettime` of `env`") && error.contains("the SDK's clock"), "{error}");
}
