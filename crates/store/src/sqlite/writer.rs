//! Makes a group of commits durable with one flush of the journal, then tells the watches; later,
//! brings the database to the same state, many groups at once.

use std::mem;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::{Connection, ErrorCode};

use super::journal::{AppendError, Journal};
use super::known::Known;
use super::log::Log;
use super::overlay::Overlay;
use super::plan::State;
use super::queue::Outcome;
use super::{apply, values};
use crate::contract::{Entry, Revision};
use crate::error::{CommitError, StoreError};
use crate::folder::Lock;
use crate::history::History;
use crate::key::Key;
use crate::transaction::Transaction;
use crate::watch::Batch;

/// With so many batches above it, the database is brought up to date even between two commits.
///
/// Reason: bounds the memory, and the time for which one commit in hundreds waits, to some
/// milliseconds.
const BATCHES_ABOVE_MAX: usize = 256;

/// The same, in bytes of keys and values. Reason: what is made ready in the journal holds twice that.
const BYTES_ABOVE_MAX: usize = 512 * 1024;

/// The durable batches that the database does not have yet: shared with those who read. Only the
/// writer changes them, for a moment; it reads them while it brings the database up to date.
#[derive(Default)]
pub(super) struct Above(RwLock<Overlay>);

impl Above {
    /// What stands at the key, if a batch changed it.
    pub(super) fn entry(&self, key: &Key) -> Option<Option<Entry>> {
        self.get().entry(key).map(Option::<&Entry>::cloned)
    }

    /// Whether the database has everything.
    pub(super) fn is_empty(&self) -> bool {
        self.get().is_empty()
    }

    /// Whether it is time to bring the database up to date.
    fn is_due(&self) -> bool {
        let above = self.get();
        above.batches().len() >= BATCHES_ABOVE_MAX || above.bytes() >= BYTES_ABOVE_MAX
    }

    fn get(&self) -> RwLockReadGuard<'_, Overlay> {
        // A panic cannot leave a batch half-added, so a poisoned lock is still good.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Overlay> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of each transaction of a group, in order.
#[derive(Default)]
struct Outcomes {
    answers: Vec<Outcome>,
    batches: Overlay,
}

/// All that is needed to commit. Whoever holds it is the only one who writes.
pub(super) struct Writer {
    connection: Connection,
    journal: Journal,
    lock: Lock,
    /// Of the last commit that is durable.
    revision: Revision,
    above: Arc<Above>,
    known: Known,
    history: Arc<History>,
    log: Log,
    /// Cleared for good when what follows could not be believed.
    usable: bool,
    /// Whether the thread waits for a pause in which to look after the files.
    attended: bool,
    /// Whether the database could not take what it ought to have at the last try: said once.
    behind: bool,
}

/// What a writer begins with: an open folder whose database has everything.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) journal: Journal,
    pub(super) lock: Lock,
    pub(super) revision: Revision,
    pub(super) log: Log,
}

impl Writer {
    pub(super) fn new(
        Opened { connection, journal, lock, revision, log }: Opened,
        history: Arc<History>,
    ) -> Self {
        Self {
            connection,
            journal,
            lock,
            revision,
            above: Arc::default(),
            known: Known::default(),
            history,
            log,
            usable: true,
            attended: false,
            behind: false,
        }
    }

    /// Of the last commit that is durable.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// What the database does not have yet.
    pub(super) fn above(&self) -> Arc<Above> {
        Arc::clone(&self.above)
    }

    /// Whether the store can go on.
    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    /// Lets nobody commit again, since a commit ended in a panic.
    pub(super) fn abandon(&mut self) {
        self.usable = false;
    }

    /// Whether a commit need not be left to the thread, which has work before it otherwise.
    pub(super) fn is_free(&self) -> bool {
        self.usable && !self.is_due()
    }

    /// Whether there is something to do although commits may wait.
    fn is_due(&self) -> bool {
        self.above.is_due() || self.log.is_due()
    }

    /// Whether there is something to do once nobody commits.
    fn is_due_when_idle(&self) -> bool {
        self.journal.wants_room() || !self.above.is_empty() || self.log.is_due_when_idle()
    }

    /// Whether the thread has to be woken, now that a commit was made without it. Says so once.
    pub(super) fn wants_thread(&mut self) -> bool {
        let wanted = !self.attended && self.is_due_when_idle();
        self.attended |= wanted;
        wanted || !self.is_free()
    }

    /// Commits a group, all of it in one flush; returns what became of each.
    pub(super) fn serve(&mut self, group: &[&Transaction]) -> Vec<Outcome> {
        if group.is_empty() || !self.usable {
            return group.iter().map(|_| Err(StoreError::Closed.into())).collect();
        }
        match self.make_room().and_then(|()| self.commit(group)) {
            Ok(answers) => answers,
            Err(error) => {
                if !self.behind {
                    tracing::error!(%error, "a group of commits failed");
                }
                group.iter().map(|_| Err(error.clone().into())).collect()
            }
        }
    }

    /// Nothing more is taken while the database cannot take what it ought to have.
    fn make_room(&mut self) -> Result<(), StoreError> {
        if self.above.is_due() { self.apply() } else { Ok(()) }
    }

