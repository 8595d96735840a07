//! What all objects share: reading by time of change and id, look-up, one data shape.
//!
//! A page follows the system's own link while it lives, and else goes on behind the last record. A child object is a
//! sub-select in the statement and a member of the data.

use crate::{api, describe, soql};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeSet;
use tollgate_sdk::{
    Change, Condition, Failure, Intent, Outcome, Page, ReadRequest, Result, SafeRepeat, Serve, Stream,
    json::{self, Json, Map, RawValue},
    paging::{Keyset, Rest},
    query, time,
};

/// Most records of a statement with `FIELDS(ALL)`, as the system says.
const LOOKUP_MAX: u32 = 200;

/// Changes a record from the system's shape into the stream's.
pub(crate) type Shape = Box<dyn Fn(&mut Map<String, Json>)>;

/// One object: its stream's name, and what is its own.
pub(crate) struct Object {
    pub(crate) name: &'static str,
    /// Fields that each read selects, after `Id` and `SystemModstamp`.
    pub(crate) base: &'static [&'static str],
    pub(crate) child: Option<Child>,
    pub(crate) repeat: SafeRepeat,
    /// Made once a call, because it may need settings. Without it the data is as the system gives it.
    pub(crate) shape: Option<fn() -> Result<Shape>>,
    pub(crate) write: fn(&Object, Vec<Intent>) -> Result<Vec<Outcome>>,
}

/// Records of another object that are read with it.
pub(crate) struct Child {
    /// The relation in a sub-select.
    pub(crate) relation: &'static str,
    /// The member of the data.
    pub(crate) member: &'static str,
    /// Whether the member is a list; else it is one record.
    pub(crate) is_list: bool,
    pub(crate) fields: &'static [&'static str],
}

/// Whether two ids name one record: 18 characters are 15 and a checksum.
pub(crate) fn same_id(one: &str, other: &str) -> bool {
    one.len() >= 15 && one.get(..15) == other.get(..15)
}

impl Serve for Object {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> Result<Stream> {
        describe::stream(self)
    }

    fn read(&self, request: ReadRequest) -> Result<Page> {
        let keyset = Keyset::of(&request)?;
        let linked = keyset.link().map_or(Ok(None), api::more)?;
        let answer = match linked {
            Some(answer) => answer,
            None => api::query(&self.statement(&keyset, &request)?)?,
        };
        let rest = answer.next.map_or(Rest::Nothing, Rest::Link);
        keyset.page(self.changes(answer.records)?, rest)
    }

    fn write(&self, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        (self.write)(self, intents)
    }

    fn fetch(&self, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        let is_id = |key: &&String| matches!(key.len(), 15 | 18) && key.bytes().all(|b| b.is_ascii_alphanumeric());
        let ids: Vec<_> = keys.iter().filter(is_id).map(|key| soql::quoted(key)).collect();
        let found = match &ids[..] {
            [] => Vec::new(),
            ids => self.look_up(&[format!("Id IN ({})", ids.join(", "))], LOOKUP_MAX)?,
        };
        Ok(keys.iter().map(|key| found.iter().find(|change| same_id(&change.key, key)).cloned()).collect())
    }

    fn search(&self, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        self.look_up(&query::every(&only, soql::condition)?, most.min(LOOKUP_MAX))
    }
}

impl Object {
    fn statement(&self, keyset: &Keyset, request: &ReadRequest) -> Result<String> {
        let place = keyset.place()?.condition(("SystemModstamp", "Id"), str::to_owned, soql::quoted);
        let conditions: Vec<_> = place.into_iter().chain(query::pushed(&request.only, soql::condition)?).collect();
        Ok(soql::select(&self.fields(&request.fields)?, self.name, &conditions, "ORDER BY SystemModstamp, Id"))
    }

