//! What a watcher sees: the commits after a revision, one batch each.

use std::fmt;
use std::sync::Arc;

use futures_util::stream::{BoxStream, Stream, StreamExt};

use crate::contract::{Entry, Revision};
use crate::error::StoreError;
use crate::key::Key;

/// What happened to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The entry as it is now.
    Put(Entry),
    /// The entry that was at this key is gone.
    Delete(Key),
}

impl Change {
    /// The key that changed.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(entry) => &entry.key,
            Self::Delete(key) => key,
        }
    }

    /// The bytes that the change holds in memory.
    pub(crate) fn bytes(&self) -> usize {
        let value = if let Self::Put(entry) = self { entry.value.len() } else { 0 };
        self.key().as_bytes().len() + value
    }
}

/// All changes of one transaction. Cloning is cheap (the changes are shared).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The transaction's revision.
    pub revision: Revision,
    /// What it changed: at least one change, each key at most once, in no promised order.
    pub changes: Arc<[Change]>,
}

/// The commits after a revision, in order and without a gap. Made by [`crate::Store::watch`].
pub struct Watch(BoxStream<'static, Result<Batch, StoreError>>);

impl Watch {
    /// Wraps a backend's stream of batches. After an error the stream yields errors or ends.
    pub fn new(batches: impl Stream<Item = Result<Batch, StoreError>> + Send + 'static) -> Self {
        Self(batches.boxed())
    }

    /// Waits for the next batch. Dropping the future before it is ready loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when the watcher fell too far behind: scan again.
    /// [`StoreError::Closed`] when the store was closed and every earlier batch was taken.
    pub async fn next(&mut self) -> Result<Batch, StoreError> {
        self.0.next().await.unwrap_or(Err(StoreError::Closed))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
