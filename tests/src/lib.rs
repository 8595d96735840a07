//! Simulators and harness: what tests, the demo and benchmarks share. Never shipped.

pub mod data;
pub mod database;
pub mod guests;
pub mod native;
pub mod postgres;
pub mod process;
pub mod sims;
pub mod tls;
pub mod world;

/// As in the product's binary: what is measured here is what runs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Shows what the host logs, on standard error: warnings, or what `TOLLGATE_LOG` asks for.
pub fn trace() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TOLLGATE_LOG").unwrap_or_else(|_| "warn".into());
    // A second call in one process changes nothing.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
