//! What a call may do with its connection's folder. A connection has one folder or none; what a plugin names stays below it
//! (`folder.rs`), is bounded, and every ask is in the journal, refused or not.
//!
//! Which calls may change something follows from what becomes of a change when the host is killed:
//!
//! - Every call may look.
//! - A call that writes (`target.write`, `settle`) may make and rename files: its intents are durable before it begins. A
//!   file is made whole or not at all and never replaces one, so that a call that is run again finds what it did before.
//! - `source.read` may rename, which is how a file is put away that has been read to its end, but only in a call that starts
//!   from a durable checkpoint. The loop reads ahead: the cursor of most calls is of changes that are still being decided,
//!   and a file put away on its word would be lost with them. Refused there, the plugin leaves the file where it is and
//!   tries at a later call; what the checkpoint covers needs the file no more, so that a kill before, between or after
//!   changes nothing but where the file lies.
//! - Nothing is ever deleted, and nothing is written in place.

use crate::gate::Purpose;
use crate::gate::door::Door;
use crate::gate::folder::{Fault, Folder, Listed};
use crate::gate::journal::shown;
use crate::store::JournalEntry;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use tollgate_core::model::connection::Connection;
use tollgate_core::model::files::{Entry, Error, verify_name};
use tollgate_core::model::{Manifest, http, limits};

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    /// List and read.
    Look,
    /// Rename too.
    Move,
    /// Make files too.
    Make,
}

impl Right {
    pub(super) fn of(purpose: &Purpose) -> Self {
        match purpose {
            Purpose::Check | Purpose::Discover | Purpose::Read | Purpose::Lookup => Right::Look,
            Purpose::ReadFromCheckpoint => Right::Move,
            Purpose::Write { .. } => Right::Make,
        }
    }
}

/// Holds a connection's folder against its plugin's manifest: one sentence for each thing that is wrong.
pub fn verify_files(connection: &Connection, manifest: &Manifest) -> Vec<String> {
    let is_asked = manifest.plugin.capabilities.contains("files");
    let fault = match (&connection.files, is_asked) {
        (None, false) => return Vec::new(),
        (None, true) => "the plugin works on files: name its folder under `files: { folder: .. }`".to_owned(),
        (Some(_), false) => format!("plugin `{}` does not ask for `files`: take them out", connection.plugin),
        (Some(files), true) => match Path::new(&files.folder) {
            folder if folder.is_absolute() => return Vec::new(),
            _ => format!("folder `{}` is not absolute", files.folder),
        },
    };
    vec![fault]
}

/// One ask of a plugin.
pub(super) struct Ask<'a> {
    /// `list`, `read`, `write`, `rename`: stands in the journal as `files:read`.
    pub(super) act: &'static str,
    /// What the call must be allowed.
    pub(super) right: Right,
    /// The names in it; an empty one is the folder itself, in a listing only.
    pub(super) names: &'a [&'a str],
    /// Bytes that the plugin hands over.
    pub(super) bytes: u64,
}

/// What an ask brought, for the journal.
trait Weight {
    fn bytes(&self) -> u64 {
        0
    }
    /// What a person should know although it went well.
    fn remark(&self) -> String {
        String::new()
    }
}

impl Weight for () {}

impl Weight for Vec<u8> {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }
}

impl Weight for Listed {
    fn remark(&self) -> String {
        match self.odd {
            0 => String::new(),
            odd => format!("{odd} entries are not offered: no plain files, or names that cannot be asked for"),
        }
    }
}

impl Door {
    pub(super) async fn list_names(&self, folder: String, after: String, most: u32) -> Result<Vec<Entry>, Error> {
        let ask = Ask { act: "list", right: Right::Look, names: &[&folder], bytes: 0 };
        let most = (most as usize).min(limits::FILES_PAGE_MAX);
        let inside = folder.clone();
        let listed = self.ask_files(ask, move |opened| opened.list(&inside, &after, most)).await?;
        Ok(listed.entries)
    }

    pub(super) async fn read_piece(&self, name: String, offset: u64, most: u32) -> Result<Vec<u8>, Error> {
        let left = self.call.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(Error::TooLarge(0));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(most as usize).min(limits::FILE_READ_BYTES_MAX);
        let ask = Ask { act: "read", right: Right::Look, names: &[&name], bytes: 0 };
        let inside = name.clone();
        let bytes = self.ask_files(ask, move |opened| opened.read(&inside, offset, most)).await?;
        self.call.left.update(Ordering::Relaxed, Ordering::Relaxed, |left| left.saturating_sub(bytes.len() as u64));
        Ok(bytes)
    }

