//! The group committer: one task that writes what many callers wait for, or what nobody waits for, in one transaction.
//!
//! It takes the first item that comes, then all that is queued by then, and commits; no timer. While one commit waits
//! for the disk the next group gathers, so that the load itself makes the groups large.
//!
//! Items that nobody waits for (journal entries, usage) stay when a commit fails and go with the next one.

use super::answer::{self, Answer, RequestKey};
use super::journal::{self, JournalEntry};
use super::{Base, Error, usage};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tollgate_core::model::{AccountId, At, BatchId, Tenant, limits};

type Done = oneshot::Sender<Result<(), Error>>;

/// What is queued.
pub(super) enum Item {
    /// A request is about to leave.
    Mark { key: RequestKey, at: At, done: Done },
    /// A request was answered.
    Answer { key: RequestKey, answer: Answer, entry: Box<JournalEntry>, done: Done },
    /// A call was made or denied.
    Journal { tenant: Tenant, entry: Box<JournalEntry> },
    /// Calls were made to an account in an hour.
    Usage { tenant: Tenant, account: AccountId, hour: i64, calls: u64 },
}

/// The way to the task.
pub(super) struct Committer {
    queue: mpsc::Sender<Item>,
    closing: Arc<Notify>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Committer {
    pub(super) fn start(base: Arc<Base>) -> Self {
        let (queue, items) = mpsc::channel(limits::COMMIT_QUEUE_MAX);
        let closing = Arc::new(Notify::new());
        let task = tokio::spawn(run(base, items, Arc::clone(&closing)));
        Self { queue, closing, task: Mutex::new(Some(task)) }
    }

    /// Queues an item and waits until it is committed.
    pub(super) async fn write(&self, item: impl FnOnce(Done) -> Item) -> Result<(), Error> {
        let (done, written) = oneshot::channel();
        self.queue(item(done)).await?;
        written.await.unwrap_or(Err(Error::Closed))
    }

    /// Queues an item; waits only for a place in the queue.
    pub(super) async fn queue(&self, item: Item) -> Result<(), Error> {
        self.queue.send(item).await.map_err(|_| Error::Closed)
    }

    /// Takes no more items and waits until all that were taken are committed.
    pub(super) async fn close(&self) {
        self.closing.notify_one();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the group committer ended before its time");
        }
    }
}

async fn run(base: Arc<Base>, mut items: mpsc::Receiver<Item>, closing: Arc<Notify>) {
    let mut group = Group::default();
    let mut taken = Vec::with_capacity(limits::GROUP_COMMIT_MAX);
    loop {
        let count = tokio::select! {
            count = items.recv_many(&mut taken, limits::GROUP_COMMIT_MAX) => count,
            () = closing.notified() => {
                items.close();
                continue;
            }
        };
        taken.drain(..).for_each(|item| group.take(item));
        group.commit(&base).await;
        if count == 0 {
            return;
        }
    }
}

/// What goes into one transaction.
#[derive(Default)]
struct Group {
    marks: BTreeMap<RequestKey, At>,
    answers: BTreeMap<RequestKey, Answer>,
    /// The entries of the answers, which are dropped when the commit fails: their callers come back with them.
    entries: Vec<(Tenant, JournalEntry)>,
    journal: Vec<(Tenant, JournalEntry)>,
    usage: BTreeMap<(Tenant, AccountId, i64), u64>,
    marking: Vec<(RequestKey, Done)>,
    answering: Vec<Done>,
}

/// The batches whose marks were refused, each with the reason.
type Refused = HashMap<(Tenant, BatchId), Error>;

impl Group {
    fn take(&mut self, item: Item) {
        match item {
            Item::Mark { key, at, done } => {
                self.marks.insert(key.clone(), at);
                self.marking.push((key, done));
            }
            Item::Answer { key, answer, entry, done } => {
                self.entries.push((key.tenant.clone(), *entry));
                self.answers.insert(key, answer);
                self.answering.push(done);
            }
            Item::Journal { tenant, entry } => self.journal.push((tenant, *entry)),
            Item::Usage { tenant, account, hour, calls } => {
                let sum = self.usage.entry((tenant, account, hour)).or_default();
                *sum = sum.saturating_add(calls);
            }
        }
    }

    /// Commits all of it, answers those who wait, and empties the group but for what must be tried again.
    async fn commit(&mut self, base: &Base) {
        if self.is_empty() {
            return;
        }
        let mut result = self.write(base).await;
        if matches!(result, Err(Error::Contended { .. })) {
            // Another node was in the way: the same group again, once, before callers have to.
            result = self.write(base).await;
        }
        match result {
            Ok(refused) => {
                self.answer(|batch| refused.get(batch).cloned().map_or(Ok(()), Err));
                self.journal.clear();
                self.usage.clear();
            }
            Err(error) => {
                tracing::error!(%error, "a group commit failed");
                self.answer(|_| Err(error.clone()));
                self.keep_newest();
            }
        }
        self.marks.clear();
        self.answers.clear();
        self.entries.clear();
    }

    fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.answers.is_empty() && self.journal.is_empty() && self.usage.is_empty()
    }

    async fn write(&self, base: &Base) -> Result<Refused, Error> {
        let mut session = base.begin().await?;
        let mut refused = Refused::new();
        if !self.marks.is_empty() {
            refused = answer::write_marks(&mut session, base, &self.marks).await?;
        }
        answer::write_answers(&mut session, base, &self.answers).await?;
        journal::write(&mut session, self.entries.iter().chain(&self.journal)).await?;
        usage::write(&mut session, &self.usage).await?;
        base.finish(session).await?;
        Ok(refused)
    }

    fn answer(&mut self, result: impl Fn(&(Tenant, BatchId)) -> Result<(), Error>) {
        // A caller that was dropped needs no answer.
        for (key, done) in self.marking.drain(..) {
            let _ = done.send(result(&(key.tenant, key.batch)));
        }
        let nobody = (Tenant::from(""), BatchId::from(""));
        for done in self.answering.drain(..) {
            let _ = done.send(result(&nobody));
        }
    }

    /// Bounds what piles up while the database is away.
    fn keep_newest(&mut self) {
        let dropped = self.journal.len().saturating_sub(limits::JOURNAL_KEPT_MAX);
        if dropped > 0 {
            self.journal.drain(..dropped);
            tracing::error!(dropped, "journal entries were lost: the database is away for too long");
        }
    }
}
