//! Decisions on their way to the writer: requests put them in and go on, the writer takes them all.

use std::{
    mem,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::record::Decided;

/// How long the writer lets decisions gather: what a wake-up and a write cost is shared by all that
/// come in this time, and no more than these are lost when the process is killed.
const GATHER: Duration = Duration::from_millis(10);

/// So many decisions are taken without waiting for others: few enough to be in the cache still.
const GATHERED: usize = 256;

/// The decisions that the writer has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Told when a decision comes while the writer sleeps, enough have gathered, or someone waits.
    news: Condvar,
    /// All decisions ever put in.
    recorded: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    decisions: Vec<Decided>,
    /// Somebody wants to see what was put in.
    hurry: bool,
    closed: bool,
    /// Whether the writer waits for the first decision of a batch.
    writer_sleeps: bool,
}

impl Waiting {
    /// Whether there is nothing for the writer to do.
    fn is_idle(&self) -> bool {
        self.decisions.is_empty() && !self.closed && !self.hurry
    }
}

/// What the writer is to do next.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Whether no decision will follow.
    pub(crate) closed: bool,
    /// How many decisions had ever been put in when these were taken.
    pub(crate) recorded: u64,
}

impl Queue {
    /// Puts a decision in. Never waits.
    pub(crate) fn push(&self, decided: Decided) {
        let mut waiting = self.lock();
        waiting.decisions.push(decided);
        self.recorded.fetch_add(1, Ordering::Relaxed);
        let is_news = waiting.writer_sleeps || waiting.decisions.len() == GATHERED;
        drop(waiting);
        if is_news {
            self.news.notify_one();
        }
    }

    /// How many decisions were ever put in.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// Has the writer take what is there now; answers how many were ever put in.
    pub(crate) fn hurry(&self) -> u64 {
        self.lock().hurry = true;
        self.news.notify_one();
        self.recorded()
    }

    /// No decision will follow.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_one();
    }

    /// Waits for decisions, about `at_most` if that is given, and puts them into `taken`.
    ///
    /// While decisions keep coming, none of them wakes the writer but the one that makes a batch.
    pub(crate) fn take(&self, at_most: Option<Duration>, taken: &mut Vec<Decided>) -> Turn {
        let gathering = |waiting: &mut Waiting| {
            waiting.decisions.len() < GATHERED && !waiting.closed && !waiting.hurry
        };
        let mut waiting = self.wait(self.lock(), GATHER, gathering);
        if waiting.is_idle() {
            waiting.writer_sleeps = true;
            waiting = match at_most {
                None => self.wait_long(waiting),
                Some(at_most) => self.wait(waiting, at_most, |waiting| waiting.is_idle()),
            };
            waiting.writer_sleeps = false;
            waiting =
                self.wait(waiting, GATHER, |waiting| !waiting.is_idle() && gathering(waiting));
        }
        waiting.hurry = false;
        mem::swap(&mut waiting.decisions, taken);
        Turn { closed: waiting.closed, recorded: self.recorded() }
    }

    fn wait_long<'a>(&self, waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
        let woken = self.news.wait_while(waiting, |waiting| waiting.is_idle());
        woken.unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        waiting: MutexGuard<'a, Waiting>,
        at_most: Duration,
        condition: impl FnMut(&mut Waiting) -> bool,
    ) -> MutexGuard<'a, Waiting> {
        let woken = self.news.wait_timeout_while(waiting, at_most, condition);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Each change is one step, so that a panic leaves nothing half-done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
