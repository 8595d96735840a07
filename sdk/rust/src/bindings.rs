//! The contract as Rust: generated from `wit/`, never written by hand.
//!
//! One world for all imports, and one world for each interface that a plugin may export: a component must define every
//! export of its world, and a plugin exports only what it can do. All worlds share the types of the first one. Imports
//! that nothing calls are dropped when the component is encoded.
#![allow(unsafe_code, reason = "the generated code crosses the boundary with raw pointers, in guests only")]
#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the documents stand in `wit/`")]

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package tollgate:sdk;

        world imports {
            import tollgate:plugin/types@0.1.0;
            import tollgate:plugin/http@0.1.0;
            import tollgate:plugin/files@0.1.0;
            import tollgate:plugin/clock@0.1.0;
            import tollgate:plugin/random@0.1.0;
            import tollgate:plugin/limits@0.1.0;
            import tollgate:plugin/config@0.1.0;
            import tollgate:plugin/log@0.1.0;
        }
    ",
    generate_all,
    generate_unused_types: true,
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
});

macro_rules! exported {
    ($($interface:ident, $world:literal);+ $(;)?) => {$(
        pub mod $interface {
            wit_bindgen::generate!({
                path: "../../wit",
                inline: $world,
                with: { "tollgate:plugin/types@0.1.0": crate::bindings::tollgate::plugin::types },
                generate_unused_types: true,
                additional_derives: [PartialEq, Eq],
                pub_export_macro: true,
                export_macro_name: "export",
            });
        }
    )+};
}

exported! {
    setup, "package tollgate:sdk-setup; world setup { export tollgate:plugin/setup@0.1.0; }";
    source, "package tollgate:sdk-source; world source { export tollgate:plugin/source@0.1.0; }";
    target, "package tollgate:sdk-target; world target { export tollgate:plugin/target@0.1.0; }";
    lookup, "package tollgate:sdk-lookup; world lookup { export tollgate:plugin/lookup@0.1.0; }";
    transform, "package tollgate:sdk-transform; world transform { export tollgate:plugin/transform@0.1.0; }";
}
