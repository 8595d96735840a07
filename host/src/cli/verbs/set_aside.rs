//! What waits for somebody: exceptions, holds and dead letters.

use super::Most;
use crate::cli::ask::{Call, Column, Deed, Show};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::io::Read;
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum SetAsideVerb {
    /// List what is set aside of a flow
    List {
        /// The flow
        flow: String,
        /// `exception`, `hold` or `dead-letter`
        #[arg(long)]
        kind: Option<String>,
        /// Only what this rule set aside
        #[arg(long)]
        rule: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// Count what is set aside of a flow, by kind and rule
    Counts {
        /// The flow
        flow: String,
    },
    /// Show one change whole: its data, what is wrong, how to mend it, what it waits for
    Show(Which),
    /// Put corrected data in place of a change's and have it decided again
    Edit {
        #[command(flatten)]
        which: Which,
        /// File with the corrected data, a JSON object; by default standard input
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Have changes decided again, whatever they wait for; what is parked may then be written a second time
    Release(Many),
    /// Give changes up
    Discard {
        #[command(flatten)]
        many: Many,
        /// Why; it is kept in the audit log
        #[arg(long)]
        reason: String,
    },
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Which {
    /// The flow
    flow: String,
    /// The record's key in the source
    key: String,
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Many {
    /// The flow
    flow: String,
    /// The records' keys in the source
    keys: Vec<String>,
    /// Instead of keys: all of this kind
    #[arg(long, conflicts_with = "keys", required_unless_present = "keys")]
    kind: Option<String>,
    /// With --kind: only what this rule set aside
    #[arg(long, requires = "kind")]
    rule: Option<String>,
}

impl Many {
    fn body(&self) -> Value {
        match &self.kind {
            None => json!({ "keys": self.keys }),
            Some(kind) => {
                self.rule.as_ref().map_or_else(|| json!({ "kind": kind }), |rule| json!({ "kind": kind, "rule": rule }))
            }
        }
    }
}

impl SetAsideVerb {
    pub(in crate::cli) fn deed(self) -> anyhow::Result<Deed> {
        const COLUMNS: &[Column] = &[
            ("KEY", "/key"),
            ("KIND", "/kind"),
            ("RULE", "/rule"),
            ("SINCE", "/since"),
            ("ATTEMPTS", "/attempts"),
            ("REASON", "/reason"),
        ];
        const COUNTS: &[Column] = &[("KIND", "/kind"), ("RULE", "/rule"), ("COUNT", "/count")];
        const ONE: &str = "/v1/flows/{flow}/set-aside/{key}";
        Ok(match self {
            SetAsideVerb::List { flow, kind, rule, most } => {
                let call = Call::get("/v1/flows/{flow}/set-aside").param(flow).query("kind", kind).query("rule", rule);
                Deed::List(call, COLUMNS, most.limit)
            }
            SetAsideVerb::Counts { flow } => {
                Deed::Ask(Call::get("/v1/flows/{flow}/set-aside/counts").param(flow), Show::Rows(COUNTS))
            }
            SetAsideVerb::Show(Which { flow, key }) => Deed::Ask(Call::get(ONE).param(flow).param(key), Show::Whole),
            SetAsideVerb::Edit { which: Which { flow, key }, data } => {
                let data = read(data)?;
                let done = Show::Said(format!("`{key}` is decided again with the corrected data"));
                Deed::Ask(Call::put(ONE).param(flow).param(key).json(json!({ "data": data })), done)
            }
            SetAsideVerb::Release(many) => {
                let call = Call::post("/v1/flows/{flow}/set-aside/release").param(&many.flow);
                Deed::Steps { call, body: many.body(), said: "decided again" }
            }
            SetAsideVerb::Discard { many, reason } => {
                let mut body = many.body();
                body["reason"] = reason.into();
                let call = Call::post("/v1/flows/{flow}/set-aside/discard").param(&many.flow);
                Deed::Steps { call, body, said: "given up" }
            }
        })
    }
}

fn read(file: Option<PathBuf>) -> anyhow::Result<String> {
    let text = match &file {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading the data from standard input")?;
            text
        }
    };
    if text.trim().is_empty() {
        bail!("there is no data: give the whole record as a JSON object");
    }
    Ok(text)
}
