//! What a flow from one system to another does with an entity: which fields travel, by which places and formats.
//!
//! Direction is derived here and nowhere else (SOR-03): a field travels from its owner to every other system that has
//! a place for it, and never back (SOR-02). The one exception is birth: where the map says `initial`, the system of
//! birth gives the first value of every field that both sides have.
//!
//! A plan is made once per flow; [`Plan::read`] runs for every change.

use crate::entity::fault::Fault;
use crate::entity::kind::{Format, Type};
use crate::entity::map::{self, Blank, Ending, EntityMap, Field, Kind, Lines, Refers};
use crate::entity::node::At;
use crate::entity::predicate::Predicate;
use crate::entity::rule::Rule;
use crate::entity::yaml::unknown;
use crate::model::{ConnectionName, EntityName, StreamName, SystemName, TableName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a flow does with an entity. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) parts: Arc<Parts>,
}

/// A field that finds the counterpart of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchField {
    /// Its name in the map.
    pub field: String,
    /// Its path in the target.
    pub target_path: String,
}

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) entity: EntityName,
    pub(super) from: SystemName,
    pub(super) to: SystemName,
    source: (ConnectionName, StreamName),
    target: (ConnectionName, StreamName),
    pub(super) link: Option<String>,
    pub(super) creates: bool,
    pub(super) when: Option<Predicate>,
    pub(super) delete: Ending,
    pub(super) merge: Ending,
    /// Fields that travel, in the order of the map.
    pub(super) steps: Vec<Step>,
    /// Lists of lines that travel.
    pub(super) lists: Vec<List>,
    /// All places of the source, by field name: what a record's state is made of.
    pub(super) watched: Vec<Watched>,
    /// Match fields that the source has, the natural key first.
    pub(super) matches: Vec<Match>,
    source_paths: Vec<String>,
}

/// How one field travels.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) target_format: Format,
    pub(super) reads: Reads,
    pub(super) table: Option<Lookup>,
    pub(super) default: Option<map::Default>,
    pub(super) blank: Blank,
    pub(super) is_required: bool,
    pub(super) rules: Vec<Rule>,
    /// Travels with every change, not only at birth.
    pub(super) is_owned: bool,
}

/// What a source text is read as.
#[derive(Debug)]
pub(super) enum Reads {
    Value(Type, Format),
    Key(EntityName),
    Natural(EntityName, Natural),
}

impl Reads {
    /// The rule that a value breaks which cannot be read at all.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Reads::Value(of, _) => of.name(),
            Reads::Key(_) | Reads::Natural(..) => "reference",
        }
    }
}

/// How the natural key of another entity is read, so that it is the same text there and here.
#[derive(Debug)]
pub(super) struct Natural {
    pub(super) field: String,
    pub(super) of: Type,
    pub(super) format: Format,
    pub(super) rules: Vec<Rule>,
}

/// How a table is read.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) table: TableName,
    pub(super) keeps_unlisted: bool,
    pub(super) way: Way,
}

/// Which way a table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the owner's word to the mirror's.
    Forward,
    /// From a mirror's word to the owner's.
    Backward,
    /// From one mirror to another: both say the same word.
    Same,
}

/// How a list of lines travels.
#[derive(Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) is_required: bool,
    pub(super) is_owned: bool,
    pub(super) each: Vec<Step>,
}

/// A place of the source that belongs to a record's state.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) path: String,
    /// For a list: the fields of a line, by name.
    pub(super) each: Option<Vec<(String, String)>>,
}

/// A match field as the source has it.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) field: String,
    pub(super) is_natural: bool,
    pub(super) source: String,
    pub(super) of: Type,
    pub(super) format: Format,
    pub(super) rules: Vec<Rule>,
    /// Path and format in the target, if it has a place.
    pub(super) target: Option<(String, Format)>,
}

impl EntityMap {
    /// What a flow between two systems does. `maps`: all maps, for references.
    ///
    /// # Errors
    /// A system or an entity is not known, a reference is not by the natural key, or nothing travels this way.
    pub fn plan(
        &self,
        from: &SystemName,
        to: &SystemName,
        maps: &BTreeMap<EntityName, EntityMap>,
    ) -> Result<Plan, Fault> {
        Planner { map: self, from, to, maps }.plan()
    }
}

struct Planner<'a> {
    map: &'a EntityMap,
    from: &'a SystemName,
    to: &'a SystemName,
    maps: &'a BTreeMap<EntityName, EntityMap>,
}

const TOP: At = At { line: 1, column: 1 };

