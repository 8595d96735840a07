//! The second step of a projection: with what was looked up, a draft becomes a verdict.

use crate::entity::need;
use crate::entity::plan::{List, Plan, Reads, Step};
use crate::entity::quote::quote;
use crate::entity::verdict::{By, Counterpart, Known, Projection, Reference, Skip, Stop, Verdict};
use crate::model::limits::VIOLATIONS_MAX;
use crate::model::{Action, ExternalId, Flag, Json, json};
use std::collections::BTreeSet;

/// A change that was read and waits for what must be looked up.
#[derive(Debug)]
pub struct Draft {
    plan: Plan,
    key: String,
    /// The record ended: the stop if a person decides, none if nothing follows.
    pub(super) ending: Option<Option<Stop>>,
    pub(super) malformed: Option<Stop>,
    pub(super) undecided: Option<Stop>,
    /// The predicate is undecided, and the partial change does not say all that it reads.
    pub(super) is_unsaid: bool,
    /// It says nothing of what the predicate reads: what held before still holds.
    pub(super) keeps_match: bool,
    /// Its natural key cannot be remembered.
    pub(super) unnamed: Option<Stop>,
    pub(super) is_matched: bool,
    pub(super) state: State,
    pub(super) natural: Option<String>,
    pub(super) match_values: Vec<(String, Json)>,
    pub(super) references: Vec<Reference>,
    /// One for each step of the plan.
    pub(super) cells: Vec<Cell>,
    /// One for each list of the plan.
    pub(super) rows: Vec<Rows>,
}

/// What became of one field.
#[derive(Debug)]
pub(super) enum Cell {
    /// Nothing is sent: the target keeps what it has.
    Keep,
    /// An update clears it.
    Clear,
    Ready(Json),
    Defaulted(Json),
    /// A key that must be looked up.
    Pending {
        reference: usize,
        table_need: Option<String>,
    },
    Stopped(Stop),
    /// A partial change does not say; stops only a creation.
    Unknown(Stop),
}

/// What became of a list of lines.
#[derive(Debug)]
pub(super) enum Rows {
    Keep,
    Ready(Vec<Vec<Cell>>),
    Stopped(Stop),
    /// As [`Cell::Unknown`].
    Unknown(Stop),
}

#[derive(Debug)]
pub(super) enum State {
    Whole(String),
    Partial(Vec<(String, Option<Json>)>),
}

/// Which of its two forms a record is gathered in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// What a creation carries: first values too, nothing to clear.
    Birth,
    /// What an update carries.
    Update,
    /// What an update would carry, to hash it; the values stay for the birth.
    Preview,
}

/// What is gathered on the way to a verdict.
struct Gathered<'a> {
    plan: &'a Plan,
    references: &'a [Reference],
    resolved: &'a [Option<String>],
    form: Form,
    data: Json,
    flags: Vec<Flag>,
    refused: Stops,
    held: Stops,
}

/// Stops, of which only so many are listed; of the rest, only their number and what would mend them is kept.
#[derive(Default)]
struct Stops {
    listed: Vec<Stop>,
    more: usize,
    needs: BTreeSet<String>,
}

impl Stops {
    /// Adds the stop at its place; builds only what is listed.
    fn push(&mut self, stop: &Stop, line: Option<(&str, usize)>) {
        if self.listed.len() < VIOLATIONS_MAX {
            return self.listed.push(placed(stop.clone(), line));
        }
        self.more += 1;
        self.needs.extend(stop.needs.iter().cloned());
    }

    fn append(&mut self, other: Stops) {
        other.listed.iter().for_each(|stop| self.push(stop, None));
        self.more += other.more;
        self.needs.extend(other.needs);
    }

    /// At most [`VIOLATIONS_MAX`]; the last one then stands for the rest, with all that they need.
    fn finish(mut self) -> Vec<Stop> {
        if self.more > 0
            && let Some(last) = self.listed.pop()
        {
            self.needs.extend(last.needs);
            let message = format!("{} more reasons are not listed; mend these first", self.more + 1);
            let needs = self.needs.into_iter().collect();
            self.listed.push(Stop { field: String::new(), rule: "more".into(), message, needs });
        }
        self.listed
    }
}

