//! What waits for the writer thread: commits, and the wish to close.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::contract::Revision;
use crate::error::{CommitError, StoreError};
use crate::transaction::Transaction;

/// What becomes of a commit.
pub(super) type Outcome = Result<Revision, CommitError>;

/// Answered when the thread has let go of everything.
pub(super) type Closer = oneshot::Sender<()>;

/// One accepted transaction and the caller who waits for it.
pub(super) struct Commit {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<Outcome>,
    /// Held until the answer, to bound the queue.
    pub(super) place: OwnedSemaphorePermit,
}

/// Filled by callers, emptied by the thread alone, which holds the writer when it does.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    commits: Vec<Commit>,
    /// The last group was of more than one commit.
    crowded: bool,
    /// Somebody wants the thread to look again.
    woken: bool,
    closing: bool,
    closers: Vec<Closer>,
    /// The thread takes no more.
    ended: bool,
}

impl Queue {
    /// Adds a commit at the end.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the thread has ended.
    pub(super) fn push(&self, commit: Commit) -> Result<(), StoreError> {
        let mut waiting = self.waiting();
        if waiting.ended {
            return Err(StoreError::Closed);
        }
        waiting.commits.push(commit);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Tells the thread to end after what waits. Drops the closer when it has ended already.
    pub(super) fn close(&self, closer: Closer) {
        let mut waiting = self.waiting();
        waiting.closing = true;
        if !waiting.ended {
            waiting.closers.push(closer);
        }
        self.changed.notify_one();
    }

    /// Makes the thread look at the writer although nobody waits.
    pub(super) fn wake(&self) {
        self.waiting().woken = true;
        self.changed.notify_one();
    }

    /// Whether nobody waits, or is likely to before a commit that does not queue is done: one flush
    /// for all is then faster than one for that commit and another for the rest.
    pub(super) fn is_calm(&self) -> bool {
        let waiting = self.waiting();
        waiting.commits.is_empty() && !waiting.crowded
    }

    /// Waits until there is something to do, at most for `limit`. Returns whether there is.
    pub(super) fn wait(&self, limit: Option<Duration>) -> bool {
        let until = limit.map(|limit| Instant::now() + limit);
        let mut waiting = self.waiting();
        while waiting.is_quiet() {
            waiting = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return false,
                Some(left) => {
                    let woken = self.changed.wait_timeout(waiting, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    /// Takes all that wait. Returns them and whether to close after them.
    pub(super) fn take(&self) -> (Vec<Commit>, bool) {
        let mut waiting = self.waiting();
        waiting.woken = false;
        if !waiting.commits.is_empty() {
            waiting.crowded = waiting.commits.len() > 1;
        }
        (std::mem::take(&mut waiting.commits), waiting.closing)
    }

    /// Refuses whatever comes; returns what still waits.
    pub(super) fn end(&self) -> Vec<Commit> {
        let mut waiting = self.waiting();
        waiting.ended = true;
        std::mem::take(&mut waiting.commits)
    }

    /// Those who wait for the end. Later ones are told at once.
    pub(super) fn closers(&self) -> Vec<Closer> {
        std::mem::take(&mut self.waiting().closers)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic cannot leave the lists half-changed, so a poisoned lock is still good.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_quiet(&self) -> bool {
        self.commits.is_empty() && !self.woken && !self.closing
    }
}