impl Planner<'_> {
    fn plan(&self) -> Result<Plan, Fault> {
        let place = |name: &SystemName| match self.map.systems.get(name) {
            Some(system) => Ok((system.connection.clone(), system.stream.clone())),
            None => {
                let names: Vec<_> = self.map.systems.keys().map(SystemName::as_str).collect();
                Err(self
                    .map
                    .fault(TOP, format!("entity `{}`: {}", self.map.entity, unknown("system", name.as_str(), &names))))
            }
        };
        let (source, target) = (place(self.from)?, place(self.to)?);
        let create =
            self.map.life.create.as_ref().filter(|create| create.from == *self.from && create.within.contains(self.to));
        let is_initial = create.is_some_and(|create| create.is_initial);
        let (steps, lists) = (self.steps(is_initial)?, self.lists(is_initial)?);
        if self.from == self.to || (steps.is_empty() && lists.is_empty()) {
            let message = format!(
                "entity `{}`: nothing travels from `{}` to `{}`; a field travels from its owner to systems that have a \
                 path for it",
                self.map.entity, self.from, self.to
            );
            return Err(self.map.fault(TOP, message));
        }
        let when = create.and_then(|create| create.when.clone());
        let watched = self.watched();
        let parts = Parts {
            entity: self.map.entity.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            source,
            target,
            link: self.map.identity.link.get(self.to).cloned(),
            creates: create.is_some(),
            delete: self.map.life.delete,
            merge: self.map.life.merge,
            steps,
            lists,
            matches: self.matches(),
            source_paths: source_paths(&watched, when.as_ref()),
            watched,
            when,
        };
        Ok(Plan { parts: Arc::new(parts) })
    }

    fn steps(&self, is_initial: bool) -> Result<Vec<Step>, Fault> {
        let fields = self.map.fields.iter().filter(|field| is_initial || field.owner == *self.from);
        fields.filter_map(|field| self.step(field).transpose()).collect()
    }

    fn lists(&self, is_initial: bool) -> Result<Vec<List>, Fault> {
        let lists = self.map.lines.iter().filter(|lines| is_initial || lines.owner == *self.from);
        lists.filter_map(|lines| self.list(lines).transpose()).collect()
    }

    fn list(&self, lines: &Lines) -> Result<Option<List>, Fault> {
        let (Some(source), Some(target)) = (lines.paths.get(self.from), lines.paths.get(self.to)) else {
            return Ok(None);
        };
        let each = lines.each.iter().filter_map(|field| self.step(field).transpose()).collect::<Result<_, _>>()?;
        Ok(Some(List {
            name: lines.name.clone(),
            source: source.clone(),
            target: target.clone(),
            is_required: lines.is_required,
            is_owned: lines.owner == *self.from,
            each,
        }))
    }

    /// How the field travels; `None` if it has no place on one side.
    fn step(&self, field: &Field) -> Result<Option<Step>, Fault> {
        let (Some(source), Some(target)) = (field.places.get(self.from), field.places.get(self.to)) else {
            return Ok(None);
        };
        let is_owned = field.owner == *self.from;
        let reads = match &field.kind {
            Kind::Value(of) => Reads::Value(*of, source.format),
            Kind::Reference(refers) => self.reference(field, refers)?,
        };
        let table = field.table.as_ref().map(|table| Lookup {
            table: table.name.clone(),
            keeps_unlisted: table.keeps_unlisted,
            way: self.way(field),
        });
        Ok(Some(Step {
            name: field.name.clone(),
            source: source.path.clone(),
            target: target.path.clone(),
            target_format: target.format,
            reads,
            table,
            default: field.default.clone(),
            blank: field.blank,
            is_required: field.is_required,
            rules: field.rules.clone(),
            is_owned,
        }))
    }

    /// A text is translated between the owner's words and the mirrors'; for any other field the table mends the source's text.
    fn way(&self, field: &Field) -> Way {
        match field.kind {
            Kind::Value(Type::Text) if field.owner == *self.to => Way::Backward,
            Kind::Value(Type::Text) if field.owner != *self.from => Way::Same,
            _ => Way::Forward,
        }
    }

    fn reference(&self, field: &Field, refers: &Refers) -> Result<Reads, Fault> {
        let fault = |why: String| self.map.fault(field.at, format!("field `{}`: {why}", field.name));
        let entity = &refers.entity;
        let other = if *entity == self.map.entity { Some(self.map) } else { self.maps.get(entity) };
        let Some(other) = other else {
            let names: Vec<_> = self.maps.keys().map(EntityName::as_str).collect();
            return Err(fault(unknown("entity", entity.as_str(), &names)));
        };
        for system in [self.from, self.to] {
            if !other.systems.contains_key(system) {
                return Err(fault(format!(
                    "entity `{entity}` is not held by `{system}`, so no reference to it can be resolved there"
                )));
            }
        }
        let Some(by) = &refers.by else { return Ok(Reads::Key(entity.clone())) };
        // The identity table remembers one natural key per record, so no other field can find it.
        let natural = other.identity.matching.first();
        let Some(found) = natural.filter(|natural| *natural == by).and_then(|natural| other.field(natural)) else {
            let natural = natural.map_or_else(|| "has none".to_owned(), |natural| format!("is `{natural}`"));
            return Err(fault(format!(
                "`by: {by}` is not the natural key of `{entity}`, which {natural} (first of `identity.match`)"
            )));
        };
        let of = match &found.kind {
            Kind::Value(of) => *of,
            Kind::Reference(_) => Type::Text,
        };
        let format =
            found.places.get(self.from).map(|place| place.format).or(of.format_default()).unwrap_or(Format::Name);
        Ok(Reads::Natural(entity.clone(), Natural { field: by.clone(), of, format, rules: found.rules.clone() }))
    }

    fn watched(&self) -> Vec<Watched> {
        let path = |field: &Field| Some((field.name.clone(), field.places.get(self.from)?.path.clone()));
        let fields = self.map.fields.iter().filter_map(path).map(|(name, path)| Watched { name, path, each: None });
        let lists = self.map.lines.iter().filter_map(|lines| {
            let mut each: Vec<_> = lines.each.iter().filter_map(path).collect();
            each.sort_unstable();
            Some(Watched { name: lines.name.clone(), path: lines.paths.get(self.from)?.clone(), each: Some(each) })
        });
        let mut watched: Vec<_> = fields.chain(lists).collect();
        watched.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        watched
    }

    fn matches(&self) -> Vec<Match> {
        let matching = self.map.identity.matching.iter().enumerate();
        matching
            .filter_map(|(index, name)| {
                let field = self.map.field(name)?;
                let Kind::Value(of) = field.kind else { return None };
                let source = field.places.get(self.from)?;
                Some(Match {
                    field: name.clone(),
                    is_natural: index == 0,
                    source: source.path.clone(),
                    of,
                    format: source.format,
                    rules: field.rules.clone(),
                    target: field.places.get(self.to).map(|place| (place.path.clone(), place.format)),
                })
            })
            .collect()
    }
}

