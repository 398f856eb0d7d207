//! The reference store: the contract in its plainest form, over a `BTreeMap`. Nothing is durable.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::ready;

use crate::contract::{BoxFuture, Entry, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Page, Revision, Store};
use crate::error::{CommitError, StoreError};
use crate::history::History;
use crate::key::Key;
use crate::transaction::{Transaction, Write};
use crate::watch::{Batch, Change, Watch};

/// A store in memory: the oracle of the suite, and a quick store for other crates' tests.
pub struct MemoryStore {
    state: Mutex<State>,
    history: Arc<History>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<Key, Entry>,
    revision: Revision,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Mutex::default(), history: History::new(Revision::ZERO) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, transaction: &Transaction) -> Result<Revision, CommitError> {
        transaction.check()?;
        let mut state = self.state();
        if !state.holds(transaction) {
            return Err(CommitError::Conflict);
        }
        let changes = state.write(transaction);
        if !changes.is_empty() {
            state.revision = state.revision.next();
            let batch = Batch { revision: state.revision, changes: changes.into() };
            self.history.publish([batch]); // under the lock: in the order of the revisions
        }
        Ok(state.revision)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn holds(&self, transaction: &Transaction) -> bool {
        transaction.expectations.iter().all(|expectation| {
            let stored = self.entries.get(expectation.key());
            expectation.holds(stored.map(|entry| (entry.created, entry.modified)))
        })
    }

    fn write(&mut self, transaction: &Transaction) -> Vec<Change> {
        let mut changes = Vec::new();
        for write in &transaction.writes {
            match write {
                Write::Put(key, value) => changes.push(self.put(key, value)),
                Write::Delete(key) => changes.extend(self.delete(|found| found == key)),
                Write::DeletePrefix(prefix) => {
                    changes.extend(self.delete(|found| found.starts_with(prefix)));
                }
            }
        }
        changes
    }

    fn put(&mut self, key: &Key, value: &bytes::Bytes) -> Change {
        let modified = self.revision.next();
        let created = self.entries.get(key).map_or(modified, |entry| entry.created);
        let entry = Entry { key: key.clone(), value: value.clone(), created, modified };
        self.entries.insert(key.clone(), entry.clone());
        Change::Put(entry)
    }

    fn delete(&mut self, doomed: impl Fn(&Key) -> bool) -> impl Iterator<Item = Change> {
        self.entries.extract_if(.., move |key, _| doomed(key)).map(|(key, _)| Change::Delete(key))
    }

    fn page(&self, prefix: &Key, after: Option<&Key>, limit: usize) -> Page {
        let mut page = Page { entries: Vec::new(), revision: self.revision, more: false };
        let wanted = |key: &Key| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let mut bytes = 0;
        for entry in self.entries.values().filter(|entry| wanted(&entry.key)) {
            let full = page.entries.len() == limit.min(PAGE_ENTRIES_MAX);
            if full || bytes >= PAGE_BYTES_MAX {
                page.more = true;
                break;
            }
            bytes += entry.key.as_bytes().len() + entry.value.len();
            page.entries.push(entry.clone());
        }
        page
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        ready(Ok(self.state().entries.get(key).cloned())).boxed()
    }

    fn range(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, StoreError>> {
        ready(Ok(self.state().page(prefix, after, limit))).boxed()
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        async move { self.apply(&transaction) }.boxed()
    }

    fn watch(&self, after: Revision) -> Result<Watch, StoreError> {
        self.history.watch(after)
    }

    fn at_hand(&self, after: Revision) -> Vec<Batch> {
        self.history.at_hand(after)
    }
}
