//! Faults at a chosen step of a store's work: a statement of SQLite that runs is interrupted, its
//! COMMIT is refused (through SQLite's own hooks, so that the real rollback has to clean up), the
//! journal is not written, or not flushed.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use crate::sqlite::{Obstacle, Step};

/// Makes the writer of a store fail at its n-th step from now, once.
///
/// A step is one instruction of SQLite's virtual machine, one COMMIT, or one write of the journal.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Steps left until the failure; 0: none is armed.
    countdown: Arc<AtomicU64>,
    flushes: Arc<AtomicU64>,
    flush_fails: Arc<Mutex<Option<io::ErrorKind>>>,
    gate: Arc<(Mutex<bool>, Condvar)>,
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

    /// Fails the next flush of the journal, after all was written.
    pub fn fail_flush(&self, kind: io::ErrorKind) {
        *self.flush_fails.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind);
    }

    /// From now on a commit begins but does not get on.
    pub fn hold(&self) {
        *self.gate.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Lets those get on that are held.
    pub fn release(&self) {
        *self.gate.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.gate.1.notify_all();
    }

    fn pass_gate(&self) {
        let held = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.gate.1.wait_while(held, |held| *held));
    }

    /// How often the journal was to be flushed: once for each group.
    #[must_use]
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::SeqCst)
    }

    pub(crate) fn install(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let (at_instruction, at_commit) = (self.clone(), self.clone());
        connection.progress_handler(1, Some(move || at_instruction.strikes()))?;
        connection.commit_hook(Some(move || at_commit.strikes()))
    }

    /// What is in the way of the journal's steps.
    pub(crate) fn obstacle(&self) -> Obstacle {
        let faults = self.clone();
        Arc::new(move |step| {
            let failure = match step {
                Step::Write => {
                    faults.pass_gate();
                    faults.strikes().then_some(io::ErrorKind::StorageFull)
                }
                Step::Flush => {
                    faults.flushes.fetch_add(1, Ordering::SeqCst);
                    faults.flush_fails.lock().unwrap_or_else(PoisonError::into_inner).take()
                }
            };
            failure.map_or(Ok(()), |kind| Err(kind.into()))
        })
    }

    /// Takes one step; whether it is the one that fails.
    fn strikes(&self) -> bool {
        let step = |left: u64| left.checked_sub(1);
        self.countdown.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step) == Ok(1)
    }
}
