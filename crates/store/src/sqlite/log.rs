//! SQLite's write-ahead log: how long it is, when it is copied into the database, and that it need
//! not grow while a commit waits.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, TransactionBehavior};

use super::schema::PAGE_SIZE;

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

/// When the log has this many pages its file is made ready even if nobody pauses.
///
/// Reason: until then each commit makes the file grow. The first commits, with which a program
/// starts, do not wait for it.
const PAGES_BEFORE_RESERVING: u32 = 32;

/// Bytes made ready in the log's file: what it holds before it is copied, and room for the group
/// that crosses that bound. (A frame is a page and a header of 24 bytes.)
const RESERVED_BYTES: u64 = (PAGES_BEFORE_CHECKPOINT as u64 + 64) * (PAGE_SIZE as u64 + 24);

/// The log of one database, as its writer sees it.
pub(super) struct Log {
    path: PathBuf,
    /// Set by SQLite at each commit.
    reported: Arc<AtomicU32>,
    /// Pages in the log, up to the last commit.
    pages: u32,
    /// Pages at the last try that could not copy all, since somebody was reading: the next try
    /// waits for as many more.
    tried: u32,
    /// Whether the file was made ready, or the try failed.
    reserved: bool,
}

impl Log {
    /// Follows the length of this connection's log from now on.
    pub(super) fn new(path: PathBuf, connection: &mut Connection) -> Self {
        let log = Self { path, reported: Arc::default(), pages: 0, tried: 0, reserved: false };
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

    /// Fills the log's file up with zeros, flushed.
    ///
    /// Overwriting flushes faster than extending does, since the file's metadata stays as it is.
    /// SQLite takes the zeros for what they are: its recovery stops at the first frame whose
    /// checksum does not fit, because the log is overwritten in the same way after each copy. The
    /// write lock keeps others from extending the log meanwhile. A failure costs speed only.
    fn reserve(&self, connection: &mut Connection) -> Result<(), Box<dyn Error>> {
        let locked = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        let length = file.seek(SeekFrom::End(0))?;
        io::copy(&mut io::repeat(0).take(RESERVED_BYTES.saturating_sub(length)), &mut file)?;
        file.sync_all()?;
        Ok(locked.rollback()?)
    }

    /// Learns the length after a commit.
    pub(super) fn update(&mut self) {
        self.pages = self.reported.load(Ordering::Relaxed);
        self.tried = self.tried.min(self.pages);
    }

    /// Whether there is something to do although commits may wait.
    pub(super) fn is_due(&self) -> bool {
        let grows = !self.reserved && self.pages >= PAGES_BEFORE_RESERVING;
        grows || self.pages - self.tried >= PAGES_BEFORE_CHECKPOINT
    }

    /// Whether there is something to do once nobody commits.
    pub(super) fn is_due_when_idle(&self) -> bool {
        !self.reserved || self.pages - self.tried >= PAGES_BEFORE_IDLE_CHECKPOINT
    }

    /// Makes the file ready if it is not, else copies the log.
    pub(super) fn tend(&mut self, connection: &mut Connection) {
        if self.reserved {
            return self.checkpoint(connection);
        }
        self.reserved = true;
        if let Err(error) = self.reserve(connection) {
            tracing::warn!(%error, "the log's file was not made ready");
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