impl Draft {
    pub(super) fn new(plan: Plan, key: String) -> Self {
        Self {
            plan,
            key,
            ending: None,
            malformed: None,
            undecided: None,
            is_unsaid: false,
            keeps_match: false,
            unnamed: None,
            is_matched: false,
            state: State::Partial(Vec::new()),
            natural: None,
            match_values: Vec::new(),
            references: Vec::new(),
            cells: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The records that must be looked up, in the order of the fields; one record may stand here twice.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The canonical value of the natural key.
    pub fn natural(&self) -> Option<&str> {
        self.natural.as_deref()
    }

    /// What finds the counterpart in the target: paths and values there, the natural key first.
    pub fn match_values(&self) -> &[(String, Json)] {
        &self.match_values
    }

    /// Whether this direction may make the record in the target: without a counterpart, nothing else is written.
    pub fn is_matched(&self) -> bool {
        self.is_matched
    }

    /// Decides. `resolve`: the key in the target system of a record that [`Self::references`] named.
    pub fn finish(
        mut self,
        known: Option<&Known<'_>>,
        counterpart: Option<&Counterpart<'_>>,
        resolve: &dyn Fn(&Reference) -> Option<String>,
    ) -> Projection {
        let state = self.state_now(known);
        self.match_as_known(known);
        let (natural, is_matched) = (self.natural.take(), self.is_matched);
        let verdict = self.verdict(known, counterpart, resolve);
        Projection { state, natural, is_matched, verdict }
    }

    /// Where a partial change does not say what the predicate reads, what is known of the record does. One that held stays:
    /// what the change says of it did not decide against it. One that did not hold is only known not to hold now if the
    /// change says nothing of it at all; otherwise it may have become true, which is a person's to see.
    fn match_as_known(&mut self, known: Option<&Known<'_>>) {
        if let Some(known) = known
            && self.is_unsaid
            && (known.is_matched || self.keeps_match)
        {
            self.is_matched = known.is_matched;
            self.undecided = None;
        }
    }

    /// A partial change is laid over what was known; what cannot be read changes nothing that is known.
    fn state_now(&mut self, known: Option<&Known<'_>>) -> String {
        match std::mem::replace(&mut self.state, State::Partial(Vec::new())) {
            State::Whole(text) => text,
            State::Partial(said) => {
                let known = known.and_then(|known| serde_json::from_str(known.state).ok());
                let mut members = match known {
                    Some(Json::Object(members)) => members,
                    _ => serde_json::Map::new(),
                };
                for (name, value) in said {
                    match value {
                        Some(value) => members.insert(name, value),
                        None => members.remove(&name),
                    };
                }
                json::canonical(&Json::Object(members))
            }
        }
    }

    fn verdict(
        self,
        known: Option<&Known<'_>>,
        counterpart: Option<&Counterpart<'_>>,
        resolve: &dyn Fn(&Reference) -> Option<String>,
    ) -> Verdict {
        if let Some(ending) = self.ending {
            // A record that was never made in the target, nor was about to be, leaves nothing to decide.
            let matters = counterpart.is_some() || known.is_some_and(|known| known.is_matched);
            return match ending {
                Some(stop) if matters => Verdict::Held(vec![stop]),
                _ => Verdict::Skipped(Skip::Predicate),
            };
        }
        if let Some(stop) = self.malformed {
            return Verdict::Refused(vec![stop]);
        }
        if counterpart.is_none() && !self.is_matched && self.undecided.is_none() {
            return Verdict::Skipped(Skip::Predicate);
        }
        let resolved: Vec<_> = self.references.iter().map(resolve).collect();
        match counterpart {
            Some(counterpart) => self.update(counterpart, &resolved),
            None => self.create(&resolved),
        }
    }

    fn update(mut self, counterpart: &Counterpart<'_>, resolved: &[Option<String>]) -> Verdict {
        let gathered = self.gather(resolved, Form::Update);
        if let Some(stopped) = stopped(gathered.refused, gathered.held) {
            return stopped;
        }
        let hash = json::hash(&gathered.data);
        let is_empty = gathered.data.as_object().is_none_or(serde_json::Map::is_empty);
        if is_empty || hash == counterpart.hash {
            return Verdict::Unchanged;
        }
        Verdict::Write {
            action: Action::Update,
            key: Some(counterpart.key.to_owned()),
            external_id: None,
            data: gathered.data,
            hash,
            flags: gathered.flags,
        }
    }

    fn create(mut self, resolved: &[Option<String>]) -> Verdict {
        let preview = self.has_birth_form().then(|| json::hash(&self.gather(resolved, Form::Preview).data));
        let undecided = self.undecided.take();
        let mut gathered = self.gather(resolved, Form::Birth);
        undecided.iter().for_each(|stop| gathered.refused.push(stop, None));
        if let Some(stopped) = stopped(gathered.refused, gathered.held) {
            return stopped;
        }
        let (data, flags) = (gathered.data, gathered.flags);
        let hash = preview.unwrap_or_else(|| json::hash(&data));
        let external_id = self.plan.target_link().map(|field| ExternalId { field: field.to_owned(), value: self.key });
        let action = if external_id.is_some() { Action::Upsert } else { Action::Create };
        Verdict::Write { action, key: None, external_id, data, hash, flags }
    }

    /// Whether a creation carries other data than an update of the same record would.
    fn has_birth_form(&self) -> bool {
        let parts = &self.plan.parts;
        parts.steps.iter().any(|step| !step.is_owned)
            || parts.lists.iter().any(|list| !list.is_owned)
            || self.cells.iter().any(|cell| matches!(cell, Cell::Clear))
    }

    fn gather<'r>(&'r mut self, resolved: &'r [Option<String>], form: Form) -> Gathered<'r> {
        let mut gathered = Gathered {
            plan: &self.plan,
            references: &self.references,
            resolved,
            form,
            data: Json::Object(serde_json::Map::new()),
            flags: Vec::new(),
            refused: Stops::default(),
            held: Stops::default(),
        };
        let parts = &self.plan.parts;
        for (step, cell) in parts.steps.iter().zip(&mut self.cells) {
            if (form == Form::Birth || step.is_owned)
                && let Some(value) = gathered.cell(step, cell, None)
            {
                json::set(&mut gathered.data, &step.target, value);
            }
        }
        for (list, rows) in parts.lists.iter().zip(&mut self.rows) {
            if form == Form::Birth || list.is_owned {
                gathered.list(list, rows);
            }
        }
        if let Some(unnamed) = &self.unnamed
            // Where the field travels, it has said so already.
            && !gathered.refused.listed.iter().any(|stop| stop.field == unnamed.field)
        {
            gathered.refused.push(unnamed, None);
        }
        gathered
    }
}

impl Gathered<'_> {
    fn list(&mut self, list: &List, rows: &mut Rows) {
        match rows {
            Rows::Keep => {}
            Rows::Stopped(stop) => self.refused.push(stop, None),
            Rows::Unknown(stop) if self.form == Form::Birth => self.refused.push(stop, None),
            Rows::Unknown(_) => {}
            Rows::Ready(rows) => {
                let lines =
                    rows.iter_mut().enumerate().map(|(index, row)| self.line(&list.each, row, (&list.name, index)));
                let lines = Json::Array(lines.collect());
                json::set(&mut self.data, &list.target, lines);
            }
        }
    }

    fn line(&mut self, each: &[Step], row: &mut [Cell], at: (&str, usize)) -> Json {
        let mut line = Json::Object(serde_json::Map::new());
        for (step, cell) in each.iter().zip(row) {
            if let Some(value) = self.cell(step, cell, Some(at)) {
                json::set(&mut line, &step.target, value);
            }
        }
        line
    }

    /// The value to send; stops and flags are noted.
    fn cell(&mut self, step: &Step, cell: &mut Cell, line: Option<(&str, usize)>) -> Option<Json> {
        match cell {
            Cell::Keep => None,
            Cell::Clear => (self.form != Form::Birth).then_some(Json::Null),
            Cell::Ready(value) => Some(self.take(value)),
            Cell::Defaulted(value) => {
                let whom = step.default.as_ref().and_then(|default| default.flag.clone());
                let flag = Flag { flag: format!("defaulted:{}", step.name), whom };
                if !self.flags.contains(&flag) {
                    self.flags.push(flag);
                }
                Some(self.take(value))
            }
            Cell::Stopped(stop) => {
                self.refused.push(stop, line);
                None
            }
            Cell::Unknown(stop) => {
                if self.form == Form::Birth {
                    self.refused.push(stop, line);
                }
                None
            }
            Cell::Pending { reference, table_need } => match &self.resolved[*reference] {
                Some(key) => Some(Json::String(key.clone())),
                None => {
                    let stop = unresolved(self.plan, step, &self.references[*reference], table_need.as_ref());
                    self.held.push(&stop, line);
                    None
                }
            },
        }
    }

    fn take(&self, value: &mut Json) -> Json {
        if self.form == Form::Preview { value.clone() } else { std::mem::take(value) }
    }
}

/// The stop with the place of its line.
fn placed(mut stop: Stop, line: Option<(&str, usize)>) -> Stop {
    if let Some((list, index)) = line {
        stop.field = format!("{list}[{index}].{}", stop.field);
    }
    stop
}

pub(super) fn unresolved(plan: &Plan, step: &Step, reference: &Reference, table_need: Option<&String>) -> Stop {
    let (entity, system, to) = (&reference.entity, &reference.system, plan.to());
    let (need, named) = match (&reference.by, &step.reads) {
        (By::Natural(value), Reads::Natural(_, natural)) => {
            (need::by_natural(entity, &natural.field, value), format!("with the {} {}", natural.field, quote(value)))
        }
        (By::Key(key) | By::Natural(key), _) => {
            (need::by_key(entity, system, key), format!("{} of `{system}`", quote(key)))
        }
    };
    let table = table_need.map_or("", |_| ", or for a row of its table");
    let message = format!("waits until the {entity} {named} is known in `{to}`{table}");
    let needs = std::iter::once(need).chain(table_need.cloned()).collect();
    Stop { field: step.name.clone(), rule: "reference".into(), message, needs }
}

/// The verdict if anything stops the write: refused wins, and lists everything, so that nothing needs two rounds.
fn stopped(mut refused: Stops, held: Stops) -> Option<Verdict> {
    let is_refused = !refused.listed.is_empty();
    refused.append(held);
    let stops = refused.finish();
    match (stops.is_empty(), is_refused) {
        (true, _) => None,
        (false, true) => Some(Verdict::Refused(stops)),
        (false, false) => Some(Verdict::Held(stops)),
    }
}
