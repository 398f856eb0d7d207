//! The one thread that takes decisions from the queue into the ring and the log.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_logs::{Files, Gathering};
use tokio::sync::watch;

use super::{BEHIND_MAX, line, record::Decided, ring::Ring};

/// How long written lines may wait to be safe from a loss of power.
const UNSYNCED_MAX: Duration = Duration::from_secs(1);

/// How long the writer waits before it tries again what failed.
const RETRY: Duration = Duration::from_millis(500);

/// How often a lasting failure is logged.
const COMPLAIN: Duration = Duration::from_secs(30);

/// How long a server that stops waits for a log that cannot be written.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// How far the writer has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Of all decisions ever recorded, how many are in the ring, or were.
    pub(crate) in_ring: u64,
    /// And how many are in the log.
    pub(crate) in_log: u64,
    /// Why the log cannot be written, if the last attempt failed.
    pub(crate) failure: Option<Arc<str>>,
    /// Whether the writer has ended: no decision can be kept any more.
    pub(crate) ended: bool,
}

/// What the writer shares with those who look decisions up.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) queue: Gathering<Decided>,
    pub(crate) ring: Mutex<Ring>,
    pub(crate) progress: watch::Sender<Progress>,
    /// How many decisions may be recorded, all together, before more of them are in the log: what
    /// every request looks at.
    pub(crate) limit: AtomicU64,
}

/// The writer.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    files: Files,
    /// Decisions in the ring, oldest first, whose lines are not all written.
    unwritten: Vec<u8>,
    recorded: u64,
    /// Since when written lines wait to be synced.
    unsynced: Option<Instant>,
    complained: Option<Instant>,
}

/// Says that the writer has ended, be it by a panic.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.limit.store(0, Ordering::Relaxed);
        self.0.progress.send_modify(|progress| progress.ended = true);
    }
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, files: Files) -> Self {
        let (unwritten, recorded) = (Vec::new(), 0);
        Self { shared, files, unwritten, recorded, unsynced: None, complained: None }
    }

    /// Runs until the queue is closed and everything is written, or cannot be.
    pub(crate) fn run(mut self) {
        let _ending = Ending(self.shared.clone());
        let mut taken = Vec::new();
        let mut closing: Option<Instant> = None;
        loop {
            let turn = self.shared.queue.take(self.patience(closing.is_some()), &mut taken);
            self.recorded = turn.recorded;
            self.keep(&mut taken);
            self.write();
            if turn.closed && self.is_done(*closing.get_or_insert_with(Instant::now)) {
                break;
            }
        }
    }

    /// How long to wait for decisions while there is something else to do.
    fn patience(&self, closing: bool) -> Option<Duration> {
        if !self.unwritten.is_empty() || closing {
            return Some(RETRY);
        }
        self.unsynced.map(|since| UNSYNCED_MAX.saturating_sub(since.elapsed()))
    }

    /// Puts the decisions into the ring, and makes their lines.
    fn keep(&mut self, taken: &mut Vec<Decided>) {
        for decided in taken.iter() {
            line::write(decided, &mut self.unwritten);
        }
        {
            let mut ring = self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.extend(taken.drain(..));
        }
        self.shared.progress.send_modify(|progress| progress.in_ring = self.recorded);
    }

    /// Writes the lines that are not written, and syncs in time.
    fn write(&mut self) {
        if self.unwritten.is_empty() && self.unsynced.is_none() {
            return;
        }
        match self.try_write() {
            Ok(()) => self.succeeded(),
            Err(error) => self.failed(&error),
        }
    }

    fn try_write(&mut self) -> std::io::Result<()> {
        if !self.unwritten.is_empty() {
            let mut rest = &self.unwritten[..];
            let appended = self.files.append(&mut rest);
            let done = self.unwritten.len() - rest.len();
            self.unwritten.drain(..done);
            self.unsynced.get_or_insert_with(Instant::now);
            appended?;
        }
        if self.unsynced.is_some_and(|since| since.elapsed() >= UNSYNCED_MAX) {
            self.files.sync()?;
            self.unsynced = None;
        }
        Ok(())
    }

    fn succeeded(&mut self) {
        if self.complained.take().is_some() {
            tracing::warn!("the decision log is written again; no decision is missing in it");
        }
        self.shared.limit.store(self.recorded.saturating_add(BEHIND_MAX), Ordering::Relaxed);
        self.shared.progress.send_modify(|progress| {
            progress.in_log = self.recorded;
            progress.failure = None;
        });
    }

    fn failed(&mut self, error: &std::io::Error) {
        let due = self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN);
        if due {
            self.complained = Some(Instant::now());
            tracing::error!(
                %error,
                "the decision log cannot be written; calls are refused once too many decisions wait"
            );
        }
        let failure = Arc::from(error.to_string());
        self.shared.progress.send_modify(|progress| progress.failure = Some(failure));
    }

    /// Whether a writer that is to end since `closing` may.
    fn is_done(&mut self, closing: Instant) -> bool {
        if self.unwritten.is_empty() {
            if let Err(error) = self.files.sync() {
                tracing::error!(%error, "the end of the decision log may not survive a loss of power");
            }
            return true;
        }
        let late = closing.elapsed() >= CLOSE_MAX;
        if late {
            let lines = self.unwritten.iter().filter(|byte| **byte == b'\n').count();
            tracing::error!(lines, "decisions are lost: the decision log cannot be written");
        }
        late
    }
}
