//! `contact`: people. Read by time of change and id; written by id, or by the number that another system gave them.

use crate::api;
use tollgate_sdk::{
    Action, Change, Comparison, Condition, Failure, Field, FieldType, Intent, Outcome, Page, ReadRequest, Reading,
    Result, SafeRepeat, Serve, Stream, Writing, config,
    http::{self, Request},
    json::{self, Json},
    paging::{Keyset, Place, Rest},
};

const NAME: &str = "contact";
const PAGE_SIZE_DEFAULT: u64 = 100;
/// Most intents of a call: one request each.
const INTENTS_MAX: u32 = 50;

/// The stream.
pub(crate) struct Contact;

impl Serve for Contact {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> Result<Stream> {
        let required = Field { required: true, ..Field::new("name", FieldType::Text).writable() };
        Ok(Stream {
            fields: vec![
                Field::new("id", FieldType::Text),
                Field::new("number", FieldType::Text).writable(),
                Field { length_max: Some(80), ..required },
                Field::new("email", FieldType::Text).writable(),
                Field { scale: Some(2), ..Field::new("credit", FieldType::Decimal).writable() },
                Field::new("updated_at", FieldType::DateTime),
            ],
            reading: Reading::INCREMENTAL | Reading::BACKFILL,
            writing: Writing::CREATE | Writing::UPDATE | Writing::UPSERT | Writing::PARTIAL,
            matchable: vec!["number".into(), "email".into()],
            repeat: SafeRepeat::ExternalId,
            write_max: INTENTS_MAX,
            ..Stream::new(NAME, "Contact")
        })
    }

    fn read(&self, request: ReadRequest) -> Result<Page> {
        let keyset = Keyset::of(&request)?;
        let size = config::get("page_size")?.and_then(|size| size.as_u64()).unwrap_or(PAGE_SIZE_DEFAULT);
        let list = http::request("contacts").query("limit", size.to_string());
        let list = match keyset.place()? {
            Place::Start => list,
            Place::Since { at } => list.query("since", at),
            Place::Behind { at, id } => list.query("after_at", at).query("after_id", id),
        };
        let records: api::Records = list.send()?.ok()?.json()?;
        let changes = records.items.iter().map(change).collect::<Result<_>>()?;
        keyset.page(changes, if records.more { Rest::More } else { Rest::Nothing })
    }

    fn write(&self, intents: Vec<Intent>) -> Result<Vec<Outcome>> {
        let requests = intents.iter().map(request).collect::<Result<Vec<_>>>()?;
        let answers = http::send_all(requests);
        let outcome = |(intent, answer): (&Intent, std::result::Result<http::Response, http::Error>)| match answer {
            Ok(answer) => api::outcome(&answer, intent.action != Action::Create),
            Err(error) => error.outcome(),
        };
        Ok(intents.iter().zip(answers).map(outcome).collect())
    }

    fn fetch(&self, keys: Vec<String>) -> Result<Vec<Option<Change>>> {
        let requests = keys.iter().map(|key| http::request("contact").param("id", key.as_str())).collect();
        let found = |answer: std::result::Result<http::Response, http::Error>| {
            api::found(answer?)?.as_ref().map(change).transpose()
        };
        http::send_all(requests).into_iter().map(found).collect()
    }

    fn search(&self, only: Vec<Condition>, most: u32) -> Result<Vec<Change>> {
        let mut list = http::request("contacts").query("limit", most.to_string());
        for condition in &only {
            let Comparison::Equal(value) = &condition.is else {
                return Err(Failure::Unsupported(format!("searching by `{}` with this comparison", condition.field)));
            };
            let value = json::text(&json::parse(value)?).unwrap_or_default();
            list = list.query(&condition.field, value);
        }
        let records: api::Records = list.send()?.ok()?.json()?;
        records.items.iter().map(change).collect()
    }
}

fn change(record: &Json) -> Result<Change> {
    let text = |name: &str| {
        let missing = || Failure::Fault(format!("a contact has no `{name}`"));
        record[name].as_str().ok_or_else(missing)
    };
    let at = text("updated_at")?;
    Ok(Change::whole(NAME, text("id")?, record).at(at, at))
}

/// The request that serves an intent: its data as it is, so that an absent field is left alone.
fn request(intent: &Intent) -> Result<Request> {
    let request = match (intent.action, &intent.external_id) {
        (Action::Create, _) => http::request("contact-create"),
        (Action::Update, _) => http::request("contact-update").param("id", intent.key()?),
        (Action::Upsert, Some(id)) if id.field == "number" => {
            http::request("contact-upsert").param("number", id.value.as_str())
        }
        (Action::Upsert, _) => return Err(Failure::Misconfigured("contacts are upserted by `number` only".into())),
        (Action::Delete, _) => return Err(Failure::Unsupported("deleting a contact".into())),
    };
    Ok(request.json(&json::parse(&intent.data)?).intents([intent.id]))
}
