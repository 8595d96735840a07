//! The engine profile: which WebAssembly a guest may use and what the pool holds. One function, so that a reviewer
//! reads one page.
//!
//! The features are an allow-list: a proposal that wasmtime learns tomorrow stays off until it is named here. What
//! stands here is what compilers emit by default for `wasm32-unknown-unknown`. Everything that brought advisories and
//! no connector needs is off: garbage collection, exceptions, threads, shared and 64-bit memories, SIMD, stack
//! switching, and the asynchronous half of the component model. (The cargo features `gc` and `threads` are compiled
//! all the same, because builds without them abort on some inputs.)
//!
//! Decisions:
//! - 4 GiB stay reserved for each memory: a smaller reservation costs a guest 21-28 % in bounds checks (measured).
//!   Real memory is bounded by the pool and by each call's limiter.
//! - NaN is canonical: a run is replayed bit by bit.
//! - No core dumps (not compiled in), no backtraces: a trap's text comes from the guest's own last words.

use tollgate_core::model::limits;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

/// How a guest that computes for too long is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Compiled code looks at a counter in every loop: a guest gives way every tick and ends when its CPU time is
    /// spent. Costs a guest 28-40 % of its speed (measured). For guests that run in this process.
    Epoch,
    /// Compiled code never looks up: whoever runs it must be able to kill its whole process. For workers.
    None,
}

/// The features of [`config`] for either version of `wasmparser` in the build: ours, which admission uses, and the
/// engine's own.
macro_rules! allowed {
    ($flags:ty) => {{
        type Flags = $flags;
        Flags::MUTABLE_GLOBAL
            | Flags::SATURATING_FLOAT_TO_INT
            | Flags::SIGN_EXTENSION
            | Flags::REFERENCE_TYPES
            | Flags::MULTI_VALUE
            | Flags::BULK_MEMORY
            | Flags::FLOATS
            | Flags::COMPONENT_MODEL
    }};
}

/// What admission lets pass.
pub(crate) fn features() -> wasmparser::WasmFeatures {
    allowed!(wasmparser::WasmFeatures)
}

/// The profile of the one engine of this process.
pub(crate) fn config(interruption: Interruption) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .wasm_features(wasmtime::WasmFeatures::all(), false)
        .wasm_features(allowed!(wasmtime::WasmFeatures), true)
        .shared_memory(false)
        .concurrency_support(false)
        .cranelift_nan_canonicalization(true)
        .epoch_interruption(interruption == Interruption::Epoch)
        .wasm_backtrace_max_frames(None)
        .memory_reservation(4 << 30)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    config
}

fn pool() -> PoolingAllocationConfig {
    let slots = limits::GUEST_INSTANCES_MAX;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .max_core_instances_per_component(limits::GUEST_CORE_INSTANCES_MAX)
        .total_core_instances(slots * limits::GUEST_CORE_INSTANCES_MAX)
        .max_memories_per_component(1)
        .total_memories(slots)
        .max_memory_size(limits::GUEST_MEMORY_BYTES_MAX)
        .linear_memory_keep_resident(limits::GUEST_KEEP_RESIDENT_BYTES)
        .max_unused_warm_slots(limits::GUEST_WARM_SLOTS_MAX)
        .max_tables_per_component(limits::GUEST_TABLES_MAX)
        .total_tables(slots * limits::GUEST_TABLES_MAX)
        .table_elements(limits::GUEST_TABLE_ELEMENTS_MAX)
        .total_stacks(slots)
        .total_gc_heaps(0);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Engine;
    use wasmtime::component::Component;

    /// One component per forbidden feature: (feature, text).
    const FORBIDDEN: &[(&str, &str)] = &[
        ("garbage collection", "(component (core module (type (struct (field i32)))))"),
        ("function references", "(component (core module (type $t (func)) (func (param (ref $t)))))"),
        ("external references", "(component (core module (func (param externref))))"),
        ("exceptions", "(component (core module (tag)))"),
        ("threads", "(component (core module (memory 1 1) (func (drop (i32.atomic.load (i32.const 0))))))"),
        ("shared memory", "(component (core module (memory 1 1 shared)))"),
        ("64-bit memory", "(component (core module (memory i64 1)))"),
        ("several memories", "(component (core module (memory 1) (memory 1)))"),
        ("SIMD", "(component (core module (func (result v128) (v128.const i64x2 0 0))))"),
        (
            "relaxed SIMD",
            "(component (core module (func (param v128 v128) (result v128)
                (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))))",
        ),
        ("tail calls", "(component (core module (func $f (return_call $f))))"),
        (
            "stack switching",
            "(component (core module (type $f (func)) (type $c (cont $f)) (func (param (ref null $c)))))",
        ),
        (
            "wide arithmetic",
            "(component (core module (func (param i64 i64) (result i64 i64)
            (i64.mul_wide_u (local.get 0) (local.get 1)))))",
        ),
        ("custom page sizes", "(component (core module (memory 1 (pagesize 1))))"),
        ("extended constants", "(component (core module (global i32 (i32.add (i32.const 1) (i32.const 1)))))"),
        ("component async", "(component (import \"f\" (func async)))"),
        ("streams", "(component (type (stream u8)))"),
        ("error contexts", "(component (core func (canon error-context.drop)))"),
        ("fixed-length lists", "(component (type (list u8 4)))"),
        ("maps", "(component (type (map string u8)))"),
    ];

    /// A component that uses any feature outside the allow-list must be refused, by the engine and by admission alike;
    /// each is offered a small component that uses exactly one, and a plain one that both take.
    #[test]
    fn forbidden_features_are_refused() {
        let engine = Engine::new(&config(Interruption::Epoch)).unwrap();
        let plain = wat::parse_str("(component (core module (memory 1) (func (result i32) (i32.const 1))))").unwrap();
        Component::new(&engine, &plain).unwrap();
        wasmparser::Validator::new_with_features(features()).validate_all(&plain).unwrap();

        for (feature, text) in FORBIDDEN {
            let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{feature}: {error}"));
            assert!(Component::new(&engine, &bytes).is_err(), "the engine took {feature}");
            let admitted = wasmparser::Validator::new_with_features(features()).validate_all(&bytes);
            assert!(admitted.is_err(), "admission took {feature}");
        }
    }

    /// A component that wants more than a slot holds must be refused when it is loaded; each asks for one step more
    /// than the limit, and its twin for exactly the limit.
    #[test]
    fn the_pool_is_bounded() {
        let pages = limits::GUEST_MEMORY_BYTES_MAX / 65_536;
        let (tables, instances) = (limits::GUEST_TABLES_MAX as usize, limits::GUEST_CORE_INSTANCES_MAX as usize);
        let memory =
            |pages: usize| format!("(component (core module $m (memory {pages})) (core instance (instantiate $m)))");
        let many = |item: &str, count: usize| {
            format!("(component (core module $m {item}) {})", "(core instance (instantiate $m))".repeat(count))
        };
        let cases = [
            ("memory", memory(pages), memory(pages + 1)),
            ("memories", many("(memory 1)", 1), many("(memory 1)", 2)),
            ("tables", many("(table 1 funcref)", tables), many("(table 1 funcref)", tables + 1)),
            ("instances", many("", instances), many("", instances + 1)),
        ];
        let engine = Engine::new(&config(Interruption::Epoch)).unwrap();
        for (what, within, beyond) in cases {
            Component::new(&engine, wat::parse_str(within).unwrap())
                .unwrap_or_else(|error| panic!("{what}: {error:#}"));
            assert!(Component::new(&engine, wat::parse_str(beyond).unwrap()).is_err(), "the pool took more {what}");
        }
    }
}