    pub(super) async fn make(&self, name: String, content: Vec<u8>) -> Result<(), Error> {
        let mut token = [0; 8];
        self.call.gate.clock.fill_random(&mut token);
        let token = u64::from_le_bytes(token);
        let ask = Ask { act: "write", right: Right::Make, names: &[&name], bytes: content.len() as u64 };
        let inside = name.clone();
        self.ask_files(ask, move |opened| opened.create(&inside, &content, token)).await
    }

    pub(super) async fn put(&self, from: String, to: String) -> Result<(), Error> {
        let ask = Ask { act: "rename", right: Right::Move, names: &[&from, &to], bytes: 0 };
        let (old, new) = (from.clone(), to.clone());
        self.ask_files(ask, move |opened| opened.rename(&old, &new)).await
    }

    /// Decides, does it on a thread for that, and writes it down.
    async fn ask_files<T: Weight + Send + 'static>(
        &self,
        ask: Ask<'_>,
        act: impl FnOnce(Folder) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let mut entry = self.file_entry(&ask);
        let done = match self.allow(&ask) {
            Err(fault) => Err(fault),
            Ok(folder) => tokio::task::spawn_blocking(move || Folder::open(&folder).and_then(act))
                .await
                .unwrap_or_else(|_| Err(Fault::Other("the ask broke off".into()))),
        };
        match &done {
            Ok(brought) => {
                entry.decision = "done".into();
                entry.response_bytes = brought.bytes();
                entry.error = brought.remark();
            }
            Err(Fault::Denied(rule, message)) => {
                entry.decision = format!("denied:{rule}");
                entry.error.clone_from(message);
            }
            Err(fault) => {
                entry.decision = "done".into();
                entry.error = text_of(fault);
            }
        }
        self.call.journal.ended(&mut entry);
        self.tick();
        self.call.journal.put(entry).await.map_err(unwritten)?;
        done.map_err(outward)
    }

    fn file_entry(&self, ask: &Ask<'_>) -> JournalEntry {
        let path: Vec<String> = ask.names.iter().map(|name| shown(name)).collect();
        JournalEntry {
            method: ask.act.to_uppercase(),
            path: path.join(" -> "),
            request_bytes: ask.bytes,
            ..self.call.journal.entry(&format!("files:{}", ask.act))
        }
    }

    /// The folder, if the call may do this.
    fn allow(&self, ask: &Ask<'_>) -> Result<PathBuf, Fault> {
        let denied = |rule, message: String| Err(Fault::Denied(rule, message));
        let Some(files) = &self.call.journal.line.opened.files else {
            return denied("files", "the connection has no folder".into());
        };
        if self.wall_ms() == 0 {
            return denied("deadline", "the time of this call is over".into());
        }
        if self.asked.fetch_add(1, Ordering::Relaxed) >= limits::GUEST_REQUESTS_MAX {
            return denied("requests", format!("a call makes at most {} requests", limits::GUEST_REQUESTS_MAX));
        }
        if ask.right > self.files {
            return denied("effect", not_now(ask.right).into());
        }
        if ask.right == Right::Make && !(self.call.lease)() {
            return denied("lease", "this node does not hold the flow any more".into());
        }
        for name in ask.names {
            let is_folder_itself = name.is_empty() && ask.act == "list";
            if let (false, Err(message)) = (is_folder_itself, verify_name(name)) {
                return denied("name", message);
            }
        }
        Ok(PathBuf::from(&files.folder))
    }
}

fn not_now(right: Right) -> &'static str {
    match right {
        Right::Look => "this call may not look at files",
        Right::Move => "this call may not rename: only a write may, and a read that starts from a durable checkpoint",
        Right::Make => "this call may not make files: only a write may",
    }
}

fn text_of(fault: &Fault) -> String {
    match fault {
        Fault::Denied(_, message) | Fault::Other(message) => message.clone(),
        Fault::NotFound => "not found".into(),
        Fault::Exists => "there is one of this name".into(),
    }
}

fn outward(fault: Fault) -> Error {
    match fault {
        Fault::Denied(rule, message) => Error::Denied(format!("{rule}: {message}")),
        Fault::NotFound => Error::NotFound,
        Fault::Exists => Error::Exists,
        Fault::Other(message) => Error::Other(message),
    }
}

fn unwritten(error: http::Error) -> Error {
    match error {
        http::Error::Other(message) => Error::Other(message),
        _ => Error::Other("the ask could not be written down".into()),
    }
}
