//! One page: puts away what is done, goes on in the file that was begun or begins the next one, and says where it stands.

use crate::config::Stream;
use crate::drop;
use crate::place::{At, DONE_MAX, Done, Identity, Place};
use crate::record::{Header, place_key, unreadable};
use crate::rows::{Next as NextRow, Rows};
use tollgate_sdk::{Change, Later, Next, Page, ReadRequest, Result, log};

/// Rows of one page, half of what the contract allows.
const ROWS_MAX: usize = 1_000;
/// Bytes of one page, half of what the contract allows.
const BYTES_MAX: usize = 4 << 20;
/// How long to wait until the host has stored how far it is.
const STORE_MS: u32 = 1_000;

/// The next page of the stream.
pub(crate) fn read(stream: &Stream, request: &ReadRequest) -> Result<Page> {
    let mut place = Place::read(request.cursor.as_deref())?;
    let mut entries = drop::list(stream)?;
    drop::put_away(stream, &mut entries, &mut place)?;
    if place.done.len() >= DONE_MAX {
        let reason = format!("{} files wait for the checkpoint that covers them", place.done.len());
        return Ok(page(Vec::new(), Next::Wait(Later { ticket: place.print(), after_ms: STORE_MS, reason })));
    }
    let begun = place.at.take().filter(|at| {
        let is_same = entries.iter().any(|entry| Identity::from(entry) == at.file);
        if !is_same {
            log::warn(format!("`{}` changed or went away while it was read: what is there is read anew", at.file.name));
        }
        is_same
    });
    let at = match begun {
        Some(at) => at,
        None => match drop::next(&entries, &place)? {
            Some(file) => At { file, offset: 0, row: 0 },
            None => return Ok(page(Vec::new(), Next::CaughtUp(place.print()))),
        },
    };
    let (changes, end) = rows(stream, request, at)?;
    match end {
        End::More(at) => place.at = Some(at),
        End::Done(done) => place.done.push(done),
    }
    let is_more = place.at.is_some() || drop::next(&entries, &place)?.is_some();
    let cursor = place.print();
    Ok(page(changes, if is_more { Next::More(cursor) } else { Next::CaughtUp(cursor) }))
}

fn page(changes: Vec<Change>, next: Next) -> Page {
    Page { changes, next, seen_up_to: None }
}

enum End {
    More(At),
    Done(Done),
}

/// Reads rows until the page is full or the file ends.
fn rows(stream: &Stream, request: &ReadRequest, mut at: At) -> Result<(Vec<Change>, End)> {
    let name = at.file.name.clone();
    let mut changes = Vec::new();
    let reject = |mut changes: Vec<Change>, at: At, why: &str| {
        let key = place_key(&format!("file:{}", at.file.name));
        changes.push(unreadable(&request.stream, key, &format!("{}: {why}", at.file.name)));
        Ok((changes, End::Done(Done { file: at.file, is_rejected: true })))
    };
    let header = match header(stream, &mut at)? {
        Ok(header) => header,
        Err(why) => return reject(changes, at, &why),
    };
    let mut rows = Rows::new(stream.inside(&name), at.file.bytes, at.offset, stream.delimiter_byte());
    let mut bytes = 0;
    while changes.len() < ROWS_MAX && bytes < BYTES_MAX {
        match rows.next()? {
            NextRow::Row(row) => {
                (at.offset, at.row) = (row.end, at.row + 1);
                let change = header.change(stream, request, (&name, at.row), &row.cells);
                bytes += change.data.len() + change.key.len();
                changes.push(change);
            }
            NextRow::End => return Ok((changes, End::Done(Done { file: at.file, is_rejected: false }))),
            NextRow::TooLong => {
                let why = format!("row {} does not end: a quote is open that is never closed", at.row + 1);
                return reject(changes, at, &why);
            }
        }
    }
    Ok((changes, End::More(at)))
}

/// The header: of the settings, or the file's first row, behind which reading then begins.
fn header(stream: &Stream, at: &mut At) -> Result<std::result::Result<Header, String>> {
    if let Some(names) = &stream.header {
        let cells: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        return Ok(Header::new(stream, &cells));
    }
    let mut rows = Rows::new(stream.inside(&at.file.name), at.file.bytes, 0, stream.delimiter_byte());
    Ok(match rows.next()? {
        NextRow::Row(row) => {
            if at.offset < row.end {
                (at.offset, at.row) = (row.end, 1);
            }
            Header::new(stream, &row.cells)
        }
        NextRow::End => Err("it is empty: not even a header is in it".into()),
        NextRow::TooLong => Err("its header does not end".into()),
    })
}
