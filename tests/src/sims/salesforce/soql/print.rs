//! Prints records as JSON text, without a tree in between: this is what the benchmarks wait for.

use super::bind::{Item, Shape};
use super::run::run_children;
use crate::sims::salesforce::cell::push_json_text;
use crate::sims::salesforce::ids;
use crate::sims::salesforce::store::{Store, Value};
use crate::sims::time::civil;
use std::fmt::Write;

/// Bytes of a printed record, about: 20 fields.
const RECORD_BYTES: usize = 1_024;

/// Prints records of one shape.
pub struct Printer<'a> {
    store: &'a Store,
    version: &'a str,
    stamp_ms: i64,
    stamp: String,
}

impl<'a> Printer<'a> {
    /// A printer for one API version (`v67.0`), which stands in the records' links.
    #[must_use]
    pub fn new(store: &'a Store, version: &'a str) -> Self {
        Self { store, version, stamp_ms: i64::MIN, stamp: String::new() }
    }

    /// Prints a JSON array of records.
    #[must_use]
    pub fn records(&mut self, shape: &Shape, places: &[u32]) -> String {
        let mut out = String::with_capacity(places.len() * RECORD_BYTES + 2);
        self.push_records(&mut out, shape, places);
        out
    }

    fn push_records(&mut self, out: &mut String, shape: &Shape, places: &[u32]) {
        out.push('[');
        for (n, slot) in places.iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            self.push_record(out, shape, *slot);
        }
        out.push(']');
    }

    fn push_record(&mut self, out: &mut String, shape: &Shape, slot: u32) {
        let object = &self.store.schema.objects[shape.object];
        let id = ids::id(object.prefix, slot);
        let _ = write!(
            out,
            "{{\"attributes\":{{\"type\":\"{0}\",\"url\":\"/services/data/{1}/sobjects/{0}/{2}\"}}",
            object.name, self.version, id
        );
        for item in &shape.items {
            match item {
                Item::Field(field) => {
                    push_name(out, object.fields[*field].name);
                    let value = self.store.value(shape.object, slot, *field);
                    self.push_value(out, value, &id);
                }
                Item::Parent(relation, field, parent) => {
                    push_name(out, relation);
                    match self.store.follow(shape.object, slot, *field) {
                        Some((_, target)) => self.push_record(out, parent, target),
                        None => out.push_str("null"),
                    }
                }
                Item::Children(relation, field, plan) => {
                    push_name(out, relation);
                    let places = self.store.children(plan.shape.object, *field, &id);
                    let places = run_children(self.store, plan, places);
                    if places.is_empty() {
                        out.push_str("null");
                    } else {
                        let _ = write!(out, "{{\"totalSize\":{},\"done\":true,\"records\":", places.len());
                        self.push_records(out, &plan.shape, &places);
                        out.push('}');
                    }
                }
            }
        }
        out.push('}');
    }

    fn push_value(&mut self, out: &mut String, value: Value<'_>, id: &str) {
        match value {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(text) => out.push_str(text),
            Value::Text(text) => push_json_text(out, text),
            Value::Time(ms) => {
                // Neighbours share their stamp: it is printed once.
                if ms != self.stamp_ms {
                    self.stamp = timestamp(ms);
                    self.stamp_ms = ms;
                }
                out.push('"');
                out.push_str(&self.stamp);
                out.push('"');
            }
            Value::Own(..) => push_json_text(out, id),
        }
    }
}

fn push_name(out: &mut String, name: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
}

/// An instant as this vendor prints it: `2026-11-21T10:00:00.000+0000`.
#[must_use]
pub fn timestamp(ms: i64) -> String {
    let t = civil(ms);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+0000",
        t.year, t.month, t.day, t.hour, t.minute, t.second, t.millisecond
    )
}
