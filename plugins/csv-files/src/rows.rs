//! Cuts a file into rows, from any place at which a row begins. A file is read in pieces: only the piece in hand, and a row
//! that goes beyond it, are in memory.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use tollgate_sdk::{Result, files};

/// Bytes asked for at once.
const PIECE_BYTES: u32 = 1 << 20;
/// A longer row is a quote that was never closed.
const ROW_BYTES_MAX: usize = 1 << 20;

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its cells, as bytes: whether they are text is the record's business.
    pub(crate) cells: Vec<Vec<u8>>,
    /// The byte behind it.
    pub(crate) end: u64,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Row(Row),
    End,
    /// The row is longer than any may be.
    TooLong,
}

/// A file that is being read.
pub(crate) struct Rows {
    name: String,
    /// The file's size when it was listed: what is added later is another file.
    bytes: u64,
    reader: Reader,
    piece: Vec<u8>,
    /// Bytes of the piece that are cut already.
    used: usize,
    /// Where the piece begins in the file.
    start: u64,
}

enum Cut {
    Row { cells: Vec<Vec<u8>>, used: usize },
    End,
    More,
}

impl Rows {
    /// Begins at a byte at which a row begins.
    pub(crate) fn new(name: String, bytes: u64, offset: u64, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { name, bytes, reader, piece: Vec::new(), used: 0, start: offset }
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Next> {
        loop {
            match self.cut() {
                Cut::Row { cells, used } => {
                    self.used += used;
                    return Ok(Next::Row(Row { cells, end: self.start + self.used as u64 }));
                }
                Cut::End => return Ok(Next::End),
                Cut::More if self.piece.len() - self.used > ROW_BYTES_MAX => return Ok(Next::TooLong),
                Cut::More => self.fill()?,
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.start + self.piece.len() as u64 >= self.bytes
    }

    /// Reads the next piece behind what is not cut yet.
    fn fill(&mut self) -> Result<()> {
        self.piece.drain(..self.used);
        self.start += self.used as u64;
        self.used = 0;
        let offset = self.start + self.piece.len() as u64;
        let most = u32::try_from(self.bytes.saturating_sub(offset)).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let more = files::read(&self.name, offset, most)?;
        if more.is_empty() {
            // Cut short since it was listed: what is there is all; the next listing shows another file.
            self.bytes = offset;
        }
        self.piece.extend(more);
        Ok(())
    }

    fn cut(&mut self) -> Cut {
        let is_whole = self.is_whole();
        let input = &self.piece[self.used..];
        if input.is_empty() {
            return if is_whole { Cut::End } else { Cut::More };
        }
        self.reader.reset();
        let (mut text, mut ends) = (vec![0; 1 << 10], vec![0; 64]);
        let (mut used, mut written, mut count) = (0, 0, 0);
        loop {
            let (result, read, put, ended) =
                self.reader.read_record(&input[used..], &mut text[written..], &mut ends[count..]);
            (used, written, count) = (used + read, written + put, count + ended);
            match result {
                // At the end of the file the reader is asked once more, with nothing, which tells it so.
                ReadRecordResult::InputEmpty if is_whole => {}
                ReadRecordResult::InputEmpty => return Cut::More,
                ReadRecordResult::OutputFull => text.resize(text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                ReadRecordResult::Record => return Cut::Row { cells: cells(&text, &ends[..count]), used },
                ReadRecordResult::End => return Cut::End,
            }
        }
    }
}

fn cells(text: &[u8], ends: &[usize]) -> Vec<Vec<u8>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| text[start..*end].to_vec()).collect()
}
