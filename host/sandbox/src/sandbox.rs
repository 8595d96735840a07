//! The sandbox: the engine, its compile cache and its slots. Loads what admission let pass.

use crate::admission::Admitted;
use crate::cache::Cache;
use crate::call::State;
use crate::contract::Exports;
use crate::error::Error;
use crate::meter::Ticks;
use crate::offers;
use crate::plugin::{Plugin, Runtime};
use crate::profile::{self, Interruption};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tollgate_core::model::{Digest, limits};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder for compiled code; made if absent, refused if others can write to it.
    pub cache_dir: PathBuf,
    /// How guests are stopped.
    pub interruption: Interruption,
}

/// Runs plugins. A process has one, because types of two engines must never meet; clones share it.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Runtime,
    linker: Linker<State>,
    cache: Cache,
}

impl Sandbox {
    /// Makes the engine and opens the compile cache.
    ///
    /// # Errors
    /// The platform cannot run guests (it must allow [`limits::GUEST_INSTANCES_MAX`] x 4 GiB of address space), or the
    /// cache folder cannot be used.
    pub fn new(options: Options) -> Result<Self, Error> {
        let failed = |error: wasmtime::Error| Error::Engine(format!("{error:#}"));
        let engine = Engine::new(&profile::config(options.interruption)).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        offers::add_to_linker(&mut linker).map_err(failed)?;
        let cache = Cache::open(&options.cache_dir, engine.precompile_compatibility_hash())?;
        let ticks = match options.interruption {
            Interruption::Epoch => Some(Ticks::start(&engine).map_err(Error::Ticks)?),
            Interruption::None => None,
        };
        let slots = Arc::new(Semaphore::new(limits::GUEST_INSTANCES_MAX as usize));
        Ok(Self { shared: Arc::new(Shared { runtime: Runtime { engine, ticks, slots }, linker, cache }) })
    }

    /// Compiles the component, or takes its code from the cache, on a thread for blocking work. Runs no guest code.
    ///
    /// # Errors
    /// The component cannot be compiled, needs more than a slot holds, or its imports or exports have other types than
    /// the contract says.
    pub async fn load(&self, admitted: Admitted) -> Result<Plugin, Error> {
        let (shared, plugin) = (self.shared.clone(), admitted.digest());
        guarded(plugin, move || shared.load(admitted)).await
    }

    /// Instances that run now.
    pub fn running(&self) -> u64 {
        self.shared.runtime.engine.pooling_allocator_metrics().map_or(0, |metrics| metrics.component_instances())
    }
}

/// Runs the work on a thread for blocking work. A component that makes the compiler panic is one that cannot be loaded:
/// the host goes on.
async fn guarded<T: Send + 'static>(
    plugin: Digest,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|ended| {
        let reason = if ended.is_panic() { "the compiler panicked" } else { "the host is shutting down" };
        Err(Error::Compile { plugin: plugin.to_string(), reason: reason.into() })
    })
}

impl Shared {
    fn load(&self, admitted: Admitted) -> Result<Plugin, Error> {
        let (component, is_cached) = self.component(&admitted)?;
        let contract = |error: wasmtime::Error| Error::Contract {
            plugin: admitted.digest().to_string(),
            reason: format!("{error:#}"),
        };
        let pre = self.linker.instantiate_pre(&component).map_err(contract)?;
        let exports = Exports::of(&pre, |interface| admitted.exports_interface(interface)).map_err(contract)?;
        Ok(Plugin::new(admitted, pre, exports, (self.runtime.clone(), is_cached)))
    }

    /// The compiled component, and whether it came from the cache.
    fn component(&self, admitted: &Admitted) -> Result<(Component, bool), Error> {
        let digest = admitted.digest();
        if let Some(component) = self.cache.get(&digest).and_then(|code| self.deserialize(&code).ok()) {
            return Ok((component, true));
        }
        let refused =
            |error: wasmtime::Error| Error::Compile { plugin: digest.to_string(), reason: format!("{error:#}") };
        let code = self.runtime.engine.precompile_component(admitted.bytes()).map_err(refused)?;
        let component = self.deserialize(&code).map_err(refused)?;
        if let Err(error) = self.cache.put(&digest, &code) {
            // The plugin runs all the same; it is compiled again at the next start.
            tracing::warn!(plugin = %digest, %error, "compiled code was not kept");
        }
        Ok((component, false))
    }

    #[expect(unsafe_code, reason = "native code is loaded; see the safety comment")]
    fn deserialize(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the code is this engine's own output: made right now, or stored by this host under an HMAC whose key
        // only this host can read, over the component's digest and the engine's fingerprint.
        unsafe { Component::deserialize(&self.runtime.engine, code) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A panic while a component is compiled is an error of that component, whoever's fault it is; what does not panic
    /// comes through.
    #[tokio::test]
    async fn a_panic_of_the_compiler_is_an_error() {
        let plugin = Digest::of(b"component");
        let error = guarded(plugin, || -> Result<(), Error> { panic!("provoked by a test") }).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{plugin} cannot be loaded: the compiler panicked"));
        assert_eq!(guarded(plugin, || Ok(7)).await.unwrap(), 7);
    }
}