/// All paths to ask for, each once; `lines[].path` for a field of a line, as streams describe them.
fn source_paths(watched: &[Watched], when: Option<&Predicate>) -> Vec<String> {
    let mut paths = Vec::new();
    for watched in watched {
        match &watched.each {
            None => paths.push(watched.path.clone()),
            Some(each) => paths.extend(each.iter().map(|(_, path)| format!("{}[].{path}", watched.path))),
        }
    }
    paths.extend(when.into_iter().flat_map(Predicate::paths).map(str::to_owned));
    paths.sort_unstable();
    paths.dedup();
    paths
}

impl Plan {
    /// The entity.
    pub fn entity(&self) -> &EntityName {
        &self.parts.entity
    }

    /// The system that is read.
    pub fn from(&self) -> &SystemName {
        &self.parts.from
    }

    /// The system that is written.
    pub fn to(&self) -> &SystemName {
        &self.parts.to
    }

    /// The connection that is read.
    pub fn source_connection(&self) -> &ConnectionName {
        &self.parts.source.0
    }

    /// The stream that is read.
    pub fn source_stream(&self) -> &StreamName {
        &self.parts.source.1
    }

    /// The connection that is written.
    pub fn target_connection(&self) -> &ConnectionName {
        &self.parts.target.0
    }

    /// The stream that is written.
    pub fn target_stream(&self) -> &StreamName {
        &self.parts.target.1
    }

    /// The path in the target that holds our link.
    pub fn target_link(&self) -> Option<&str> {
        self.parts.link.as_deref()
    }

    /// Whether this direction makes new records in the target.
    pub fn creates(&self) -> bool {
        self.parts.creates
    }

    /// The paths to ask the source for, sorted: all mapped fields and what the predicate reads.
    pub fn source_paths(&self) -> Vec<String> {
        self.parts.source_paths.clone()
    }

    /// The fields that find a counterpart, which both sides have; the natural key first.
    pub fn match_fields(&self) -> Vec<MatchField> {
        let target = |field: &Match| {
            Some(MatchField { field: field.field.clone(), target_path: field.target.as_ref()?.0.clone() })
        };
        self.parts.matches.iter().filter_map(target).collect()
    }

    /// The field that other records name this one by: the first match field, whether or not the target has it.
    pub fn natural_field(&self) -> Option<&str> {
        self.parts.matches.iter().find(|field| field.is_natural).map(|field| field.field.as_str())
    }

    /// The names of the fields and lists that travel with every change, then of those that travel only at birth.
    pub fn travelling(&self) -> (Vec<&str>, Vec<&str>) {
        let steps = self.parts.steps.iter().map(|step| (step.name.as_str(), step.is_owned));
        let lists = self.parts.lists.iter().map(|list| (list.name.as_str(), list.is_owned));
        let (owned, initial): (Vec<_>, Vec<_>) = steps.chain(lists).partition(|(_, is_owned)| *is_owned);
        (owned.into_iter().map(|(name, _)| name).collect(), initial.into_iter().map(|(name, _)| name).collect())
    }
}
