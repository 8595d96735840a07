//! Configuration: a folder of documents that is taken over as one change, and the changes that there were.

use super::Most;
use crate::app::documents;
use crate::cli::ask::{Call, Column, Deed, Show};
use anyhow::Context;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct ApplyArguments {
    /// Folder with connections, entity maps, flows and tables as YAML files
    #[arg(long, short = 'f', value_name = "DIR")]
    folder: PathBuf,
    /// Remove what the host has and the folder has not
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    how: HowToChange,
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct RollbackArguments {
    /// The revision whose documents are to be in force again; see `revision list`
    to: u64,
    #[command(flatten)]
    how: HowToChange,
}

#[derive(clap::Args, Debug)]
struct HowToChange {
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// Ask nobody
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    yes: bool,
    /// Why, for the history
    #[arg(long)]
    note: Option<String>,
}

impl HowToChange {
    fn deed(self, call: Call, mut body: Value) -> Deed {
        if let Some(note) = self.note {
            body["note"] = note.into();
        }
        Deed::Change { call, body, is_agreed: self.yes, is_dry: self.dry_run }
    }
}

impl ApplyArguments {
    pub(in crate::cli) fn deed(self) -> anyhow::Result<Deed> {
        let folder = self.folder;
        let read = documents::read_folder(&folder);
        let read = read.with_context(|| format!("reading configuration in {}", folder.display()))?;
        let files: Vec<Value> = read.iter().map(|file| json!({ "file": file.file, "text": file.text })).collect();
        let body = json!({ "files": files, "prune": self.prune });
        Ok(self.how.deed(Call::post("/v1/configuration/apply"), body))
    }
}

impl RollbackArguments {
    pub(in crate::cli) fn deed(self) -> Deed {
        self.how.deed(Call::post("/v1/configuration/rollback"), json!({ "to": self.to }))
    }
}

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum RevisionVerb {
    /// The revision in force
    Current,
    /// All revisions, newest first
    List(Most),
    /// What a revision changed
    Show {
        /// Its number
        revision: u64,
    },
}

impl RevisionVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] =
            &[("REVISION", "/revision"), ("AT", "/at"), ("BY", "/actor"), ("CHANGES", "/changes"), ("NOTE", "/note")];
        match self {
            RevisionVerb::Current => Deed::Ask(Call::get("/v1/configuration"), Show::Said("{/revision}".into())),
            RevisionVerb::List(most) => Deed::List(Call::get("/v1/configuration/revisions"), COLUMNS, most.limit),
            RevisionVerb::Show { revision } => {
                let call = Call::get("/v1/configuration/revisions/{revision}").param(revision.to_string());
                Deed::Ask(call, Show::Changes)
            }
        }
    }
}

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum DocumentVerb {
    /// List the documents in force
    List(Most),
    /// Print a document as it was written
    Show(Name),
    /// Every version that a document had
    History {
        #[command(flatten)]
        name: Name,
        #[command(flatten)]
        most: Most,
    },
    /// Take a document out of force
    Remove(Name),
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Name {
    /// `connection`, `entity` or `flow`
    kind: String,
    /// Its name
    name: String,
}

impl DocumentVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] = &[("KIND", "/kind"), ("NAME", "/name"), ("VERSION", "/version")];
        const VERSIONS: &[Column] =
            &[("VERSION", "/version"), ("REVISION", "/revision"), ("AT", "/at"), ("BY", "/actor")];
        match self {
            DocumentVerb::List(most) => Deed::List(Call::get("/v1/documents"), COLUMNS, most.limit),
            DocumentVerb::Show(Name { kind, name }) => {
                Deed::Ask(Call::get("/v1/documents/{kind}/{name}").param(kind).param(name), Show::Text("/text"))
            }
            DocumentVerb::History { name: Name { kind, name }, most } => Deed::List(
                Call::get("/v1/documents/{kind}/{name}/history").param(kind).param(name),
                VERSIONS,
                most.limit,
            ),
            DocumentVerb::Remove(Name { kind, name }) => {
                let gone = Show::Said(format!("removed {kind} {name}"));
                Deed::Ask(Call::delete("/v1/documents/{kind}/{name}").param(kind).param(name), gone)
            }
        }
    }
}
