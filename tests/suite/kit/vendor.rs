//! The system that the template's connector speaks to, in memory: people with a number, read by time of change.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, future};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tollgate::kit::{Call, Error, Frame, Stage};
use tollgate_core::model::{At, http};
use tollgate_sandbox::{Allowance, Broker, Level};

/// 2026-11-21T10:00:00Z.
const NOW_MS: u64 = 1_795_255_200_000;

type Answer = Result<http::Response, http::Error>;

/// Five people, three of whom changed at the same instant.
pub(super) struct Acme {
    settings: Value,
    state: Arc<State>,
}

struct State {
    people: Mutex<Vec<Value>>,
    writes: AtomicU64,
}

impl Acme {
    pub(super) fn new(settings: Value) -> Self {
        let instants = ["09:00:00", "09:30:00", "09:30:00", "09:30:00", "09:45:00"];
        let person = |(index, at): (usize, &&str)| {
            let n = index + 1;
            json!({
                "id": format!("c{n}"), "number": format!("n{n}"), "name": format!("Person {n}"),
                "email": format!("p{n}@acme.example"), "credit": "7.50".parse::<serde_json::Number>().unwrap(),
                "updated_at": format!("2026-11-21T{at}.000Z"),
            })
        };
        let people = Mutex::new(instants.iter().enumerate().map(person).collect());
        Self { settings, state: Arc::new(State { people, writes: AtomicU64::new(0) }) }
    }

    /// Writes that reached it.
    pub(super) fn writes(&self) -> u64 {
        self.state.writes.load(Ordering::Relaxed)
    }
}

impl Stage for Acme {
    fn name(&self) -> String {
        "Acme in memory".into()
    }

    fn frame(&self) -> Frame {
        Frame { now_ms: NOW_MS, settings: self.settings.to_string() }
    }

    fn open<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Result<Arc<dyn Broker>, Error>> {
        future::ready(Ok(Arc::new(Client(self.state.clone())) as Arc<dyn Broker>)).boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        future::ready(Ok(())).boxed()
    }
}

struct Client(Arc<State>);

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn text<'a>(person: &'a Value, name: &str) -> &'a str {
    person[name].as_str().unwrap_or_default()
}

fn answer(status: u16, body: &Value) -> Answer {
    let headers = vec![("content-type".into(), "application/json".into())];
    Ok(http::Response { status, headers, body: body.to_string().into_bytes() })
}

impl State {
    fn answer(&self, request: &http::Request) -> Answer {
        let body = request.body.as_deref().map_or(Value::Null, |body| serde_json::from_slice(body).unwrap());
        let id = value(&request.params, "id").unwrap_or_default();
        let mut people = self.people.lock().unwrap();
        let place = people.iter().position(|person| text(person, "id") == id);
        match request.route.as_str() {
            "me" => answer(200, &json!({"id": "acme-1", "name": "Acme Ltd"})),
            "contacts" => answer(200, &list(&people, &request.query)),
            "contact" => place.map_or_else(|| answer(404, &json!({})), |at| answer(200, &people[at])),
            "contact-create" => self.put(&mut people, None, &body),
            "contact-update" => match place {
                Some(at) => self.put(&mut people, Some(at), &body),
                None => answer(404, &json!({})),
            },
            "contact-upsert" => {
                let number = value(&request.params, "number").unwrap_or_default();
                let place = people.iter().position(|person| text(person, "number") == number);
                let mut body = body;
                body["number"] = json!(number);
                self.put(&mut people, place, &body)
            }
            other => panic!("the manifest has no route {other}: the kit lets nothing through that is not declared"),
        }
    }

    /// Makes or changes a person: what is given is set, `null` clears, what is absent stays.
    fn put(&self, people: &mut Vec<Value>, place: Option<usize>, body: &Value) -> Answer {
        if body["name"].as_str() == Some("") {
            let problem = json!({"field": "name", "code": "required", "message": "a contact needs a name"});
            return answer(422, &json!({"errors": [problem]}));
        }
        let write = self.writes.fetch_add(1, Ordering::Relaxed);
        let fresh = || json!({"id": format!("c{}", 100 + write)});
        let mut person = place.map_or_else(fresh, |at| people.remove(at));
        for (name, value) in body.as_object().expect("an object") {
            match value {
                Value::Null => drop(person.as_object_mut().unwrap().remove(name)),
                value => person[name] = value.clone(),
            }
        }
        person["updated_at"] = json!(At(i64::try_from(NOW_MS + write * 1_000).unwrap()).to_string());
        people.push(person.clone());
        answer(if place.is_some() { 200 } else { 201 }, &person)
    }
}

fn list(people: &[Value], query: &[(String, String)]) -> Value {
    let limit = value(query, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let since = value(query, "since").unwrap_or_default();
    let behind = value(query, "after_at").zip(value(query, "after_id"));
    let is_asked = |person: &&Value| {
        let place = (text(person, "updated_at"), text(person, "id"));
        let has = |name: &str| value(query, name).is_none_or(|wanted| text(person, name) == wanted);
        place.0 >= since && behind.is_none_or(|behind| place > behind) && has("number") && has("email")
    };
    let mut found: Vec<_> = people.iter().filter(is_asked).collect();
    found.sort_by_key(|person| (text(person, "updated_at"), text(person, "id")));
    json!({"more": found.len() > limit, "items": found.into_iter().take(limit).collect::<Vec<_>>()})
}

impl Broker for Client {
    fn send(&self, request: http::Request) -> BoxFuture<'_, Answer> {
        future::ready(self.0.answer(&request)).boxed()
    }

    fn send_all(&self, requests: Vec<http::Request>) -> BoxFuture<'_, Vec<Answer>> {
        future::ready(requests.iter().map(|request| self.0.answer(request)).collect()).boxed()
    }

    fn follow(&self, route: String, link: String) -> BoxFuture<'_, Answer> {
        panic!("Acme gives no links: {route} {link}")
    }

    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    fn random(&self, count: u32) -> Vec<u8> {
        vec![0; count as usize]
    }

    fn config(&self) -> String {
        "{}".into()
    }

    fn left(&self) -> Allowance {
        Allowance { requests: 0, wall_ms: 0, records: 0, response_bytes: 0 }
    }

    fn log(&self, level: Level, text: &str) {
        eprintln!("{level:?} {text}");
    }
}
