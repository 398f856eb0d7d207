//! The connection that writes: makes a group of commits one transaction of SQLite and so one flush,
//! then tells the watches.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};

use super::latest::Latest;
use super::log::Log;
use super::queue::Outcome;
use super::{apply, values};
use crate::contract::Revision;
use crate::error::{CommitError, StoreError};
use crate::folder::Lock;
use crate::history::History;
use crate::transaction::Transaction;
use crate::watch::{Batch, Change};

/// What became of each transaction of a group, in order.
#[derive(Default)]
struct Outcomes {
    answers: Vec<Outcome>,
    batches: Vec<Batch>,
}

/// A group that was not acknowledged.
enum Failure {
    /// It is not committed: once nothing is open any more, nothing was written.
    Open(rusqlite::Error),
    /// The flush failed. The kernel may have dropped the pages and say "flushed" next time, so
    /// nothing that follows could be believed either.
    Unconfirmed(rusqlite::Error),
}

/// All that is needed to commit. Whoever holds it is the only one who writes.
pub(super) struct Writer {
    connection: Connection,
    lock: Lock,
    /// Of the last commit that is durable.
    revision: Revision,
    latest: Arc<Latest>,
    history: Arc<History>,
    log: Log,
    /// Cleared for good when what follows could not be believed.
    usable: bool,
    /// Whether the thread waits for a pause in which to look after the log.
    attended: bool,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        lock: Lock,
        revision: Revision,
        latest: Arc<Latest>,
        history: Arc<History>,
        log: Log,
    ) -> Self {
        let (usable, attended) = (true, false);
        Self { connection, lock, revision, latest, history, log, usable, attended }
    }

    /// Of the last commit that is durable.
    pub(super) fn revision(&self) -> Revision {
        self.revision
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
        self.usable && !self.log.is_due()
    }

    /// Whether the thread has to be woken, now that a commit was made without it. Says so once.
    pub(super) fn wants_thread(&mut self) -> bool {
        let wanted = !self.attended && self.log.is_due_when_idle();
        self.attended |= wanted;
        wanted || !self.usable
    }

    /// Commits a group, all of it in one flush; returns what became of each.
    pub(super) fn serve(&mut self, group: &[&Transaction]) -> Vec<Outcome> {
        if group.is_empty() || !self.usable {
            return group.iter().map(|_| Err(StoreError::Closed.into())).collect();
        }
        self.latest.unsettle();
        let answers = match self.commit(group) {
            Ok(outcomes) => {
                self.history.publish(outcomes.batches);
                outcomes.answers
            }
            Err(failure) => {
                let error = failure.into_error();
                tracing::error!(%error, "a group of commits failed");
                self.usable = !matches!(error, StoreError::Unavailable { .. }) && self.recover();
                group.iter().map(|_| Err(error.clone().into())).collect()
            }
        };
        if self.usable {
            self.latest.settle(self.revision);
        }
        answers
    }

    /// Makes the group durable, or none of it.
    fn commit(&mut self, group: &[&Transaction]) -> Result<Outcomes, Failure> {
        self.run("BEGIN IMMEDIATE").map_err(Failure::Open)?;
        let written = write_group(&self.connection, group, self.revision);
        let (outcomes, revision) = written.map_err(Failure::Open)?;
        if revision == self.revision {
            self.run("ROLLBACK").map_err(Failure::Open)?; // nothing changed: nothing to flush
        } else if let Err(error) = self.run("COMMIT") {
            self.confirm(revision, error)?;
        }
        self.revision = revision;
        self.log.update();
        Ok(outcomes)
    }

    /// Runs a statement that is prepared once. (rusqlite's own transactions prepare theirs anew.)
    fn run(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(drop)
    }

    /// What a COMMIT that reports an error has done. An I/O error comes from writing or flushing the
    /// log and leaves it open. Any other one (disk full, interrupted) comes before the flush or
    /// after the effect: the database itself tells which.
    fn confirm(&self, revision: Revision, error: rusqlite::Error) -> Result<(), Failure> {
        if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) || !self.recover() {
            return Err(Failure::Unconfirmed(error));
        }
        match values::revision(&self.connection) {
            Ok(found) if found == revision => Ok(()),
            Ok(_) => Err(Failure::Open(error)),
            Err(_) => Err(Failure::Unconfirmed(error)),
        }
    }

    /// Ends a transaction of SQLite that a failure left open (BEGIN can fail after its effect).
    /// Returns whether none is open now.
    fn recover(&self) -> bool {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a failed group was not rolled back; the store closes");
        }
        self.connection.is_autocommit()
    }

    /// Looks after the log if it is time to. Returns the revision at which to come again once
    /// nobody has committed for a while; `None` when there is nothing to come for.
    pub(super) fn tend(&mut self, idle: bool) -> Option<Revision> {
        if self.log.is_due() || (idle && self.log.is_due_when_idle()) {
            self.log.tend(&mut self.connection);
        }
        self.attended = self.log.is_due_when_idle();
        self.attended.then_some(self.revision)
    }

    /// Closes the database, and only then lets another process in.
    pub(super) fn close(self) {
        let Self { connection, lock, .. } = self;
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database did not close cleanly");
        }
        drop(lock);
    }
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Self::Open(error) => values::failed("commit")(error),
            Self::Unconfirmed(error) => StoreError::Unavailable { source: Arc::new(error) },
        }
    }
}

/// Applies each transaction whose expectations hold after those before it. Returns what became of
/// them and the revision of the last.
fn write_group(
    db: &Connection,
    group: &[&Transaction],
    mut revision: Revision,
) -> rusqlite::Result<(Outcomes, Revision)> {
    let mut outcomes = Outcomes::default();
    for transaction in group {
        let Some(found) = apply::check(db, transaction)? else {
            outcomes.answers.push(Err(CommitError::Conflict));
            continue;
        };
        let changes = apply::write(db, transaction, &found, revision.next())?;
        if !changes.is_empty() {
            revision = revision.next();
            outcomes.batches.push(Batch { revision, changes: changes.into() });
        }
        outcomes.answers.push(Ok(revision));
    }
    if outcomes.batches.iter().any(deletes) {
        apply::record(db, revision)?;
    }
    Ok((outcomes, revision))
}

fn deletes(batch: &Batch) -> bool {
    batch.changes.iter().any(|change| matches!(change, Change::Delete(_)))
}