    /// The list of a `SELECT`: the base, what is asked beyond it, the sub-select.
    fn fields(&self, asked: &[String]) -> Result<String> {
        let base: Vec<_> = ["Id", "SystemModstamp"].iter().chain(self.base).copied().collect();
        let all = if asked.is_empty() { describe::names(self.name)? } else { Vec::new() };
        let (mut own, mut of_child) = (BTreeSet::new(), BTreeSet::new());
        for path in asked.iter().chain(&all) {
            match self.child.as_ref().and_then(|child| path.strip_prefix(child.member)) {
                Some("" | "[]") => {}
                Some(rest) if rest.starts_with(['.', '[']) => {
                    of_child.insert(soql::name(rest.trim_start_matches("[]").trim_start_matches('.'))?);
                }
                _ => {
                    own.insert(soql::name(path)?);
                }
            }
        }
        let own = own.into_iter().filter(|field| !base.contains(field));
        let list = base.iter().copied().chain(own).collect::<Vec<_>>().join(", ");
        Ok(list + &self.sub_select(&of_child))
    }

    fn sub_select(&self, asked: &BTreeSet<&str>) -> String {
        let Some(child) = &self.child else { return String::new() };
        let asked = asked.iter().filter(|field| !child.fields.contains(field));
        let fields: Vec<_> = child.fields.iter().chain(asked).copied().collect();
        format!(", (SELECT {} FROM {})", fields.join(", "), child.relation)
    }

    fn look_up(&self, conditions: &[String], most: u32) -> Result<Vec<Change>> {
        let fields = format!("FIELDS(ALL){}", self.sub_select(&BTreeSet::new()));
        let statement = soql::select(&fields, self.name, conditions, &format!("ORDER BY Id LIMIT {most}"));
        self.changes(api::query(&statement)?.records)
    }

    fn changes(&self, records: Vec<Box<RawValue>>) -> Result<Vec<Change>> {
        let shape = self.shape.map(|shape| shape()).transpose()?;
        let shaped = |record: &RawValue| match &shape {
            Some(shape) => self.shaped(record, shape),
            None => plain(record),
        };
        records.iter().map(|record| self.change(shaped(record)?)).collect()
    }

    /// A record in the shape of the stream.
    fn shaped(&self, record: &RawValue, shape: &Shape) -> Result<String> {
        let mut record = json::object(record.get())?;
        if let Some(children) = self.child.as_ref().and_then(|child| record.get_mut(child.relation)) {
            complete(children)?;
        }
        shape(&mut record);
        let mut data = Json::Object(record);
        strip(&mut data);
        Ok(data.to_string())
    }

    fn change(&self, data: String) -> Result<Change> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Place<'a> {
            #[serde(borrow)]
            id: Option<Cow<'a, str>>,
            #[serde(borrow)]
            system_modstamp: Option<Cow<'a, str>>,
        }
        let place: Place<'_> = json::read(&data)?;
        let missing = |name: &str| Failure::Fault(format!("a record of {} has no {name}", self.name));
        let key = place.id.ok_or_else(|| missing("Id"))?.into_owned();
        let modified = place.system_modstamp.ok_or_else(|| missing("SystemModstamp"))?.into_owned();
        let modified_at = time::rfc3339(&modified)?;
        Ok(Change::whole_text(self.name, key, data).at(modified, modified_at))
    }
}

/// A record as the system gives it, without its own `attributes`. Only parents, which are rare, are looked into.
fn plain(record: &RawValue) -> Result<String> {
    let mut members = json::members(record.get())?;
    members.remove("attributes");
    let is_nested = |value: &RawValue| value.get().starts_with(['{', '[']);
    if !members.values().any(|value| is_nested(value)) {
        return Ok(json::print(&members));
    }
    let mut data = json::parse(record.get())?;
    strip(&mut data);
    Ok(data.to_string())
}

/// Appends what did not fit into the answer to a sub-select.
fn complete(children: &mut Json) -> Result<()> {
    while let Some(link) = children["nextRecordsUrl"].as_str() {
        let expired = || Failure::Transient("the lines of a record came in pages and the link expired".into());
        let more = api::more(link)?.ok_or_else(expired)?;
        children["nextRecordsUrl"] = more.next.map_or(Json::Null, Json::String);
        if let Some(records) = children["records"].as_array_mut() {
            for record in &more.records {
                records.push(json::parse(record.get())?);
            }
        }
    }
    Ok(())
}

/// Takes the system's own `attributes` (type and URL) out of a record and its parents.
fn strip(value: &mut Json) {
    match value {
        Json::Object(members) => {
            members.remove("attributes");
            members.values_mut().for_each(strip);
        }
        Json::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
