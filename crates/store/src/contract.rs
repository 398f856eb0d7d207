//! The contract that every backend keeps: entries with revisions, ordered scans, all-or-nothing
//! commits with expectations, and a watch that continues a scan without a gap.

use std::fmt;

use bytes::Bytes;
pub use futures_util::future::BoxFuture;

use crate::error::{CommitError, StoreError};
use crate::key::Key;
use crate::transaction::Transaction;
use crate::watch::{Batch, Watch};

/// Most entries in one page, whatever `limit` says.
///
/// Reason: bounds the memory and the time of one read; a caller that wants more asks again.
pub const PAGE_ENTRIES_MAX: usize = 1000;

/// A page ends early when its keys and values reach this many bytes.
///
/// Reason: bounds the memory of one read; above the largest single entry, so that every page makes
/// progress.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A point in the store's history: one global number that only grows, across restarts too.
///
/// Zero is the empty store before its first write. Numbers may be skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// Before the first write.
    pub const ZERO: Self = Self(0);

    /// The revision of this number, as a backend counts them.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision after this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One key with its value, as of some revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value, as it was put; may be empty.
    pub value: Bytes,
    /// The revision that made this incarnation of the key: a key that was deleted and put again has
    /// a new one.
    pub created: Revision,
    /// The revision of the last put; equals `created` until the second.
    pub modified: Revision,
}

/// One answer of [`Store::range`]: a consistent view at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries in the order of their keys.
    pub entries: Vec<Entry>,
    /// The state that the entries belong to. The watch from here misses nothing.
    pub revision: Revision,
    /// Whether keys under the prefix follow the last entry: ask again with `after` set to it.
    pub more: bool,
}

/// Durable entries under byte-path keys. Used as `Arc<dyn Store>`.
///
/// Promised, and held by `suite` for every backend:
/// - A commit is all or nothing, durable before its `Ok` (it survives power loss as far as the disk
///   keeps its own promises), and isolated: commits have one order, that of their revisions.
/// - A read that starts after a commit's `Ok` sees that commit. Every read sees one revision.
/// - A watch yields each later commit once, in order, after it is durable.
///
/// Not promised: that two pages of one scan are of the same revision (watch from the *first*
/// page's revision: replaying the changes since then leads to the same state, since each change
/// carries its whole entry); any order among commits that run at the same time; that a commit whose
/// future is dropped did not happen.
pub trait Store: Send + Sync + 'static {
    /// The entry at `key`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Entry>, StoreError>>;

    /// Up to `limit` entries under `prefix` whose keys are above `after`, in the order of the keys.
    ///
    /// A page may hold fewer than `limit` although more follow ([`PAGE_ENTRIES_MAX`],
    /// [`PAGE_BYTES_MAX`]): only [`Page::more`] tells. With `limit` 0 it holds none.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn range(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, StoreError>>;

    /// Applies all writes if all expectations hold, at one new revision, which it returns.
    ///
    /// A transaction that changes nothing (no writes, or deletions of absent keys) takes no new
    /// revision and returns one at which its expectations held.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when an expectation does not hold: nothing was written.
    /// [`CommitError::Store`] otherwise; [`StoreError`] says what each variant left behind.
    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// Follows every commit with a revision above `after`.
    ///
    /// `after` may be ahead of the store: then earlier commits are left out.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when changes since `after` are no longer kept (they are kept in
    /// memory only, and a bounded number: after a restart, none). Scan again and watch from there.
    fn watch(&self, after: Revision) -> Result<Watch, StoreError>;

    /// The commits above `after` that this process has at hand, in order and without a gap, for a
    /// writer that wants to see its own commit without waiting for a watch. Never waits; a backend
    /// that would have to ask another machine gives none.
    fn at_hand(&self, after: Revision) -> Vec<Batch> {
        let _ = after;
        Vec::new()
    }
}
