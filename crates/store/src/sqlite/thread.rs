//! The writer thread: serves the commits that wait, together, and looks after the files: it brings
//! the database up to date when nobody commits, or when it must be. It ends the store, too.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::queue::{Commit, Outcome};
use crate::error::StoreError;
use crate::transaction::Transaction;

/// How long nobody must have committed for the writer to be idle.
///
/// Reason: longer than the pause between the commits of one busy client.
const IDLE: Duration = Duration::from_millis(100);

/// Held by the writer thread: however it ends, nobody waits for it in vain.
pub(super) struct Serving(pub(super) Arc<Shared>);

impl Serving {
    /// Serves until it is told to close, or until a flush fails.
    pub(super) fn run(self) {
        let shared = &self.0;
        let mut resting = shared.writer().as_mut().and_then(|writer| writer.tend(false));
        loop {
            let woken = shared.queue.wait(resting.map(|_| IDLE));
            let mut guard = shared.writer();
            let Some(writer) = guard.as_mut() else { break };
            // Not before the lock: who comes while another's commit runs is of the same group.
            let (group, closing) = shared.queue.take();
            let transactions: Vec<&Transaction> = group.iter().map(|c| &c.transaction).collect();
            let outcomes = writer.serve(&transactions);
            answer(group, outcomes);
            if closing || !writer.is_usable() {
                break;
            }
            let idle = !woken && resting == Some(writer.revision());
            resting = writer.tend(idle);
        }
        self.end();
    }

    /// Refuses what still waits, closes the database, and only then lets another process in.
    fn end(&self) {
        self.0.refuse();
        let refused = self.0.queue.end();
        let closed = refused.iter().map(|_| Err(StoreError::Closed.into())).collect();
        answer(refused, closed);
        if let Some(writer) = self.0.writer().take() {
            writer.close();
        }
        for closer in self.0.queue.closers() {
            let _gone = closer.send(());
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.refuse();
        drop(self.0.queue.end());
        drop(self.0.queue.closers());
        self.0.history.close();
    }
}

fn answer(group: Vec<Commit>, outcomes: Vec<Outcome>) {
    for (Commit { answer, place, .. }, outcome) in group.into_iter().zip(outcomes) {
        drop(place);
        // A caller that has gone away is no failure: its commit stands.
        let _gone = answer.send(outcome);
    }
}
