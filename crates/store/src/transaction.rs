//! Transactions: what must hold, what to write, and the limits that keep them portable to etcd.

use bytes::Bytes;

use crate::contract::Revision;
use crate::error::StoreError;
use crate::key::{KEY_BYTES_MAX, Key};

/// Most writes in one transaction; a [`Write::DeletePrefix`] counts as one.
///
/// Source: etcd's default `--max-txn-ops`, 128.
pub const WRITES_MAX: usize = 128;

/// Most expectations in one transaction.
///
/// Source: etcd's default `--max-txn-ops`, which bounds the comparisons too.
pub const EXPECTATIONS_MAX: usize = 128;

/// Largest transaction, in bytes: keys and values, and 64 bytes for each write and
/// expectation.
///
/// Source: etcd's default `--max-request-bytes`, 1.5 MiB.
pub const TRANSACTION_BYTES_MAX: usize = 1536 * 1024;

/// Largest value, in bytes: one such put fits into a transaction with the longest key and several
/// expectations.
pub const VALUE_BYTES_MAX: usize = TRANSACTION_BYTES_MAX - 8 * KEY_BYTES_MAX;

/// What one write or expectation adds to a transaction's size beyond its key and value.
///
/// Reason: above what etcd's encoding adds (tags, lengths, the end of a range), so that what fits
/// here fits there.
const ITEM_BYTES: usize = 64;

/// What must hold for a transaction to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// There is no entry at the key.
    Absent(Key),
    /// The entry is there and was last put at this revision ([`crate::Entry::modified`]).
    Unchanged(Key, Revision),
    /// The entry is there and was created at this revision ([`crate::Entry::created`]), however
    /// often it was put since.
    Incarnation(Key, Revision),
}

impl Expectation {
    /// The key that the expectation is about.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Absent(key) | Self::Unchanged(key, _) | Self::Incarnation(key, _) => key,
        }
    }

    /// Whether it holds for an entry with these `(created, modified)` revisions, or for none.
    pub(crate) fn holds(&self, stored: Option<(Revision, Revision)>) -> bool {
        match self {
            Self::Absent(_) => stored.is_none(),
            Self::Unchanged(_, want) => stored.is_some_and(|(_, modified)| modified == *want),
            Self::Incarnation(_, want) => stored.is_some_and(|(created, _)| created == *want),
        }
    }
}

/// One change that a transaction makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stores the value, whatever was there.
    Put(Key, Bytes),
    /// Removes the entry, if there is one.
    Delete(Key),
    /// Removes every entry whose key starts with these bytes.
    DeletePrefix(Key),
}

impl Write {
    /// The key, or prefix, that the write names.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Delete(key) | Self::DeletePrefix(key) => key,
        }
    }

    fn bytes(&self) -> usize {
        let value = if let Self::Put(_, value) = self { value.len() } else { 0 };
        self.key().as_bytes().len() + value + ITEM_BYTES
    }

    /// Whether the write changes the entry at `key`, if there is one.
    fn changes(&self, key: &Key) -> bool {
        match self {
            Self::Put(changed, _) | Self::Delete(changed) => changed == key,
            Self::DeletePrefix(prefix) => key.starts_with(prefix),
        }
    }
}

/// Expectations and writes that hold and happen together, or not at all.
///
/// The writes must not overlap in a put: a key is put at most once and not deleted besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// All must hold in the state before the writes.
    pub expectations: Vec<Expectation>,
    /// All happen, at one revision.
    pub writes: Vec<Write>,
}

impl Transaction {
    /// Refuses what no backend may accept. Every backend calls this first.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over a limit of this module, [`StoreError::WrittenTwice`] when a
    /// put overlaps another write.
    pub fn check(&self) -> Result<(), StoreError> {
        self.check_sizes()?;
        self.check_overlap()
    }

    fn check_sizes(&self) -> Result<(), StoreError> {
        within("writes in a transaction", self.writes.len(), WRITES_MAX)?;
        within("expectations of a transaction", self.expectations.len(), EXPECTATIONS_MAX)?;
        for write in &self.writes {
            if let Write::Put(_, value) = write {
                within("bytes of a value", value.len(), VALUE_BYTES_MAX)?;
            }
        }
        within("bytes of a transaction", self.bytes(), TRANSACTION_BYTES_MAX)
    }

    fn bytes(&self) -> usize {
        let expected = self.expectations.iter().map(|e| e.key().as_bytes().len() + ITEM_BYTES);
        expected.chain(self.writes.iter().map(Write::bytes)).sum()
    }

    fn check_overlap(&self) -> Result<(), StoreError> {
        for write in &self.writes {
            let Write::Put(key, _) = write else { continue };
            if self.writes.iter().filter(|one| one.changes(key)).nth(1).is_some() {
                return Err(StoreError::WrittenTwice { key: key.clone() });
            }
        }
        Ok(())
    }
}

fn within(what: &'static str, size: usize, max: usize) -> Result<(), StoreError> {
    if size <= max { Ok(()) } else { Err(StoreError::TooLarge { what, size, max }) }
}
