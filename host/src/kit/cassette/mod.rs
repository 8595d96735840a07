//! Cassettes: what a system answered once, so that a plugin is tested without it.
//!
//! A file of JSON Lines: the first line is the frame (plugin, time, settings), each further line one exchange, in the
//! order in which they were made. [`Recorder`] is a stage before another stage that writes one down; [`Cassette`] is a
//! stage that answers from one. A request is found by all that it says: route, path, query, headers, body. The same
//! request asked again gets the next answer that was recorded for it; a read that was answered for the last time keeps its
//! last answer.

mod clean;
mod record;
mod replay;
mod tape;

pub use record::Recorder;
pub use replay::Cassette;
