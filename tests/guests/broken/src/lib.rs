//! The connector of `sdk/template` with one fault. The setting `fault` names the check of the conformance kit that must
//! find it; without one it is the template itself.

#[path = "../../../../sdk/template/src/api.rs"]
mod api;
#[path = "../../../../sdk/template/src/contact.rs"]
mod contact;

use contact::Contact;
use tollgate_sdk::{
    Account, Action, Change, Condition, Connector, Failure, Intent, Lookup, Next, Outcome, Page, ReadRequest, Result,
    Serve, Source, Stream, Target, Violation, config, http,
    json::{self, Json},
};

struct Broken;

tollgate_sdk::export!(Broken: source, target, lookup);

impl Source for Broken {}
impl Target for Broken {}
impl Lookup for Broken {}

/// The fault that the connection chose.
fn fault() -> String {
    config::text("fault").unwrap_or_default()
}

impl Connector for Broken {
    fn check() -> Result<Account> {
        if fault() == "limits" {
            // It does not look at what is left.
            while http::request("me").send().is_ok() {}
        }
        let me: api::Me = http::request("me").send()?.ok()?.json()?;
        Ok(Account::new(me.id, me.name))
    }

    fn streams() -> &'static [&'static dyn Serve] {
        &[&BrokenContact]
    }
}

struct BrokenContact;

impl Serve for BrokenContact {
    fn name(&self) -> &'static str {
        Contact.name()
    }

    fn describe(&self) -> Result<Stream> {
        let mut stream = Contact.describe()?;
        if fault() == "setup" {
            // A filter by a field that there is not.
            stream.filterable.push("ghost".into());
        }
        Ok(stream)
    }

    fn read(&self, mut request: ReadRequest) -> Result<Page> {
        let (fault, cursor) = (fault(), request.cursor.clone());
        let had_caught_up = cursor.as_ref().is_some_and(|cursor| cursor.contains("\"done\":true"));
        match fault.as_str() {
            "resume" if had_caught_up => request.cursor = None,
            "changes" if had_caught_up => return Ok(nothing(cursor)),
            "determinism" => {
                let nonce = config::left().wall_ms.to_string();
                let _ = http::request("me").query("nonce", nonce).send();
            }
            "routes" => drop(http::request("telemetry").send()),
            _ => {}
        }
        let page = match (Contact.read(request), fault.as_str()) {
            (Err(Failure::RateLimited(None)), "read-failures") => Err(Failure::Fault("429".into())),
            (Err(Failure::RateLimited(Some(_))), "budget") => Ok(nothing(cursor.clone())),
            (page, _) => page,
        };
        page.map(|page| spoiled(&fault, page, cursor))
    }

    fn write(&self, mut intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        let fault = fault();
        for intent in &mut intents {
            match (fault.as_str(), intent.action) {
                ("repeat", Action::Upsert) => (intent.action, intent.external_id) = (Action::Create, None),
                ("partial", Action::Update) => intent.data = with_every_field(&intent.data)?,
                _ => {}
            }
        }
        let mut outcomes = Contact.write(intents)?;
        match fault.as_str() {
            "outcomes" => outcomes.reverse(),
            "rejects" => outcomes.iter_mut().for_each(|outcome| {
                if let Outcome::Rejected(_) = outcome {
                    *outcome = Outcome::Failed(Failure::Fault("422".into()));
                }
            }),
            "write-failures" => outcomes.iter_mut().for_each(|outcome| {
                if let Outcome::Unknown(text) = outcome {
                    *outcome = Outcome::refused(Violation::new("refused", text.clone()));
                }
            }),
            _ => {}
        }
        Ok(outcomes)
    }

    fn fetch(&self, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        let mut found = Contact.fetch(keys)?;
        if fault() == "lookup" {
            found.reverse();
        }
        Ok(found)
    }

    fn search(&self, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        let mut found = Contact.search(only, most)?;
        if fault() == "bounds" {
            found.iter_mut().for_each(|change| change.key.clear());
        }
        Ok(found)
    }
}

/// An empty page that claims to be the last.
fn nothing(cursor: Option<String>) -> Page {
    Page { changes: Vec::new(), next: Next::CaughtUp(cursor.unwrap_or_default()), seen_up_to: None }
}

fn spoiled(fault: &str, mut page: Page, cursor: Option<String>) -> Page {
    let has_more = matches!(page.next, Next::More(_));
    match fault {
        "shapes" => page.changes.iter_mut().for_each(|change| {
            change.data = change.data.replacen('{', "{\"mystery\":1,", 1);
        }),
        "progress" if has_more => page.next = Next::More(cursor.unwrap_or_else(|| "{\"v\":1}".into())),
        // What stands first behind an edge is lost.
        "cursor" if has_more && cursor.is_some() => drop(page.changes.remove(0)),
        _ => {}
    }
    page
}

/// The data with `null` for every field that the intent does not name.
fn with_every_field(data: &str) -> Result<String> {
    let mut data = json::object(data)?;
    for field in ["email", "credit"] {
        data.entry(field).or_insert(Json::Null);
    }
    Ok(Json::Object(data).to_string())
}
