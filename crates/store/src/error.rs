//! What can go wrong in a store, as one closed enum, and what each failure left behind.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use crate::contract::Revision;
use crate::key::Key;

/// The cause of a failure, shared: one failed flush fails every commit of its group.
pub type Source = Arc<dyn Error + Send + Sync>;

/// A failure of the store itself. From a commit, only [`StoreError::Unavailable`] leaves the
/// outcome open; after every other variant nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine or the file system refused (disk full, no permission, busy). Nothing was
    /// written; the same request may work later.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, as an infinitive: "commit", "open the database".
        action: &'static str,
        /// What the engine or the operating system said.
        source: Source,
    },
    /// No proof either way: the flush failed or the engine did not answer. A commit that ends so
    /// was written whole or not at all; only a later read (after a restart, for the embedded
    /// backend, which closes itself) tells which.
    #[error("the store did not confirm: {source}")]
    Unavailable {
        /// What the engine or the operating system said.
        source: Source,
    },
    /// Stored bytes are not what was written. Needs a person: restore from a backup.
    #[error("the store is damaged: {detail}")]
    Corrupt {
        /// What does not fit.
        detail: String,
    },
    /// The database is not ours or is of another schema version, so it was not touched.
    #[error("cannot use the database {path}: {found}; this build reads schema version {supported}")]
    UnknownFormat {
        /// The database file.
        path: PathBuf,
        /// What was found in it.
        found: String,
        /// The schema version that this build reads and writes.
        supported: u32,
    },
    /// Another process (or another handle in this one) has the folder open.
    #[error("the data folder {folder} is in use by another process; stop it or choose another")]
    InUse {
        /// The folder that was asked for.
        folder: PathBuf,
    },
    /// The sealed values were sealed with another key. Nothing was changed.
    #[error(
        "the secrets in the store are sealed with another sealing key than the one given; give the \
         one that it was first started with"
    )]
    WrongSealingKey,
    /// A watch wants changes that are no longer kept. Scan again and watch from there.
    #[error("changes up to revision {oldest} are no longer kept; scan again")]
    Compacted {
        /// The least revision from which a watch can continue now.
        oldest: Revision,
    },
    /// A part of the request is over its limit.
    #[error("{what}: {size} is over the limit of {max}")]
    TooLarge {
        /// Which quantity, with its unit.
        what: &'static str,
        /// How much was asked for.
        size: usize,
        /// How much is accepted.
        max: usize,
    },
    /// A transaction writes one key twice, which has no portable meaning (etcd refuses it too).
    #[error("the transaction writes the key {key} more than once")]
    WrittenTwice {
        /// The key that is put twice, or put and deleted.
        key: Key,
    },
    /// The store was closed, or closed itself after a flush failed.
    #[error("the store is closed")]
    Closed,
}

/// Why a transaction was not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// An expectation did not hold. Nothing was written; read again and decide anew.
    #[error("an expectation of the transaction does not hold")]
    Conflict,
    /// The store failed. See [`StoreError`] for what that left behind.
    #[error(transparent)]
    Store(#[from] StoreError),
}
