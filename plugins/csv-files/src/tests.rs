//! What becomes of files, against a scripted folder.

use crate::CsvFiles;
use tollgate_sdk::json::{self, Json, json};
use tollgate_sdk::testing::Host;
use tollgate_sdk::{Change, Connector, Failure, Next, Page, ReadRequest, Source};

const NOW_MS: u64 = 1_763_749_000_000;

fn host(stream: Json) -> Host {
    let host = Host::new();
    host.clock(NOW_MS);
    host.config(json!({"streams": {"s": stream}, "settle_s": 0}));
    host
}

fn plain() -> Host {
    host(
        json!({"folder": "in", "key": ["Id"], "columns": {"Revenue": "decimal", "Staff": "integer", "Active": "boolean"}}),
    )
}

fn read(cursor: Option<&str>) -> Page {
    let request =
        ReadRequest { stream: "s".into(), cursor: cursor.map(Into::into), fields: vec![], only: vec![], overlap_ms: 0 };
    CsvFiles::read(request).unwrap()
}

/// Reads to the end; all changes and the last cursor.
fn read_all(cursor: Option<&str>) -> (Vec<Change>, String) {
    let (mut changes, mut cursor) = (Vec::new(), cursor.map(str::to_owned));
    loop {
        let page = read(cursor.as_deref());
        changes.extend(page.changes);
        match page.next {
            Next::More(next) => cursor = Some(next),
            Next::CaughtUp(next) => return (changes, next),
            Next::Wait(wait) => panic!("{}", wait.reason),
        }
    }
}

fn shown(changes: &[Change]) -> Vec<(&str, &str)> {
    changes.iter().map(|change| (change.key.as_str(), change.data.as_str())).collect()
}

/// The manifest is one that a host accepts, and names the settings that the code reads.
#[test]
fn the_manifest() {
    let manifest = tollgate_core::model::Manifest::parse(include_str!("../plugin.toml")).unwrap();
    assert_eq!(
        manifest.settings.iter().map(|setting| setting.name.as_str()).collect::<Vec<_>>(),
        ["streams", "settle_s"]
    );
    assert!(manifest.plugin.capabilities.contains("files"));
}

