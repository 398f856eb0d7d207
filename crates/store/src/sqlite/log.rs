//! SQLite's write-ahead log: how long it is, and when it is copied into the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;

/// When the log has this many pages and nobody commits, it is copied into the database.
///
/// Reason: not after every pause, since the first commit after a whole copy flushes twice (it
/// writes the log's new header).
const PAGES_BEFORE_IDLE_CHECKPOINT: u32 = 128;

/// When the log has this many pages it is copied even between two commits.
///
/// Reason: bounds the log's size on disk and the time to read it after a crash; rare enough that
/// one commit in hundreds waits for it.
const PAGES_BEFORE_CHECKPOINT: u32 = 512;

/// The log of one database, as its writer sees it.
pub(super) struct Log {
    /// Set by SQLite at each commit.
    reported: Arc<AtomicU32>,
    /// Pages in the log, up to the last commit.
    pages: u32,
    /// Pages at the last try that could not copy all, since somebody was reading: the next try
    /// waits for as many more.
    tried: u32,
}

impl Log {
    /// Follows the length of this connection's log from now on.
    pub(super) fn new(connection: &mut Connection) -> Self {
        let log = Self { reported: Arc::default(), pages: 0, tried: 0 };
        let reported = Arc::clone(&log.reported);
        let hooked = connection.wal_hook(Some(move |_: &mut _, pages: i32| {
            reported.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }));
        if let Err(error) = hooked {
            tracing::warn!(%error, "the log's length is unknown, so it is copied at the end only");
        }
        log
    }

    /// Learns the length after a commit.
    pub(super) fn update(&mut self) {
        self.pages = self.reported.load(Ordering::Relaxed);
        self.tried = self.tried.min(self.pages);
    }

    /// Whether there is something to do although commits may wait.
    pub(super) fn is_due(&self) -> bool {
        self.pages - self.tried >= PAGES_BEFORE_CHECKPOINT
    }

    /// Whether there is something to do once nobody commits.
    pub(super) fn is_due_when_idle(&self) -> bool {
        self.pages - self.tried >= PAGES_BEFORE_IDLE_CHECKPOINT
    }

    /// Copies the log if it is long enough.
    pub(super) fn tend(&mut self, connection: &Connection, idle: bool) {
        if self.is_due() || (idle && self.is_due_when_idle()) {
            self.checkpoint(connection);
        }
    }

    /// Copies the log into the database, as far as no reader needs the old pages. A log that was
    /// copied whole is overwritten from its start.
    fn checkpoint(&mut self, connection: &Connection) {
        let whole = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok(row.get::<_, i64>(1)? == row.get::<_, i64>(2)?)
        });
        match whole {
            Ok(true) => {
                self.reported.store(0, Ordering::Relaxed); // for groups that change nothing
                (self.pages, self.tried) = (0, 0);
            }
            Ok(false) => self.tried = self.pages,
            Err(error) => {
                self.tried = self.pages;
                tracing::warn!(%error, "the log was not copied into the database");
            }
        }
    }
}
