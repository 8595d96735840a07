//! How answers are shown: tables and plain lines for people, JSON for programs. Colours only where somebody looks, and not
//! with `NO_COLOR` (`anstream` sees to both).

use super::ask::{Column, Show};
use anstream::println;
use anstyle::{AnsiColor, Style};
use serde_json::Value;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();

/// Prints an answer for people.
pub(super) fn answer(show: &Show, body: &Value) {
    match show {
        Show::Said(line) => println!("{}", fill(line, body)),
        Show::Whole => whole(body, 0),
        Show::Text(pointer) => std::print!("{}", text(body.pointer(pointer).unwrap_or(&Value::Null))),
        Show::Rows(columns) => rows(body["items"].as_array().map_or(&[][..], Vec::as_slice), columns),
        Show::Changes => changes(body),
        Show::Status => status(body),
        Show::Tried => super::tried::steps(body).iter().for_each(|step| println!("{step}")),
    }
}

/// A sentence with the values of an answer in it: `{/revision}`.
pub(super) fn fill(line: &str, body: &Value) -> String {
    let mut filled = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{/") {
        let (pointer, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(&text(body.pointer(&format!("/{pointer}")).unwrap_or(&Value::Null)));
        rest = after;
    }
    filled + rest
}

/// A value as one piece of text without terminal controls: what a vendor's system holds must not drive a terminal.
pub(super) fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(|value| !value.is_object()) => {
            values.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Value::Array(values) => {
            let words = |value: &Value| match value {
                Value::Object(members) => members.values().map(text).collect::<Vec<_>>().join(" "),
                other => text(other),
            };
            values.iter().map(words).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}

/// Prints a table; says so when there is nothing in it.
pub(super) fn rows(items: &[Value], columns: &[Column]) {
    if items.is_empty() {
        println!("{FAINT}none{FAINT:#}");
        return;
    }
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(columns.iter().map(|(title, _)| *title));
    for item in items {
        let cell = |(_, pointer): &Column| text(item.pointer(pointer).unwrap_or(&Value::Null)).replace('\n', " ");
        table.add_row(columns.iter().map(cell));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for (number, line) in table.lines().enumerate() {
        let line = line.trim_end();
        if number == 0 { println!("{TITLE}{line}{TITLE:#}") } else { println!("{line}") }
    }
}

/// Prints everything that an answer holds, names in front, what is inside indented.
fn whole(value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            let width = members.keys().map(String::len).max().unwrap_or(0);
            for (name, value) in members {
                let title = name.replace('_', " ");
                match value {
                    Value::Object(inside) if !inside.is_empty() => {
                        println!("{indent}{TITLE}{title}{TITLE:#}");
                        whole(value, depth + 1);
                    }
                    Value::Array(items) if items.iter().any(Value::is_object) => {
                        println!("{indent}{TITLE}{title}{TITLE:#}");
                        items.iter().for_each(|item| whole(item, depth + 1));
                    }
                    _ => println!("{indent}{TITLE}{title:width$}{TITLE:#}  {}", text(value)),
                }
            }
            if depth > 0 && members.len() > 3 {
                println!();
            }
        }
        other => println!("{indent}{}", text(other)),
    }
}

/// Prints what a change of configuration changes.
fn changes(body: &Value) {
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let (changes, rows) = (list("changes"), list("rows"));
    for change in &changes {
        let what = format!("{} {} {}", text(&change["change"]), text(&change["kind"]), text(&change["name"]));
        println!("{TITLE}{what}{TITLE:#}");
        for line in text(&change["difference"]).lines() {
            let style = match line.as_bytes().first() {
                Some(b'+') => GOOD,
                Some(b'-') => BAD,
                _ => Style::new(),
            };
            println!("  {style}{line}{style:#}");
        }
    }
    for row in &rows {
        let before = row["before"].as_str().map_or(String::new(), |before| format!(" (was {before})"));
        println!(
            "{TITLE}row{TITLE:#} {}: {} becomes {}{before}",
            text(&row["table"]),
            text(&row["from"]),
            text(&row["after"])
        );
    }
    if changes.is_empty() && rows.is_empty() {
        println!("nothing changes");
    }
}

/// Prints what is stuck, since when, and the command that mends it.
fn status(body: &Value) {
    let state = text(&body["state"]);
    let style = if state == "well" { GOOD } else { BAD };
    println!("{TITLE}host{TITLE:#}  {style}{state}{style:#}");
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    rows(&list("flows"), FLOWS);
    for trouble in list("stuck") {
        println!("{BAD}{}{BAD:#}  {}", text(&trouble["what"]), text(&trouble["why"]));
        if trouble["since"].is_string() {
            println!("  since {}", text(&trouble["since"]));
        }
        println!("  {TITLE}{}{TITLE:#}", text(&trouble["mend"]));
    }
}

const FLOWS: &[Column] = &[
    ("FLOW", "/name"),
    ("DOING", "/doing"),
    ("READ", "/tally/read"),
    ("WRITTEN", "/tally/written"),
    ("HELD", "/tally/held"),
    ("EXCEPTIONS", "/tally/exceptions"),
    ("DEAD LETTERS", "/tally/dead_letters"),
    ("IN FLIGHT", "/tally/in_flight"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A sentence takes values from anywhere in the answer; one that is not there leaves a gap and no error.
    #[test]
    fn sentences_are_filled() {
        let body = json!({"a": {"b": [1, 2]}, "name": "x", "is": true});
        let cases = [
            ("no value", "no value"),
            ("{/name} is {/is}", "x is yes"),
            ("first {/a/b/0} of {/a/b}", "first 1 of 1, 2"),
            ("gone: {/none}.", "gone: ."),
            ("open {/name", "open x"),
        ];
        for (line, filled) in cases {
            assert_eq!(fill(line, &body), filled);
        }
    }

    /// What a record or a vendor's answer holds cannot drive the terminal.
    #[test]
    fn controls_are_left_out() {
        assert_eq!(text(&json!("a\u{1b}[31mb\u{7}\u{9b}c\r")), "a[31mbc");
    }
}
