//! Whether the exports of a plugin have the contract's types, checked once when it is loaded and before any of its
//! code runs. (The imports are checked by the linker.)

use crate::bindings::{lookup, setup, source, target, transform, types};
use crate::call::State;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentNamedList, InstancePre, Lift, Lower};

/// The names under which the interfaces are looked up; a plugin built against a later 0.1.x answers to them too.
const VERSION: &str = "0.1.0";

type Answer<T> = (Result<T, types::Failure>,);

/// What a plugin exports, ready to be called. Interfaces that it does not export are absent.
pub(crate) struct Exports {
    pub(crate) setup: Option<setup::GuestIndices>,
    pub(crate) source: Option<source::GuestIndices>,
    pub(crate) target: Option<target::GuestIndices>,
    pub(crate) lookup: Option<lookup::GuestIndices>,
    pub(crate) transform: Option<transform::GuestIndices>,
}

impl Exports {
    /// Looks up and checks every interface that `has` names.
    ///
    /// # Errors
    /// The first function that is missing or has another type.
    pub(crate) fn of(pre: &InstancePre<State>, has: impl Fn(&str) -> bool) -> wasmtime::Result<Self> {
        if has("setup") {
            check::<(), Answer<setup::Account>>(pre, "setup", "check")?;
            check::<(), Answer<Vec<types::Stream>>>(pre, "setup", "discover")?;
        }
        if has("source") {
            check::<(source::ReadRequest,), Answer<source::Page>>(pre, "source", "read")?;
        }
        if has("target") {
            check::<(String, Vec<target::Intent>), Answer<Vec<target::Outcome>>>(pre, "target", "write")?;
            check::<(String, Vec<target::Ticket>), Answer<Vec<target::Outcome>>>(pre, "target", "settle")?;
        }
        if has("lookup") {
            check::<(String, Vec<String>), Answer<Vec<Option<types::Change>>>>(pre, "lookup", "fetch")?;
            check::<(String, Vec<types::Condition>, u32), Answer<Vec<types::Change>>>(pre, "lookup", "search")?;
        }
        if has("transform") {
            type Applied = Vec<Result<Vec<types::Change>, types::Violation>>;
            check::<(Vec<types::Change>,), Answer<Applied>>(pre, "transform", "apply")?;
        }
        Ok(Self {
            setup: has("setup").then(|| setup::GuestIndices::new(pre)).transpose()?,
            source: has("source").then(|| source::GuestIndices::new(pre)).transpose()?,
            target: has("target").then(|| target::GuestIndices::new(pre)).transpose()?,
            lookup: has("lookup").then(|| lookup::GuestIndices::new(pre)).transpose()?,
            transform: has("transform").then(|| transform::GuestIndices::new(pre)).transpose()?,
        })
    }
}

fn check<Params, Return>(pre: &InstancePre<State>, interface: &str, function: &str) -> wasmtime::Result<()>
where
    Params: ComponentNamedList + Lower,
    Return: ComponentNamedList + Lift,
{
    let component = pre.component();
    let name = format!("tollgate:plugin/{interface}@{VERSION}");
    let found =
        component.get_export(None, &name).and_then(|(_, instance)| component.get_export(Some(&instance), function));
    match found {
        Some((ComponentItem::ComponentFunc(found), _)) => found
            .typecheck::<Params, Return>(&pre.instance_type())
            .map_err(|error| wasmtime::format_err!("export `{interface}.{function}`: {error:#}")),
        _ => Err(wasmtime::format_err!("export `{interface}` has no function `{function}`")),
    }
}
