//! Batches that the database does not have yet, and what they left at their keys.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::contract::Entry;
use crate::key::Key;
use crate::watch::{Batch, Change};

/// Durable batches above the database, or those of a group that is being made.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    batches: Vec<Batch>,
    /// What stands at each key that they changed.
    entries: BTreeMap<Key, Option<Entry>>,
    bytes: usize,
}

impl Overlay {
    /// Adds the next batch.
    pub(super) fn push(&mut self, batch: Batch) {
        for change in &*batch.changes {
            self.bytes += change.bytes();
            let entry = match change {
                Change::Put(entry) => Some(entry.clone()),
                Change::Delete(_) => None,
            };
            self.entries.insert(change.key().clone(), entry);
        }
        self.batches.push(batch);
    }

    /// What stands at the key, if a batch changed it.
    pub(super) fn entry(&self, key: &Key) -> Option<Option<&Entry>> {
        self.entries.get(key).map(Option::as_ref)
    }

    /// What stands at the changed keys, in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Key, Option<&Entry>)> {
        self.entries.iter().map(|(key, entry)| (key, entry.as_ref()))
    }

    /// The changed keys that start so, in their order, and whether something stands there.
    pub(super) fn under(&self, prefix: &Key) -> impl Iterator<Item = (&Key, bool)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let under = self.entries.range::<Key, _>(from);
        let under = under.take_while(|(key, _)| key.starts_with(prefix));
        under.map(|(key, entry)| (key, entry.is_some()))
    }

    /// In the order of their revisions.
    pub(super) fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// Gives the batches away.
    pub(super) fn into_batches(self) -> Vec<Batch> {
        self.batches
    }

    /// Keys and values of all changes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is no batch.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}