    /// Makes the group durable, or none of it.
    fn commit(&mut self, group: &[&Transaction]) -> Result<Vec<Outcome>, StoreError> {
        let planned = self.plan(group).map_err(values::failed("commit"));
        let Outcomes { answers, batches } = planned?;
        let Some(last) = batches.batches().last().map(|batch| batch.revision) else {
            return Ok(answers); // nothing changes: nothing to flush
        };
        self.append(batches.batches())?;
        self.revision = last;
        let batches = batches.into_batches();
        {
            let mut above = self.above.change();
            batches.iter().for_each(|batch| above.push(batch.clone()));
        }
        self.history.publish(batches);
        Ok(answers)
    }

    /// Plans each transaction whose expectations hold after those before it. Returns what became of
    /// them and the batches that they make.
    fn plan(&self, group: &[&Transaction]) -> rusqlite::Result<Outcomes> {
        let (above, mut revision) = (self.above.get(), self.revision);
        let mut outcomes = Outcomes::default();
        for transaction in group {
            let Self { connection: database, known, .. } = self;
            let state = State { database, known, above: [&above, &outcomes.batches] };
            let Some(changes) = state.plan(transaction, revision.next())? else {
                outcomes.answers.push(Err(CommitError::Conflict));
                continue;
            };
            if !changes.is_empty() {
                revision = revision.next();
                outcomes.batches.push(Batch { revision, changes: changes.into() });
            }
            outcomes.answers.push(Ok(revision));
        }
        Ok(outcomes)
    }

    fn append(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        self.journal.append(batches).map_err(|error| match error {
            AppendError::Full(source) => {
                StoreError::Io { action: "write the journal", source: Arc::new(source) }
            }
            AppendError::Unconfirmed(source) => {
                self.usable = false;
                StoreError::Unavailable { source: Arc::new(source) }
            }
        })
    }

    /// Brings the database up to date. If it cannot be now, all is safe in the journal.
    ///
    /// # Errors
    /// [`StoreError`] of SQLite, as of a commit: the store closes if a flush failed.
    pub(super) fn apply(&mut self) -> Result<(), StoreError> {
        if self.above.is_empty() {
            return Ok(());
        }
        if !self.usable {
            return Err(StoreError::Closed);
        }
        let applied = self.try_apply();
        if applied.is_ok() {
            let done = mem::take(&mut *self.above.change());
            self.known.learn(&done);
            self.journal.restart();
        } else {
            self.usable &= self.recover();
        }
        self.log.update();
        let applied = applied.map_err(values::failed("write the database"));
        self.tell(&applied);
        applied
    }

    /// Says once that the database is behind, and once that it is not any more.
    fn tell(&mut self, applied: &Result<(), StoreError>) {
        match applied {
            Err(error) if !self.behind => {
                tracing::error!(%error, "the database is behind; what was committed is in the journal");
            }
            Ok(()) if self.behind => tracing::info!("the database is up to date again"),
            _ => {}
        }
        self.behind = applied.is_err();
    }

    fn try_apply(&mut self) -> rusqlite::Result<()> {
        self.run("BEGIN IMMEDIATE")?;
        apply::apply(&self.connection, &self.above.get(), self.revision)?;
        let committed = self.run("COMMIT");
        if let Err(error) = &committed
            && error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
        {
            self.usable = false; // as after a failed flush of the journal
        }
        committed
    }

    /// Runs a statement that is prepared once. (rusqlite's own transactions prepare theirs anew.)
    fn run(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(drop)
    }

    /// Ends a transaction of SQLite that a failure left open (BEGIN can fail after its effect).
    /// Returns whether none is open now.
    fn recover(&self) -> bool {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a failed write was not rolled back; the store closes");
        }
        self.connection.is_autocommit()
    }

    /// Looks after the files if it is time to. Returns the revision at which to come again once
    /// nobody has committed for a while; `None` when there is nothing to come for.
    pub(super) fn tend(&mut self, idle: bool) -> Option<Revision> {
        if self.is_due() || (idle && self.is_due_when_idle()) {
            self.look_after(idle);
        }
        self.attended = self.is_due_when_idle();
        self.attended.then_some(self.revision)
    }

    fn look_after(&mut self, idle: bool) {
        if idle && self.journal.wants_room() {
            self.journal.reserve();
        }
        let _told = self.apply();
        self.log.tend(&self.connection, idle);
    }

    /// Closes the database, and only then lets another process in. What it could not take stays in
    /// the journal.
    pub(super) fn close(mut self) {
        let applied = self.usable.then(|| self.apply());
        let Self { connection, journal, lock, .. } = self;
        let closed = connection.close().map_err(|(_, error)| values::failed("close")(error));
        let removed = match applied {
            Some(Ok(())) if closed.is_ok() => journal.remove(),
            Some(failed) => failed,
            None => Ok(()),
        };
        if let Err(error) = closed.and(removed) {
            tracing::warn!(%error, "the store did not close cleanly; nothing is lost");
        }
        drop(lock);
    }
}
