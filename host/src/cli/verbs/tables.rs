//! Translation tables.

use super::Most;
use crate::cli::ask::{Call, Column, Deed, Show};
use serde_json::json;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum TableVerb {
    /// List the tables
    List(Most),
    /// List the rows of a table
    Rows {
        /// The table
        table: String,
        #[command(flatten)]
        most: Most,
    },
    /// Show one row
    Show(Row),
    /// Set one row; records that wait for it are decided again at once
    Set {
        #[command(flatten)]
        row: Row,
        /// What the value becomes
        to: String,
    },
    /// Take a row away
    Remove(Row),
    /// Every value that a row had
    History {
        #[command(flatten)]
        row: Row,
        #[command(flatten)]
        most: Most,
    },
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Row {
    /// The table
    table: String,
    /// The value that is translated
    from: String,
}

impl TableVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const TABLES: &[Column] = &[("TABLE", "/name"), ("ROWS", "/rows")];
        const ROWS: &[Column] = &[("FROM", "/from"), ("TO", "/to"), ("VERSION", "/version")];
        const VERSIONS: &[Column] = &[("VERSION", "/version"), ("TO", "/to"), ("AT", "/at"), ("BY", "/actor")];
        const ONE: &str = "/v1/tables/{table}/rows/{from}";
        match self {
            TableVerb::List(most) => Deed::List(Call::get("/v1/tables"), TABLES, most.limit),
            TableVerb::Rows { table, most } => {
                Deed::List(Call::get("/v1/tables/{table}/rows").param(table), ROWS, most.limit)
            }
            TableVerb::Show(Row { table, from }) => {
                Deed::Ask(Call::get(ONE).param(table).param(from), Show::Said("{/to}".into()))
            }
            TableVerb::Set { row: Row { table, from }, to } => {
                let done = Show::Said(format!("`{from}` becomes `{{/to}}`; decided again: {{/released}}"));
                Deed::Ask(Call::put(ONE).param(table).param(from).json(json!({ "to": to })), done)
            }
            TableVerb::Remove(Row { table, from }) => {
                let done = Show::Said(format!("`{from}` is not translated any more"));
                Deed::Ask(Call::delete(ONE).param(table).param(from), done)
            }
            TableVerb::History { row: Row { table, from }, most } => {
                let call = Call::get("/v1/tables/{table}/rows/{from}/history").param(table).param(from);
                Deed::List(call, VERSIONS, most.limit)
            }
        }
    }
}
