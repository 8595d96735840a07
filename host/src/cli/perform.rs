//! Does what a verb says: calls the host, shows how long work goes, asks before configuration changes.

use super::ask::{Call, Deed, Show};
use super::client::{Answer, Client, HostAddress};
use super::show;
use crate::clock::{Clock, SystemClock};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::time::Duration;
use tollgate_core::model::limits;

/// Between two looks at something that is watched.
const WATCH_MS: u64 = 500;
/// Between two turns of the sign that something is under way.
const TICK: Duration = Duration::from_millis(100);

/// Does it.
///
/// # Errors
/// What the host refused, or why it could not be asked.
pub(super) async fn perform(deed: Deed, address: HostAddress) -> anyhow::Result<()> {
    let is_json = address.json;
    // The client blocks; the runtime is there for the verbs that run a host.
    let work = move || {
        let cli = Cli { client: Client::new(&address)?, is_json: address.json };
        cli.perform(deed)
    };
    let result = tokio::task::spawn_blocking(work).await.context("the command ended badly")?;
    match result {
        Err(error) if is_json && error.is::<super::client::Refused>() => {
            if let Some(refused) = error.downcast_ref::<super::client::Refused>() {
                println!("{:#}", refused.0);
            }
            Err(error)
        }
        other => other,
    }
}

struct Cli {
    client: Client,
    is_json: bool,
}

impl Cli {
    fn perform(&self, deed: Deed) -> anyhow::Result<()> {
        match deed {
            Deed::Ask(call, how) => self.show(&how, &self.send(&call)?.body),
            Deed::List(call, columns, most) => {
                let list = self.list(call, most)?;
                self.show(&Show::Rows(columns), &list);
                if !self.is_json && list["next"].is_string() {
                    eprintln!("there is more: say --limit");
                }
            }
            Deed::Steps { call, body, said } => self.steps(&call, body, said)?,
            Deed::Change { call, body, is_agreed, is_dry } => self.change(call, body, is_agreed, is_dry)?,
            Deed::Watch { call, until, line } => self.watch(&call, until, line)?,
            Deed::Consent { begin, look, is_awaited } => self.consent(&begin, &look, is_awaited)?,
        }
        Ok(())
    }

    /// Makes a call under a sign that it goes on.
    fn send(&self, call: &Call) -> anyhow::Result<Answer> {
        let bar = spinner();
        let answer = self.client.send(call);
        bar.finish_and_clear();
        answer
    }

    fn show(&self, how: &Show, body: &Value) {
        if self.is_json {
            let body = if body.is_null() { &json!({}) } else { body };
            println!("{body:#}");
        } else {
            show::answer(how, body);
        }
    }

    /// Reads a list page by page until it ends or has `most` rows.
    fn list(&self, mut call: Call, most: usize) -> anyhow::Result<Value> {
        let mut items = Vec::new();
        let first = call.query.clone();
        loop {
            let left = most.saturating_sub(items.len());
            let page = left.clamp(1, limits::API_ROWS_MAX as usize);
            call = call.query("limit", Some(page));
            let mut answer = self.send(&call)?.body;
            items.extend(answer["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            let next = answer["next"].as_str().map(str::to_owned);
            let is_enough = items.len() >= most;
            items.truncate(most);
            match next {
                Some(next) if !is_enough => {
                    call.query = first.clone();
                    call = call.query("after", Some(next));
                }
                Some(next) => return Ok(json!({ "items": items, "next": next })),
                None => return Ok(json!({ "items": items })),
            }
        }
    }

    /// The host takes a bounded number a step: what is left is asked for again, or most of a long list would stay.
    fn steps(&self, call: &Call, mut body: Value, said: &str) -> anyhow::Result<()> {
        let mut count = 0;
        loop {
            let answer = self.send(&call.clone().json(body.clone()))?.body;
            count += answer["count"].as_u64().unwrap_or(0);
            match answer["next"].as_str() {
                Some(next) => body["after"] = next.into(),
                None => break,
            }
        }
        self.show(&Show::Said(format!("{said}: {{/count}}")), &json!({ "count": count }));
        Ok(())
    }

    /// Shows what a change of configuration changes, asks, and has exactly that done: the host refuses if anything changed
    /// in between.
    fn change(&self, call: Call, mut body: Value, is_agreed: bool, is_dry: bool) -> anyhow::Result<()> {
        body["dry_run"] = true.into();
        let planned = self.send(&call.clone().json(body.clone()))?;
        let is_nothing = ["changes", "rows"].iter().all(|name| planned.body[name].as_array().is_none_or(Vec::is_empty));
        if is_dry || is_nothing {
            self.show(&Show::Changes, &planned.body);
            return Ok(());
        }
        if !self.is_json {
            show::answer(&Show::Changes, &planned.body);
        }
        if !is_agreed && !agree()? {
            bail!("nothing was changed");
        }
        body["dry_run"] = false.into();
        let done = self.send(&call.if_match(planned.tag).json(body))?;
        self.show(
            &Show::Said("revision {/revision} is in force; flows that go on with it: {/reopened}".into()),
            &done.body,
        );
        Ok(())
    }

    fn watch(&self, call: &Call, (member, ends): (&str, &[&str]), line: &str) -> anyhow::Result<()> {
        let bar = spinner();
        let mut shown = String::new();
        loop {
            let body = self.client.send(call)?.body;
            let now = show::fill(line, &body);
            if self.is_json && now != shown {
                println!("{body}");
            } else if bar.is_hidden() && now != shown {
                println!("{now}");
            }
            bar.set_message(now.clone());
            shown = now;
            if body.pointer(member).and_then(Value::as_str).is_some_and(|value| ends.contains(&value)) {
                bar.finish_and_clear();
                if !self.is_json && !bar.is_hidden() {
                    println!("{shown}");
                }
                return Ok(());
            }
            tokio::runtime::Handle::current().block_on(SystemClock.sleep_ms(WATCH_MS));
        }
    }

    /// Says which page to open, and waits until somebody has consented there or has not.
    fn consent(&self, begin: &Call, look: &Call, is_awaited: bool) -> anyhow::Result<()> {
        let begun = self.send(begin)?.body;
        eprintln!("open this page in a browser and consent there, until {}:", show::fill("{/expires}", &begun));
        eprintln!("{}", show::fill("{/url}", &begun));
        if !is_awaited {
            if self.is_json {
                println!("{begun:#}");
            }
            return Ok(());
        }
        let bar = spinner();
        bar.set_message("waiting for the consent");
        loop {
            let now = self.client.send(look)?.body;
            match now["state"].as_str() {
                Some("pending") => tokio::runtime::Handle::current().block_on(SystemClock.sleep_ms(WATCH_MS)),
                Some("done") => {
                    bar.finish_and_clear();
                    self.show(&Show::Said("the consent is given".into()), &now);
                    return Ok(());
                }
                _ => {
                    bar.finish_and_clear();
                    if self.is_json {
                        println!("{now:#}");
                    }
                    bail!("there is no consent: {}", show::fill("{/reason}", &now));
                }
            }
        }
    }
}

/// A sign that work goes on, with the time it has taken; drawn on a terminal only.
fn spinner() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{spinner} {elapsed} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(TICK);
    bar
}

fn agree() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was changed: nobody can be asked here, so say --yes to agree or --dry-run only to look");
    }
    eprint!("do this? [y/N] ");
    std::io::stderr().flush().context("the terminal")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("the terminal")?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
