//! How the way of one record is shown: a line for each step, in the order in which they are taken.

use super::show::text;
use serde_json::Value;

/// The steps of a record on its way to a verdict.
pub(super) fn steps(body: &Value) -> Vec<String> {
    let mut steps = Vec::new();
    let record = &body["record"];
    let from =
        if record["taken_from"] == "source" { "fetched from its source" } else { "taken from what is set aside" };
    steps.push(format!("record    {} {}: {from}", text(&record["stream"]), text(&record["key"])));
    steps.push(match &body["known"] {
        Value::Null => "known     no: the flow has not seen it yet".to_owned(),
        known => format!("known     yes, as {}; last: {}", text(&known["entity_id"]), text(&known["outcome"])),
    });
    if let Value::Object(waiting) = &body["set_aside"] {
        let word = |name: &str| waiting.get(name).map(text).unwrap_or_default();
        steps.push(format!("set aside {} by `{}` since {}", word("kind"), word("rule"), word("since")));
    }
    for one in list(&body["matches"]) {
        steps.push(format!("looked up {} = {} in the target", text(&one["to"]), text(&one["value"])));
    }
    steps.push(match &body["counterpart"] {
        Value::Null => "target    has no record of it".to_owned(),
        found => format!("target    {} ({})", text(&found["key"]), text(&found["how"])),
    });
    if let Value::Object(when) = &body["predicate"] {
        let said = match when.get("holds").and_then(Value::as_bool) {
            Some(true) => "holds".to_owned(),
            Some(false) => "does not hold".to_owned(),
            None => format!("cannot be decided: {}", when.get("why").map(text).unwrap_or_default()),
        };
        let values = list(when.get("values").unwrap_or(&Value::Null)).iter();
        let values: Vec<_> = values.map(|one| format!("{} = {}", text(&one["from"]), text(&one["value"]))).collect();
        let when = when.get("text").map(text).unwrap_or_default();
        steps.push(format!("when      {when} {said} ({})", values.join(", ")));
    }
    steps.extend(list(&body["fields"]).iter().map(|path| format!("field     {}", field(path))));
    for lines in list(&body["lines"]) {
        steps.push(format!("lines     {}: {}", text(&lines["list"]), text(&lines["count"])));
        for (number, line) in list(&lines["lines"]).iter().enumerate() {
            steps.extend(list(line).iter().map(|path| format!("  line {:<3}{}", number + 1, field(path))));
        }
        steps.extend(lines["stop"]["message"].as_str().map(|message| format!("          {message}")));
    }
    verdict(&body["verdict"], &mut steps);
    steps
}

fn verdict(verdict: &Value, steps: &mut Vec<String>) {
    steps.push(format!("verdict   {}: {}", text(&verdict["is"]), text(&verdict["why"])));
    for (title, value) in [("key", &verdict["key"]), ("data", &verdict["data"]), ("flags", &verdict["flags"])] {
        if !value.is_null() {
            steps.push(format!("          {title} {}", text(value)));
        }
    }
    if let Value::Object(link) = &verdict["link"] {
        let part = |name: &str| link.get(name).map(text).unwrap_or_default();
        steps.push(format!("          link {} = {}", part("to"), part("value")));
    }
    for stop in list(&verdict["stops"]) {
        let (field, rule) = (text(&stop["field"]), text(&stop["rule"]));
        steps.push(format!("          {field} [{rule}] {}", text(&stop["message"])));
    }
}

/// `name: Name "x" -> trim "y" -> table t "z" -> text -> companyName "z"`.
fn field(path: &Value) -> String {
    let quoted = |value: &Value| if value.is_null() { "nothing".to_owned() } else { text(&value.to_string().into()) };
    let mut way = format!("{}: {} {}", text(&path["field"]), text(&path["from"]), quoted(&path["value"]));
    if !path["cleaned"].is_null() {
        way.push_str(&format!(" -> {} {}", text(&path["rules"]), quoted(&path["cleaned"])));
    }
    if let Value::Object(table) = &path["table"]
        && table.contains_key("from")
    {
        let row = table.get("to").map_or_else(|| "no row".to_owned(), quoted);
        way.push_str(&format!(" -> table {} {row}", table.get("name").map(text).unwrap_or_default()));
    }
    way.push_str(&format!(" -> {}", text(&path["reads"])));
    if let Value::Object(refers) = &path["reference"] {
        way.push_str(&format!(
            " to {} {}",
            refers.get("entity").map(text).unwrap_or_default(),
            quoted(&refers["named"])
        ));
    }
    let (end, to) = (text(&path["end"]), text(&path["to"]));
    match path["end"].as_str() {
        Some("sent" | "defaulted") => way.push_str(&format!(" -> {to} {} ({end})", quoted(&path["sent"]))),
        Some("kept" | "cleared") => way.push_str(&format!(" -> {to} ({end}; blank: {})", text(&path["blank"]))),
        _ => way.push_str(&format!(" -> {end}: {}", text(&path["stop"]["message"]))),
    }
    if path["is_owned"] == false {
        way.push_str(" [first value of a new record only]");
    }
    way
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Each step of a record is one line, from where it was taken to why it is not written; what is absent has no line.
    #[test]
    fn every_step_is_a_line() {
        let country = json!({"field": "country", "from": "BillingCountry", "value": " Atlantis", "cleaned": "Atlantis",
            "rules": ["trim"], "table": {"name": "country", "from": "Atlantis"}, "reads": "country", "end": "refused",
            "to": "c", "blank": "keep", "is_owned": true, "stop": {"message": "no country"}});
        let body = json!({
            "record": {"key": "1", "stream": "Account", "taken_from": "source"},
            "predicate": {"text": "a == 1", "holds": false, "values": [{"from": "a", "value": 2}]},
            "fields": [country], "lines": [], "matches": [],
            "verdict": {"is": "exception", "why": "it is refused", "stops": [{"field": "country", "rule": "country", "message": "mend it"}]},
        });
        assert_eq!(
            steps(&body),
            [
                "record    Account 1: fetched from its source",
                "known     no: the flow has not seen it yet",
                "target    has no record of it",
                "when      a == 1 does not hold (a = 2)",
                "field     country: BillingCountry \" Atlantis\" -> trim \"Atlantis\" -> table country no row -> country -> refused: no country",
                "verdict   exception: it is refused",
                "          country [country] mend it",
            ]
        );
    }
}
