//! Decisions on their way to the writer: requests put them in and go on, the writer takes them all.

use std::{
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::record::Decided;

/// How long the writer lets decisions gather: what a wake-up and a write cost is shared by all that
/// come in this time, and no more than these are lost when the process is killed.
const GATHER: Duration = Duration::from_millis(10);

/// So many decisions are taken without waiting for others.
const GATHERED: usize = 2_048;

/// The decisions that the writer has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Told when the first decision comes, enough have gathered, or someone waits for them.
    news: Condvar,
    /// All decisions ever put in.
    recorded: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    decisions: Vec<Arc<Decided>>,
    /// Somebody wants to see what was put in.
    hurry: bool,
    closed: bool,
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
        let decided = Arc::new(decided);
        let mut waiting = self.lock();
        waiting.decisions.push(decided);
        self.recorded.fetch_add(1, Ordering::Relaxed);
        let count = waiting.decisions.len();
        drop(waiting);
        if count == 1 || count == GATHERED {
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

    /// Waits for decisions, at most `at_most` if that is given, and puts them into `taken`.
    pub(crate) fn take(&self, at_most: Option<Duration>, taken: &mut Vec<Arc<Decided>>) -> Turn {
        let idle = |waiting: &mut Waiting| {
            waiting.decisions.is_empty() && !waiting.closed && !waiting.hurry
        };
        let waiting = self.lock();
        let waiting = match at_most {
            None => self.news.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner),
            Some(at_most) => self.wait(waiting, at_most, idle),
        };
        let gathering = |waiting: &mut Waiting| {
            (1..GATHERED).contains(&waiting.decisions.len()) && !waiting.closed && !waiting.hurry
        };
        let mut waiting = self.wait(waiting, GATHER, gathering);
        waiting.hurry = false;
        mem::swap(&mut waiting.decisions, taken);
        Turn { closed: waiting.closed, recorded: self.recorded() }
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
