//! Connections, their secrets, and the accounts that they reach.

use super::Most;
use crate::cli::ask::{Call, Column, Deed, Show};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::{IsTerminal, Read};
use tollgate_core::model::limits;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum ConnectionVerb {
    /// List the connections
    List(Most),
    /// Show one connection
    Show(Name),
    /// Write a connection's document and take it over
    Create(NewConnection),
    /// Have the plugin try endpoint and credential now
    Check(Name),
    /// List the streams that the account has, with their fields
    Discover(Name),
    /// Look up the records of a stream whose fields have these values, as the system holds them now
    Find {
        /// The connection
        name: String,
        /// The stream
        stream: String,
        /// What a record must have; text or JSON
        #[arg(required = true, value_name = "FIELD=VALUE", value_parser = pair)]
        equal: Vec<(String, String)>,
        /// At most so many records
        #[arg(long, default_value_t = limits::FIND_RECORDS_DEFAULT)]
        limit: u32,
    },
    /// Confirm that the account which the last check saw is the right one
    Confirm {
        /// The connection
        name: String,
        /// The system's id of the account, as `check` says it
        account: String,
    },
    /// Let the connection act for somebody: prints the page on which they consent, and waits until they have
    Consent {
        /// The connection
        name: String,
        /// Only print the page
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Name {
    /// The connection
    name: String,
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct NewConnection {
    /// What to call it
    name: String,
    /// The plugin, `vendor/name`
    #[arg(long)]
    plugin: String,
    /// The remote account; connections of one account share its budget
    #[arg(long)]
    account: String,
    /// The origin of an endpoint of the plugin; may be repeated
    #[arg(long = "endpoint", value_name = "NAME=ORIGIN", value_parser = pair)]
    endpoints: Vec<(String, String)>,
    /// A setting of the plugin, text or JSON; may be repeated
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl NewConnection {
    /// The document, as an admin would write it.
    fn document(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut text = format!("connection: {}\n", quoted(&self.name));
        let _ = writeln!(text, "plugin: {}\naccount: {}", quoted(&self.plugin), quoted(&self.account));
        text.push_str(if self.endpoints.is_empty() { "endpoints: {}\n" } else { "endpoints:\n" });
        for (name, origin) in &self.endpoints {
            let _ = writeln!(text, "  {}: {}", quoted(name), quoted(origin));
        }
        if !self.settings.is_empty() {
            text.push_str("settings:\n");
        }
        for (name, value) in &self.settings {
            let is_json = serde_json::from_str::<Value>(value).is_ok();
            let _ = writeln!(text, "  {}: {}", quoted(name), if is_json { value.clone() } else { quoted(value) });
        }
        text
    }
}

impl ConnectionVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] =
            &[("NAME", "/name"), ("PLUGIN", "/plugin"), ("ACCOUNT", "/account"), ("SECRETS", "/secrets")];
        const STREAMS: &[Column] = &[
            ("STREAM", "/name"),
            ("LABEL", "/label"),
            ("READS", "/reading"),
            ("WRITES", "/writing"),
            ("FIELDS", "/field_count"),
        ];
        const FOUND: &[Column] = &[("KEY", "/key"), ("CHANGED", "/modified_at"), ("DATA", "/data")];
        match self {
            ConnectionVerb::List(most) => Deed::List(Call::get("/v1/connections"), COLUMNS, most.limit),
            ConnectionVerb::Show(Name { name }) => {
                Deed::Ask(Call::get("/v1/connections/{name}").param(name), Show::Whole)
            }
            ConnectionVerb::Create(new) => {
                let files = json!([{ "file": format!("{}.yaml", new.name), "text": new.document() }]);
                let body = json!({ "files": files, "prune": false, "note": format!("connection create {}", new.name) });
                Deed::Change { call: Call::post("/v1/configuration/apply"), body, is_agreed: true, is_dry: false }
            }
            ConnectionVerb::Check(Name { name }) => Deed::Ask(
                Call::post("/v1/connections/{name}/check").param(name),
                Show::Said("it works, and leads to {/name} ({/id}) {/edition}".into()),
            ),
            ConnectionVerb::Discover(Name { name }) => {
                Deed::Ask(Call::post("/v1/connections/{name}/discover").param(name), Show::Rows(STREAMS))
            }
            ConnectionVerb::Find { name, stream, equal, limit } => {
                let value = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
                let equal: serde_json::Map<_, _> =
                    equal.into_iter().map(|(field, text)| (field, value(text))).collect();
                let body = json!({ "stream": stream, "equal": equal, "limit": limit });
                Deed::Ask(Call::post("/v1/connections/{name}/find").param(name).json(body), Show::Rows(FOUND))
            }
            ConnectionVerb::Confirm { name, account } => {
                let done = Show::Said(format!("`{name}` is to lead to {account}; resume its flows when that is right"));
                let body = json!({ "account": account });
                Deed::Ask(Call::post("/v1/connections/{name}/confirm").param(name).json(body), done)
            }
            ConnectionVerb::Consent { name, no_wait } => {
                const ROUTE: &str = "/v1/connections/{name}/consent";
                let (begin, look) = (Call::post(ROUTE).param(name.as_str()), Call::get(ROUTE).param(name.as_str()));
                Deed::Consent { begin, look, is_awaited: !no_wait }
            }
        }
    }
}

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum SecretVerb {
    /// Seal a secret of a connection, in place of the one with this name; its value is read from standard input
    Set(SecretName),
    /// Forget a secret
    Remove(SecretName),
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct SecretName {
    /// The connection
    connection: String,
    /// The secret's name, as the plugin's manifest asks for it: `client_id`, `private_key`
    name: String,
}

impl SecretVerb {
    pub(in crate::cli) fn deed(self) -> anyhow::Result<Deed> {
        const ROUTE: &str = "/v1/connections/{name}/secrets/{secret}";
        Ok(match self {
            SecretVerb::Set(SecretName { connection, name }) => {
                let value = secret(&name)?;
                let done = Show::Said(format!("secret `{name}` of connection `{connection}` is sealed"));
                Deed::Ask(Call::put(ROUTE).param(connection).param(name).json(json!({ "value": value })), done)
            }
            SecretVerb::Remove(SecretName { connection, name }) => {
                let done = Show::Said(format!("secret `{name}` of connection `{connection}` is forgotten"));
                Deed::Ask(Call::delete(ROUTE).param(connection).param(name), done)
            }
        })
    }
}

fn secret(name: &str) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprintln!("the value of `{name}`, then Ctrl-D:");
    }
    let mut value = String::new();
    std::io::stdin().read_to_string(&mut value).context("reading the secret from standard input")?;
    let value = value.strip_suffix('\n').unwrap_or(&value);
    if value.is_empty() {
        bail!("the secret is empty: pipe its value into this command");
    }
    Ok(value.to_owned())
}

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum AccountVerb {
    /// What each account has used, against its limits
    List(Most),
}