/// Quotes, line ends of both kinds, a byte order mark, a missing last line end, empty cells, digits: each row is the record
/// that it says.
#[test]
fn rows_become_records() {
    let host = plain();
    host.file("in/a.csv", "\u{feff}Id,Name,Revenue,Staff,Active\r\n1,\"Acme, \"\"Inc\"\"\",1234.500,7,TRUE\r\n2,\"two\nlines\",-0.10,,0\n\n3,Müller,,12,");
    let (changes, _) = read_all(None);
    assert_eq!(
        shown(&changes),
        [
            ("1", r#"{"Active":true,"Id":"1","Name":"Acme, \"Inc\"","Revenue":1234.500,"Staff":7}"#),
            ("2", r#"{"Active":false,"Id":"2","Name":"two\nlines","Revenue":-0.10}"#),
            ("3", r#"{"Id":"3","Name":"Müller","Staff":12}"#),
        ]
    );
}

/// What a stream may say of its files: another delimiter, decimal commas, no header row, a key of several columns.
#[test]
fn files_of_other_kinds() {
    let stream = json!({"pattern": "x-*.txt", "key": ["a", "b"], "delimiter": ";", "decimal_comma": true,
        "header": ["a", "b", "sum"], "columns": {"sum": "decimal"}});
    let host = host(stream);
    host.file("x-1.txt", "p|q;r;1234,50\np;q|r;7\n");
    host.file("y-1.txt", "not;of;us\n");
    let (changes, _) = read_all(None);
    assert_eq!(
        shown(&changes),
        [("p\\|q|r", r#"{"a":"p|q","b":"r","sum":1234.50}"#), ("p|q\\|r", r#"{"a":"p","b":"q|r","sum":7}"#),]
    );
}

/// A row that cannot be read is handed over with its place and the reason, under its own key where that could be read, and
/// its neighbours are read.
#[test]
fn bad_rows_are_handed_over() {
    let host = plain();
    let mut file = b"Id,Revenue,Staff,Active\n1,abc,1,1\n2,1,1.5,1\n3,1,1,maybe\n4,1,1\n,1,1,1\n".to_vec();
    file.extend(b"7,1,\xff,1\n\xff,1,1,1\n9,1,1,1\n");
    host.file("in/a.csv", file);
    let (changes, _) = read_all(None);
    let expected = [
        ("1", "a.csv, row 2: column `Revenue`: `abc` is no decimal"),
        ("2", "a.csv, row 3: column `Staff`: `1.5` is no integer"),
        ("3", "a.csv, row 4: column `Active`: `maybe` is no boolean (true, false, 1, 0)"),
        ("4", "a.csv, row 5: 3 cells for 4 columns"),
        ("a.csv:6", "a.csv, row 6: its key `Id` is empty or holds U+0000"),
        ("7", "a.csv, row 7: column `Staff` is no UTF-8"),
        ("a.csv:8", "a.csv, row 8: its key is no UTF-8"),
    ];
    for ((key, why), change) in expected.iter().zip(&changes) {
        assert_eq!((change.key.as_str(), json::parse(&change.data).unwrap()), (*key, json!(why)));
    }
    assert_eq!((changes.len(), changes[7].key.as_str()), (8, "9"));
    assert!(changes[7].data.starts_with('{'));
}

/// A file that cannot be read as a whole is one record that says so, and is put away as rejected; the next one is read.
#[test]
fn bad_files_are_rejected() {
    let endless = format!("Id\n1\n\"{}", "x".repeat(3 << 20));
    for (content, why, rows) in [
        ("Name\nx\n", "a.csv: the header lacks the key `Id`; it has Name", 0),
        ("Id,Id\n1,2\n", "a.csv: the header names `Id` twice", 0),
        ("", "a.csv: it is empty: not even a header is in it", 0),
        (endless.as_str(), "a.csv: row 3 does not end: a quote is open that is never closed", 1),
    ] {
        let host = plain();
        host.file("in/a.csv", content);
        host.file("in/b.csv", "Id\n2\n");
        let (changes, cursor) = read_all(None);
        assert_eq!(changes.len(), rows + 2, "{why}");
        assert_eq!((changes[rows].key.as_str(), json::parse(&changes[rows].data).unwrap()), ("file:a.csv", json!(why)));
        assert_eq!(changes[rows + 1].key, "2");
        read_all(Some(&cursor));
        assert_eq!(host.files(), ["in/archive/b.csv", "in/rejected/a.csv"]);
    }
}

/// Pages of 1,000 rows across pieces of a megabyte: each row comes once, in order, whatever the edge falls into, and each
/// page goes on from its cursor alone.
#[test]
fn pages_have_edges() {
    let host = plain();
    let row = |id: usize| format!("{id},\"{}\"\n", "é\n\"\"".repeat(id % 400));
    host.file("in/a.csv", "Id,Text\n".to_owned() + &(0..2_500).map(row).collect::<String>());
    let mut cursor = None;
    let mut sizes = Vec::new();
    let mut keys = Vec::new();
    loop {
        let page = read(cursor.as_deref());
        assert_eq!(page, read(cursor.as_deref()), "the same cursor, the same page");
        sizes.push(page.changes.len());
        for change in page.changes {
            let text = "é\n\"".repeat(keys.len() % 400);
            let data = json::parse(&change.data).unwrap();
            assert_eq!(data["Text"].as_str().unwrap_or_default(), text, "{}", change.key);
            keys.push(change.key);
        }
        match page.next {
            Next::More(next) => cursor = Some(next),
            _ => break,
        }
    }
    assert_eq!(keys, (0..2_500).map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!(sizes, [1_000, 1_000, 500]);
}

/// A file is put away only when the host allows it, and until then it is not read again; put away without the host having
/// stored so, it is not missed. A name that the archive holds gets the file's time.
#[test]
fn files_are_put_away_in_time() {
    let host = plain();
    host.file("in/a.csv", "Id\n1\n");
    host.file("in/archive/a.csv", "Id\nold\n");
    host.hold_renames(true);
    let (changes, cursor) = read_all(None);
    assert_eq!(changes.len(), 1);
    let (again, still) = read_all(Some(&cursor));
    assert_eq!((again.len(), &still), (0, &cursor), "too early: nothing moved, nothing is read twice");
    host.hold_renames(false);
    let (_, later) = read_all(Some(&cursor));
    assert_eq!(host.files(), ["in/archive/a.csv".to_owned(), format!("in/archive/a.csv~{NOW_MS}")]);
    // Killed before that page was stored: the same cursor comes again.
    assert_eq!(read_all(Some(&cursor)), (vec![], later));
}

/// A new file of the same name is another file, before and after the first one was put away; one that changes while it is
/// read is begun again.
#[test]
fn names_come_again() {
    let host = plain();
    host.file("in/a.csv", "Id\n1\n");
    host.hold_renames(true);
    let (_, cursor) = read_all(None);
    host.clock(NOW_MS + 1);
    host.file("in/a.csv", "Id\n2\n");
    host.hold_renames(false);
    let (changes, cursor) = read_all(Some(&cursor));
    assert_eq!(changes[0].key, "2");
    read_all(Some(&cursor));
    assert_eq!(host.files(), ["in/archive/a.csv"]);

    host.file("in/b.csv", "Id\n".to_owned() + &"1\n".repeat(1_500));
    let Next::More(half) = read(Some(&cursor)).next else { panic!("1,500 rows are two pages") };
    host.clock(NOW_MS + 2);
    host.file("in/b.csv", "Id\n9\n");
    assert_eq!(read_all(Some(&half)).0[0].key, "9");
    assert!(host.log()[0].contains("`b.csv` changed"), "{:?}", host.log());
}

/// A file that may still be growing, or is not called like one of ours, is left alone.
#[test]
fn unfinished_files_wait() {
    let host = plain();
    host.config(json!({"streams": {"s": {"folder": "in", "key": ["Id"]}}, "settle_s": 10}));
    host.file("in/a.csv", "Id\n1\n");
    host.file("in/b.csv.part", "Id\n2\n");
    assert_eq!(read_all(None).0, []);
    host.clock(NOW_MS + 10_000);
    assert_eq!(read_all(None).0.len(), 1);
}

/// Files that cannot be put away yet are bounded: reading waits for the host instead of growing its cursor.
#[test]
fn the_cursor_is_bounded() {
    let host = plain();
    host.hold_renames(true);
    for number in 0..crate::place::DONE_MAX + 1 {
        host.file(&format!("in/{number:03}.csv"), "Id\n1\n");
    }
    let mut cursor = None;
    let ticket = loop {
        match read(cursor.as_deref()).next {
            Next::More(next) => cursor = Some(next),
            Next::Wait(wait) => break wait.ticket,
            Next::CaughtUp(_) => panic!("one file is left"),
        }
    };
    assert!(ticket.len() < 64 << 10);
    host.hold_renames(false);
    assert_eq!(read_all(Some(&ticket)).0.len(), 1, "room again");
}

/// Settings and cursors that cannot be understood are named; the columns that are known are described.
#[test]
fn settings_are_understood_or_refused() {
    for (stream, says) in [
        (json!({}), "missing field `key`"),
        (json!({"key": []}), "`key` must name"),
        (json!({"key": ["a"], "delimiter": "é"}), "one ASCII character"),
        (json!({"key": ["a"], "decimal_comma": true}), "another delimiter"),
        (json!({"key": ["a"], "header": ["b"]}), "lacks a column"),
        (json!({"key": ["a"], "columns": {"a": "money"}}), "unknown variant `money`"),
    ] {
        let _host = host(stream);
        let Err(Failure::Misconfigured(text)) = CsvFiles::discover() else { panic!("taken: {says}") };
        assert!(text.contains("stream `s`") && text.contains(says), "{text}");
    }
    let host = plain();
    assert!(matches!(CsvFiles::check(), Err(Failure::Misconfigured(_))), "there is no folder `in` yet");
    host.file("in/a.csv", "Id\n1\n");
    CsvFiles::check().unwrap();
    let streams = CsvFiles::discover().unwrap();
    let paths: Vec<_> = streams[0].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["Active", "Id", "Revenue", "Staff"]);
    let request =
        ReadRequest { stream: "s".into(), cursor: Some("7".into()), fields: vec![], only: vec![], overlap_ms: 0 };
    assert!(matches!(CsvFiles::read(request.clone()), Err(Failure::CursorExpired(_))));
    assert!(matches!(CsvFiles::read(ReadRequest { stream: "t".into(), ..request }), Err(Failure::Unsupported(_))));
}
