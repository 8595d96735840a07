//! Makes a change of a row.

use crate::config::{Kind, Stream};
use tollgate_sdk::json::{self, Json, Map, json};
use tollgate_sdk::{Change, ReadRequest};

/// Bytes that a key may have, as the contract says.
const KEY_BYTES_MAX: usize = 255;

/// What the rows of a file mean.
pub(crate) struct Header {
    columns: Vec<String>,
    /// Places of the key's columns.
    key: Vec<usize>,
}

impl Header {
    /// Reads the names of the columns.
    ///
    /// # Errors
    /// Why no row below it can be read.
    pub(crate) fn new(stream: &Stream, cells: &[Vec<u8>]) -> Result<Self, String> {
        let mut columns: Vec<String> = Vec::with_capacity(cells.len());
        for cell in cells {
            let name = std::str::from_utf8(cell).map_err(|_| "the header is no UTF-8".to_owned())?.trim();
            if columns.iter().any(|known| known == name) {
                return Err(format!("the header names `{name}` twice"));
            }
            columns.push(name.to_owned());
        }
        let place = |key| columns.iter().position(|column| column == key).ok_or(key);
        let key: Result<Vec<usize>, &String> = stream.key.iter().map(place).collect();
        let key =
            key.map_err(|missing| format!("the header lacks the key `{missing}`; it has {}", columns.join(", ")))?;
        Ok(Self { columns, key })
    }

    /// The change of a row; one that the host will refuse, with the reason, if it cannot be read.
    pub(crate) fn change(&self, stream: &Stream, request: &ReadRequest, at: (&str, u64), cells: &[Vec<u8>]) -> Change {
        let (file, row) = at;
        let key = self.key(cells);
        let data = match &key {
            Err(why) => Err(why.clone()),
            Ok(_) => self.data(stream, request, cells),
        };
        let key = key.unwrap_or_else(|_| place_key(&format!("{file}:{row}")));
        match data {
            Ok(data) => Change::whole(&request.stream, key, &Json::Object(data)),
            Err(why) => unreadable(&request.stream, key, &format!("{file}, row {row}: {why}")),
        }
    }

    fn key(&self, cells: &[Vec<u8>]) -> Result<String, String> {
        let mut parts = Vec::with_capacity(self.key.len());
        for place in &self.key {
            let cell = cells.get(*place).map(Vec::as_slice).unwrap_or_default();
            let text = std::str::from_utf8(cell).map_err(|_| "its key is no UTF-8".to_owned())?;
            if text.is_empty() || text.contains('\0') {
                return Err(format!("its key `{}` is empty or holds U+0000", self.columns[*place]));
            }
            parts.push(text.replace('\\', "\\\\").replace('|', "\\|"));
        }
        // One column needs no sign between, so that its values stay as they are.
        let key = match (&parts[..], self.key.as_slice()) {
            ([_], [place]) => String::from_utf8_lossy(&cells[*place]).into_owned(),
            _ => parts.join("|"),
        };
        if key.len() > KEY_BYTES_MAX {
            return Err(format!("its key has {} bytes; at most {KEY_BYTES_MAX}", key.len()));
        }
        Ok(key)
    }

    fn data(&self, stream: &Stream, request: &ReadRequest, cells: &[Vec<u8>]) -> Result<Map<String, Json>, String> {
        if cells.len() != self.columns.len() {
            return Err(format!("{} cells for {} columns", cells.len(), self.columns.len()));
        }
        let mut data = Map::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let is_wanted = request.fields.is_empty() || request.fields.iter().any(|field| field == column);
            if !is_wanted || cell.is_empty() {
                continue;
            }
            let kind = stream.columns.get(column).copied().unwrap_or(Kind::Text);
            let text = std::str::from_utf8(cell).map_err(|_| format!("column `{column}` is no UTF-8"))?;
            let value = value(kind, text, stream.decimal_comma);
            let value = value.ok_or_else(|| format!("column `{column}`: `{}` is no {}", brief(text), word(kind)))?;
            data.insert(column.clone(), value);
        }
        Ok(data)
    }
}

/// A change that says why its record cannot be read.
pub(crate) fn unreadable(stream: &str, key: String, why: &str) -> Change {
    Change::whole(stream, key, &json!(why))
}

/// A key made of a place in a file, cut to what a key may have.
pub(crate) fn place_key(text: &str) -> String {
    text.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect()
}

fn value(kind: Kind, text: &str, decimal_comma: bool) -> Option<Json> {
    match kind {
        Kind::Text | Kind::Date | Kind::DateTime => Some(json!(text)),
        Kind::Decimal if decimal_comma => {
            let is_plain = !text.contains('.') && text.matches(',').count() <= 1;
            is_plain.then(|| json::number(&text.replace(',', "."))).flatten()
        }
        Kind::Decimal => json::number(text),
        Kind::Integer => {
            let digits = text.trim().trim_start_matches('-');
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| json::number(text)).flatten()
        }
        Kind::Boolean => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(json!(true)),
            "false" | "0" => Some(json!(false)),
            _ => None,
        },
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Decimal => "decimal",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean (true, false, 1, 0)",
        Kind::Text | Kind::Date | Kind::DateTime => "text",
    }
}

fn brief(text: &str) -> String {
    text.chars().take(60).collect()
}
