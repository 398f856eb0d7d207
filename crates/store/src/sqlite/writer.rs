//! The writer thread: gathers the commits that wait, makes them one transaction of SQLite and so
//! one flush, then tells the watches and the callers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::log::Log;
use super::{Shared, apply, values};
use crate::contract::Revision;
use crate::error::{CommitError, StoreError};
use crate::folder::Lock;
use crate::transaction::Transaction;
use crate::watch::Batch;

/// How long nobody must have committed for the writer to be idle.
///
/// Reason: longer than the pause between the commits of one busy client.
const IDLE: Duration = Duration::from_millis(100);

/// What the writer thread is asked to do.
pub(super) enum Job {
    Commit(Commit),
    /// Finish, let go of everything, then answer.
    Close(oneshot::Sender<()>),
}

/// One accepted transaction and the caller who waits for it.
pub(super) struct Commit {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<Result<Revision, CommitError>>,
    /// Held until the answer, to bound the queue.
    pub(super) place: OwnedSemaphorePermit,
}

/// What became of each transaction of a group, in order.
#[derive(Default)]
struct Outcomes {
    answers: Vec<Result<Revision, CommitError>>,
    batches: Vec<Batch>,
}

/// A group that was not acknowledged.
enum Failure {
    /// SQLite rolled it back: nothing was written.
    RolledBack(rusqlite::Error),
    /// The flush failed. The kernel may have dropped the pages and say "flushed" next time, so
    /// nothing that follows could be believed either.
    Unconfirmed(rusqlite::Error),
}

/// The state of the writer thread.
pub(super) struct Writer {
    connection: Connection,
    lock: Lock,
    /// Of the last commit that is durable.
    revision: Revision,
    queue: Receiver<Job>,
    shared: Arc<Shared>,
    log: Log,
    /// Set when the thread shall end; answered when it has let go.
    closing: Option<oneshot::Sender<()>>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        lock: Lock,
        revision: Revision,
        queue: Receiver<Job>,
        shared: Arc<Shared>,
    ) -> Self {
        let log = Log::new(shared.readers.log());
        Self { connection, lock, revision, queue, shared, log, closing: None }
    }

    /// Serves until it is told to close, or until a flush fails.
    pub(super) fn run(mut self) {
        self.log.prepare(&mut self.connection);
        while self.closing.is_none() {
            let Some(group) = self.gather() else { break };
            if !group.is_empty() && !self.serve(group) {
                break;
            }
        }
        self.end();
    }

    /// Waits for a commit, then takes all that wait. `None` when the handle is gone.
    fn gather(&mut self) -> Option<Vec<Commit>> {
        let mut group = Vec::new();
        let mut next = Some(self.wait()?);
        while let Some(job) = next {
            match job {
                Job::Commit(commit) => group.push(commit),
                Job::Close(closed) => self.closing = Some(closed),
            }
            next = self.queue.try_recv().ok();
        }
        Some(group)
    }

    fn wait(&mut self) -> Option<Job> {
        if self.log.is_due_when_idle() {
            match self.queue.recv_timeout(IDLE) {
                Err(RecvTimeoutError::Timeout) => self.log.checkpoint(&self.connection),
                job => return job.ok(),
            }
        }
        self.queue.recv().ok()
    }

    /// Commits a group and answers it. Returns whether the store can go on.
    fn serve(&mut self, group: Vec<Commit>) -> bool {
        match self.commit(&group) {
            Ok(outcomes) => {
                self.shared.history.publish(outcomes.batches);
                answer(group, outcomes.answers);
            }
            Err(failure) => {
                let error = failure.into_error();
                tracing::error!(%error, "a group of commits failed");
                let answers = group.iter().map(|_| Err(error.clone().into())).collect();
                answer(group, answers);
                return !matches!(error, StoreError::Unavailable { .. }) && self.recover();
            }
        }
        if self.log.is_due() {
            self.log.checkpoint(&self.connection);
        }
        true
    }

    /// Makes the group durable, or none of it.
    fn commit(&mut self, group: &[Commit]) -> Result<Outcomes, Failure> {
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let db = begun.map_err(Failure::RolledBack)?;
        let (outcomes, revision) =
            write_group(&db, group, self.revision).map_err(Failure::RolledBack)?;
        if revision == self.revision {
            db.rollback().map_err(Failure::RolledBack)?; // nothing changed: nothing to flush
        } else if let Err(error) = db.commit() {
            self.confirm(revision, error)?;
        }
        self.revision = revision;
        self.log.update();
        Ok(outcomes)
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
            Ok(_) => Err(Failure::RolledBack(error)),
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

    /// Refuses what still waits, closes the database, and only then lets another process in.
    fn end(self) {
        self.shared.refuse();
        let Self { connection, lock, queue, closing, .. } = self;
        let mut closing: Vec<_> = closing.into_iter().collect();
        while let Ok(job) = queue.try_recv() {
            match job {
                Job::Commit(commit) => answer(vec![commit], vec![Err(StoreError::Closed.into())]),
                Job::Close(closed) => closing.push(closed),
            }
        }
        drop(queue);
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database did not close cleanly");
        }
        drop(lock);
        for closed in closing {
            let _gone = closed.send(());
        }
    }
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Self::RolledBack(error) => values::failed("commit")(error),
            Self::Unconfirmed(error) => StoreError::Unavailable { source: Arc::new(error) },
        }
    }
}

/// Applies each transaction whose expectations hold after those before it. Returns what became of
/// them and the revision of the last.
fn write_group(
    db: &Connection,
    group: &[Commit],
    mut revision: Revision,
) -> rusqlite::Result<(Outcomes, Revision)> {
    let before = revision;
    let mut outcomes = Outcomes::default();
    for Commit { transaction, .. } in group {
        if !apply::holds(db, transaction)? {
            outcomes.answers.push(Err(CommitError::Conflict));
            continue;
        }
        let changes = apply::write(db, transaction, revision.next())?;
        if !changes.is_empty() {
            revision = revision.next();
            outcomes.batches.push(Batch { revision, changes: changes.into() });
        }
        outcomes.answers.push(Ok(revision));
    }
    if revision != before {
        apply::record(db, revision)?;
    }
    Ok((outcomes, revision))
}

fn answer(group: Vec<Commit>, answers: Vec<Result<Revision, CommitError>>) {
    for (Commit { answer, place, .. }, outcome) in group.into_iter().zip(answers) {
        drop(place);
        // A caller that has gone away is no failure: its commit stands.
        let _gone = answer.send(outcome);
    }
}
