//! The recent commits, kept in memory within bounds, from which watches are fed.
//!
//! There is no change log on disk: it would double the bytes of a commit, and a watcher that fell
//! behind (or a restart) is served by a scan.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream;
use tokio::sync::watch;

use crate::contract::Revision;
use crate::error::StoreError;
use crate::watch::{Batch, Change, Watch};

/// Most batches kept. Reason: seconds of the fastest writing, for a watcher in the same process.
const BATCHES_MAX: usize = 4096;

/// Most bytes of keys and values kept. Reason: a small part of the 30 MiB that an idle server may
/// use.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Shared by the writer, which publishes, and the watches, which follow.
pub(crate) struct History {
    recent: Mutex<Recent>,
    /// Wakes the watches; says whether the store is still open.
    open: watch::Sender<bool>,
}

/// Every batch above `floor`, oldest first.
struct Recent {
    floor: Revision,
    batches: VecDeque<Batch>,
    bytes: usize,
}

impl History {
    /// Starts with nothing kept, at the store's current revision.
    pub(crate) fn new(floor: Revision) -> Arc<Self> {
        let recent = Recent { floor, batches: VecDeque::new(), bytes: 0 };
        Arc::new(Self { recent: Mutex::new(recent), open: watch::Sender::new(true) })
    }

    /// Makes durable batches visible to the watches; forgets the oldest above the bounds.
    pub(crate) fn publish(&self, batches: impl IntoIterator<Item = Batch>) {
        let mut recent = self.recent();
        batches.into_iter().for_each(|batch| recent.push(batch));
        recent.shrink();
        drop(recent);
        self.open.send_modify(|_| {});
    }

    /// Ends every watch once it has taken what is kept.
    pub(crate) fn close(&self) {
        self.open.send_replace(false);
    }

    /// Follows the batches above `after`.
    pub(crate) fn watch(self: &Arc<Self>, after: Revision) -> Result<Watch, StoreError> {
        if !*self.open.borrow() {
            return Err(StoreError::Closed);
        }
        self.recent().after(after)?;
        let cursor = Cursor { after, open: self.open.subscribe(), history: Arc::clone(self) };
        Ok(Watch::new(stream::unfold(cursor, |mut cursor| async {
            Some((cursor.next().await, cursor))
        })))
    }

    /// The batches above `after` that are kept; none if some of them are not.
    pub(crate) fn at_hand(&self, after: Revision) -> Vec<Batch> {
        let recent = self.recent();
        if after < recent.floor {
            return Vec::new();
        }
        let first = recent.batches.partition_point(|batch| batch.revision <= after);
        recent.batches.range(first..).cloned().collect()
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // A panic cannot leave the deque half-changed, so a poisoned lock is still good.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn push(&mut self, batch: Batch) {
        self.bytes += bytes(&batch);
        self.batches.push_back(batch);
    }

    fn shrink(&mut self) {
        while self.batches.len() > BATCHES_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.batches.pop_front() else { return };
            self.bytes -= bytes(&oldest);
            self.floor = oldest.revision;
        }
    }

    /// The first batch above `after`, if it is there yet.
    fn after(&self, after: Revision) -> Result<Option<&Batch>, StoreError> {
        if after < self.floor {
            return Err(StoreError::Compacted { oldest: self.floor });
        }
        Ok(self.batches.get(self.batches.partition_point(|batch| batch.revision <= after)))
    }
}

fn bytes(batch: &Batch) -> usize {
    batch.changes.iter().map(Change::bytes).sum()
}

/// Where one watch stands.
struct Cursor {
    after: Revision,
    open: watch::Receiver<bool>,
    history: Arc<History>,
}

impl Cursor {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        loop {
            // Before the look, so that a batch published after it wakes the wait below.
            let open = *self.open.borrow_and_update();
            if let Some(batch) = self.take()? {
                return Ok(batch);
            }
            if !open || self.open.changed().await.is_err() {
                return Err(StoreError::Closed);
            }
        }
    }

    fn take(&mut self) -> Result<Option<Batch>, StoreError> {
        let batch = self.history.recent().after(self.after)?.cloned();
        if let Some(batch) = &batch {
            self.after = batch.revision;
        }
        Ok(batch)
    }
}