impl AccountVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] = &[
            ("ACCOUNT", "/account"),
            ("USED IN 24 H", "/used"),
            ("OF", "/limit_per_day"),
            ("AT ONCE", "/concurrency"),
            ("PEAK", "/concurrency_peak"),
            ("THROTTLED", "/throttled"),
        ];
        let AccountVerb::List(most) = self;
        Deed::List(Call::get("/v1/accounts"), COLUMNS, most.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::documents::{Document, Documents};

    /// What the command line says becomes a document that the host reads, whatever stands in the values.
    #[test]
    fn documents_are_written() {
        let new = NewConnection {
            name: "crm".into(),
            plugin: "acme/crm".into(),
            account: "acme: \"main\"".into(),
            endpoints: vec![("api".into(), "https://acme.example".into())],
            settings: vec![("page".into(), "200".into()), ("label".into(), "#1 - yes".into())],
        };
        let file = Document { file: "crm.yaml".into(), text: new.document() };
        let documents = Documents::parse(&[file]).map_err(|faults| format!("{faults:?}")).expect("it is read");
        let connection = documents.connection(&"crm".into()).expect("it is there");
        assert_eq!(connection.account.as_str(), "acme: \"main\"");
        assert_eq!(serde_json::to_value(&connection.settings).unwrap(), json!({ "page": 200, "label": "#1 - yes" }));
    }
}
