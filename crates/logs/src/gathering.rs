//! Values on their way to a writer: others put them in and go on, the writer takes them all.

use std::{
    mem,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long the writer lets values gather: what a wake-up and a write cost is shared by all that
/// come in this time, and no more than these are lost when the process is killed.
const GATHER: Duration = Duration::from_millis(10);

/// So many are taken without waiting for others: few enough to be in the cache still, and enough that
/// a busy server hardly ever gives a processor to the writer in place of a call.
const GATHERED: usize = 1_024;

/// What the writer has not taken yet.
#[derive(Debug)]
pub struct Gathering<T> {
    waiting: Mutex<Waiting<T>>,
    /// Told when a value comes while the writer sleeps, enough have gathered, or someone waits.
    news: Condvar,
    /// All that was ever put in.
    recorded: AtomicU64,
}

impl<T> Default for Gathering<T> {
    fn default() -> Self {
        let waiting =
            Waiting { values: Vec::new(), hurry: false, closed: false, writer_sleeps: false };
        Self { waiting: Mutex::new(waiting), news: Condvar::new(), recorded: AtomicU64::new(0) }
    }
}

#[derive(Debug)]
struct Waiting<T> {
    values: Vec<T>,
    /// Somebody wants to see what was put in.
    hurry: bool,
    closed: bool,
    /// Whether the writer waits for the first value of a batch.
    writer_sleeps: bool,
}

impl<T> Waiting<T> {
    /// Whether there is nothing for the writer to do.
    fn is_idle(&self) -> bool {
        self.values.is_empty() && !self.closed && !self.hurry
    }
}

/// What the writer is to do next.
#[derive(Debug)]
pub struct Turn {
    /// Whether nothing will follow.
    pub closed: bool,
    /// How many had ever been put in when these were taken.
    pub recorded: u64,
}

impl<T> Gathering<T> {
    /// Puts a value in. Never waits.
    pub fn push(&self, value: T) {
        let mut waiting = self.lock();
        waiting.values.push(value);
        self.recorded.fetch_add(1, Ordering::Relaxed);
        let is_news = waiting.writer_sleeps || waiting.values.len() == GATHERED;
        drop(waiting);
        if is_news {
            self.news.notify_one();
        }
    }

    /// How many decisions were ever put in.
    pub fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// Has the writer take what is there now; answers how many were ever put in.
    pub fn hurry(&self) -> u64 {
        self.lock().hurry = true;
        self.news.notify_one();
        self.recorded()
    }

    /// Nothing will follow.
    pub fn close(&self) {
        self.lock().closed = true;
        self.news.notify_one();
    }

    /// Waits for values, about `at_most` if that is given, and puts them into `taken`.
    ///
    /// While values keep coming, none of them wakes the writer but the one that makes a batch.
    pub fn take(&self, at_most: Option<Duration>, taken: &mut Vec<T>) -> Turn {
        let gathering = |waiting: &mut Waiting<T>| {
            waiting.values.len() < GATHERED && !waiting.closed && !waiting.hurry
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
        mem::swap(&mut waiting.values, taken);
        Turn { closed: waiting.closed, recorded: self.recorded() }
    }

    fn wait_long<'a>(&self, waiting: MutexGuard<'a, Waiting<T>>) -> MutexGuard<'a, Waiting<T>> {
        let woken = self.news.wait_while(waiting, |waiting| waiting.is_idle());
        woken.unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        waiting: MutexGuard<'a, Waiting<T>>,
        at_most: Duration,
        condition: impl FnMut(&mut Waiting<T>) -> bool,
    ) -> MutexGuard<'a, Waiting<T>> {
        let woken = self.news.wait_timeout_while(waiting, at_most, condition);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // Each change is one step, so that a panic leaves nothing half-done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
