//! From an author's traits to exported interfaces.

use crate::bindings::{lookup, setup, source, target, transform};
use crate::{
    Account, Change, Condition, Connector, Intent, Lookup, Outcome, Page, ReadRequest, Result, Source, Stream, Target,
    Ticket, Transform, Violation,
};
use std::marker::PhantomData;

/// Carries a plugin's traits over to the generated ones. Made by [`export!`](crate::export!) only.
#[derive(Debug)]
pub struct Exported<P>(PhantomData<P>);

impl<P: Connector> setup::exports::tollgate::plugin::setup::Guest for Exported<P> {
    fn check() -> Result<Account> {
        start();
        P::check()
    }
    fn discover() -> Result<Vec<Stream>> {
        start();
        P::discover()
    }
}

impl<P: Source> source::exports::tollgate::plugin::source::Guest for Exported<P> {
    fn read(request: ReadRequest) -> Result<Page> {
        start();
        P::read(request)
    }
}

impl<P: Target> target::exports::tollgate::plugin::target::Guest for Exported<P> {
    fn write(stream: String, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        start();
        P::write(stream, intents)
    }
    fn settle(stream: String, tickets: Vec<Ticket>) -> Result<Vec<Outcome>> {
        start();
        P::settle(stream, tickets)
    }
}

impl<P: Lookup> lookup::exports::tollgate::plugin::lookup::Guest for Exported<P> {
    fn fetch(stream: String, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        start();
        P::fetch(stream, keys)
    }
    fn search(stream: String, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        start();
        P::search(stream, only, most)
    }
}

impl<P: Transform> transform::exports::tollgate::plugin::transform::Guest for Exported<P> {
    fn apply(changes: Vec<Change>) -> Result<Vec<std::result::Result<Vec<Change>, Violation>>> {
        start();
        P::apply(changes)
    }
}

/// Makes a panic speak: without it a trap says only "unreachable".
fn start() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| crate::log::error(panic)));
}

/// Exports a type as this crate's plugin: `export!(Acme: source, target, lookup)` for a connector, whose `setup` is
/// exported always, and `export!(Clean: transform)` for a transform. Only what is named is exported and must be
/// implemented. Natively it checks the traits and exports nothing, so that tests can link.
#[macro_export]
macro_rules! export {
    ($plugin:ident : transform) => {
        $crate::export!(@each $plugin [transform Transform]);
    };
    ($plugin:ident $(: $($interface:ident),+)?) => {
        $crate::export!(@each $plugin [setup Connector]);
        $($($crate::export!(@one $plugin $interface);)+)?
    };
    (@one $plugin:ident source) => { $crate::export!(@each $plugin [source Source]); };
    (@one $plugin:ident target) => { $crate::export!(@each $plugin [target Target]); };
    (@one $plugin:ident lookup) => { $crate::export!(@each $plugin [lookup Lookup]); };
    (@each $plugin:ident [$interface:ident $trait:ident]) => {
        const _: () = {
            const fn is_implemented<T: $crate::$trait>() {}
            is_implemented::<$plugin>();
        };
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Plugin = $crate::Exported<$plugin>;
            $crate::bindings::$interface::export!(Plugin with_types_in $crate::bindings::$interface);
        };
    };
}
