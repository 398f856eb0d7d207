//! Faults at a chosen step of SQLite's work, through SQLite's own hooks: the statement that runs
//! is interrupted, or the COMMIT is refused, and the real rollback has to clean up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

/// Makes the writer of a store fail at its n-th step from now, once.
///
/// A step is one instruction of SQLite's virtual machine, or one COMMIT.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Steps left until the failure; 0: none is armed.
    countdown: Arc<AtomicU64>,
    commits: Arc<AtomicU64>,
}

impl Faults {
    /// Fails the `step`-th step from now, counted from 1. Replaces what was armed before.
    pub fn fail_at(&self, step: u64) {
        self.countdown.store(step, Ordering::SeqCst);
    }

    /// Lets everything work again, if the failure is still to come.
    pub fn disarm(&self) {
        self.countdown.store(0, Ordering::SeqCst);
    }

    /// How often the writer got as far as a COMMIT, and so to a flush: once for each group.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    pub(crate) fn install(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let (at_instruction, at_commit) = (self.clone(), self.clone());
        connection.progress_handler(1, Some(move || at_instruction.strikes()))?;
        connection.commit_hook(Some(move || {
            at_commit.commits.fetch_add(1, Ordering::SeqCst);
            at_commit.strikes()
        }))
    }

    /// Takes one step; whether it is the one that fails.
    fn strikes(&self) -> bool {
        let step = |left: u64| left.checked_sub(1);
        self.countdown.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step) == Ok(1)
    }
}
