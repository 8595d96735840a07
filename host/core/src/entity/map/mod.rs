//! An entity map: what one file says of an entity, verified.
//!
//! - this file: the data;
//! - `parse`: from YAML, all faults in one go;
//! - `field`, `life`: the parts of the file;
//! - `verify`: what must hold between the parts;
//! - `fit`: whether it fits the systems as they are now;
//! - `scope`: keys, kinds and suggestions.
//!
//! Invariant: every field has exactly one owner, and the owner has a place for it (SOR-01). The direction of a field
//! stands nowhere: it follows from the owner ([`crate::entity::plan`]).

mod field;
pub mod fit;
mod life;
mod parse;
mod scope;
mod verify;

use crate::entity::fault::Fault;
use crate::entity::kind::{Format, Type, Value};
use crate::entity::node::At;
use crate::entity::predicate::Predicate;
use crate::entity::rule::Rule;
use crate::model::{ConnectionName, EntityName, StreamName, SystemName, TableName};
use std::collections::BTreeMap;

/// One entity across all systems.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityMap {
    /// Its name.
    pub entity: EntityName,
    /// The systems that hold it.
    pub systems: BTreeMap<SystemName, System>,
    /// How its records are recognised.
    pub identity: Identity,
    /// Where records are born and what becomes of those that end.
    pub life: Life,
    /// Its fields, in the order of the file.
    pub fields: Vec<Field>,
    /// Its lists of lines.
    pub lines: Vec<Lines>,
    /// The file, for faults that are found later.
    pub(crate) file: String,
}

/// Where a system holds the entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The connection.
    pub connection: ConnectionName,
    /// The stream.
    pub stream: StreamName,
}

/// How records are recognised across systems.
#[derive(Clone, Debug, std::default::Default, PartialEq, Eq)]
pub struct Identity {
    /// The path, in each system, that holds our link.
    pub link: BTreeMap<SystemName, String>,
    /// Fields that find a counterpart; the first is the natural key.
    pub matching: Vec<String>,
    pub(crate) at: At,
}

/// Where records are born and what becomes of those that end.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// Where new ones are made; none if no system makes them for another.
    pub create: Option<Create>,
    /// What follows when the source deletes one.
    pub delete: Ending,
    /// What follows when the source merges two.
    pub merge: Ending,
}

/// Where a new record is born and where it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// The system in which it is born.
    pub from: SystemName,
    /// The systems in which it is made.
    pub within: Vec<SystemName>,
    /// What must hold for a new one, in the data of `from`.
    pub when: Option<Predicate>,
    /// Whether `from` gives the first value of every field, whoever owns it.
    pub is_initial: bool,
}

/// What follows when a record ends in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nothing: the counterpart stays as it is.
    Ignore,
    /// A person decides. What follows unless the file says otherwise.
    #[default]
    Hold,
}

/// One field of the entity.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in the map.
    pub name: String,
    /// The one system that is right about it.
    pub owner: SystemName,
    /// What it holds.
    pub kind: Kind,
    /// The table that translates it.
    pub table: Option<Translation>,
    /// What takes the place of a blank value.
    pub default: Option<Default>,
    /// What a blank value does, without a default.
    pub blank: Blank,
    /// Whether a record without it is refused.
    pub is_required: bool,
    /// What cleans the text first.
    pub rules: Vec<Rule>,
    /// Its place in each system.
    pub places: BTreeMap<SystemName, Place>,
    pub(crate) at: At,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value of its own.
    Value(Type),
    /// Another record.
    Reference(Refers),
}

/// Which record a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refers {
    /// The entity.
    pub entity: EntityName,
    /// The field of that entity whose value the source holds; none if it holds the key.
    pub by: Option<String>,
}

/// How a table translates a field. A text is translated from the owner's word to the mirror's (and back, for a first
/// value); for any other field the table only mends the source's text before the type reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The table.
    pub name: TableName,
    /// Whether a value without a row passes as it is.
    pub keeps_unlisted: bool,
}

/// What takes the place of a blank value; the write is flagged `defaulted:FIELD` (MAP-06).
#[derive(Clone, Debug, PartialEq)]
pub struct Default {
    /// The value, already read by the field's type.
    pub value: Value,
    /// Who is to look at records that got it.
    pub flag: Option<String>,
}

/// What a blank value does (MAP-04); a default is the fourth way.
#[derive(Clone, Copy, Debug, std::default::Default, PartialEq, Eq)]
pub enum Blank {
    /// The target keeps what it has.
    #[default]
    Keep,
    /// The target's value is cleared.
    Clear,
    /// The record is refused.
    Reject,
}

/// Where a field stands in a system, and how it is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Dotted path in the stream's data.
    pub path: String,
    /// How the system writes the value.
    pub format: Format,
}

/// A list of lines: they travel together and have one owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// Its name in the map.
    pub name: String,
    /// The one system that is right about them.
    pub owner: SystemName,
    /// The field that tells one line from another. It must name one; lists travel whole today, so that nothing else reads
    /// it.
    pub key: String,
    /// Whether a record without a line is refused.
    pub is_required: bool,
    /// The list's path in each system.
    pub paths: BTreeMap<SystemName, String>,
    /// The fields of a line; their owner is the owner of the list.
    pub each: Vec<Field>,
    pub(crate) at: At,
}

impl EntityMap {
    /// Reads and verifies a map. `file` is named in faults.
    ///
    /// # Errors
    /// All faults that can be found at once; only the first if the text is no YAML.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Fault>> {
        parse::parse(file, text)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether a field of it, or of its lines, names a record of that entity.
    pub fn refers_to(&self, entity: &EntityName) -> bool {
        let mut fields = self.fields.iter().chain(self.lines.iter().flat_map(|lines| &lines.each));
        fields.any(|field| matches!(&field.kind, Kind::Reference(refers) if refers.entity == *entity))
    }

    /// A fault of this file, found after it was read.
    pub(crate) fn fault(&self, at: At, message: String) -> Fault {
        Fault { file: self.file.clone(), line: at.line, column: at.column, message }
    }
}
