//! What a transaction would change, as of the database and the batches above it. Reads only.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};

use super::known::Known;
use super::overlay::Overlay;
use crate::contract::{Entry, Revision};
use crate::key::Key;
use crate::transaction::{Transaction, Write};
use crate::watch::Change;

/// The revisions that created an entry and last put it.
pub(super) type Stamps = (Revision, Revision);

/// The state after every commit so far: the database, and above it what it does not have yet.
pub(super) struct State<'w> {
    pub(super) database: &'w Connection,
    /// What it was found to have.
    pub(super) known: &'w Known,
    /// The batches above it, oldest first.
    pub(super) above: [&'w Overlay; 2],
}

impl State<'_> {
    fn stamps(&self, key: &Key) -> rusqlite::Result<Option<Stamps>> {
        let [older, newer] = self.above;
        if let Some(entry) = newer.entry(key).or_else(|| older.entry(key)) {
            return Ok(entry.map(|entry| (entry.created, entry.modified)));
        }
        self.known.get(key, || {
            let select = "SELECT created, modified FROM entry WHERE key = ?1";
            let mut select = self.database.prepare_cached(select)?;
            select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
    }

    /// The keys of the entries that start so.
    fn under(&self, prefix: &Key) -> rusqlite::Result<BTreeSet<Key>> {
        let select = "SELECT key FROM entry WHERE key >= ?1 AND key < ?2";
        let mut select = self.database.prepare_cached(select)?;
        let stored = select.query_map((prefix, prefix.end_of_prefix()), |row| row.get(0))?;
        let mut keys = stored.collect::<rusqlite::Result<BTreeSet<_>>>()?;
        for (key, stands) in self.above.iter().flat_map(|above| above.under(prefix)) {
            if stands {
                keys.insert(key.clone());
            } else {
                keys.remove(key);
            }
        }
        Ok(keys)
    }

    /// What the transaction changes at this revision; nothing if not all that it expects holds.
    pub(super) fn plan(
        &self,
        transaction: &Transaction,
        revision: Revision,
    ) -> rusqlite::Result<Option<Vec<Change>>> {
        let Some(found) = self.check(transaction)? else { return Ok(None) };
        let mut changes = Changes::default();
        for write in &transaction.writes {
            match write {
                Write::Put(key, value) => {
                    let created = found.created(self, key)?.unwrap_or(revision);
                    let (key, value) = (key.clone(), value.clone());
                    changes.put(Entry { key, value, created, modified: revision });
                }
                Write::Delete(key) if self.stamps(key)?.is_some() => changes.delete(key.clone()),
                Write::Delete(_) => {}
                Write::DeletePrefix(prefix) => {
                    self.under(prefix)?.into_iter().for_each(|key| changes.delete(key));
                }
            }
        }
        Ok(Some(changes.all))
    }

    fn check<'t>(&self, transaction: &'t Transaction) -> rusqlite::Result<Option<Found<'t>>> {
        let mut found = Vec::with_capacity(transaction.expectations.len());
        for expectation in &transaction.expectations {
            let stamps = self.stamps(expectation.key())?;
            if !expectation.holds(stamps) {
                return Ok(None);
            }
            found.push((expectation.key(), stamps));
        }
        Ok(Some(Found(found)))
    }
}

/// What stands at the keys that a transaction expects something of.
struct Found<'t>(Vec<(&'t Key, Option<Stamps>)>);

impl Found<'_> {
    /// When the entry at `key` was created, if there is one: looked up only if nothing was expected
    /// of it.
    fn created(&self, state: &State<'_>, key: &Key) -> rusqlite::Result<Option<Revision>> {
        let known = self.0.iter().find(|(seen, _)| *seen == key);
        let stamps = known.map_or_else(|| state.stamps(key), |(_, stamps)| Ok(*stamps))?;
        Ok(stamps.map(|(created, _)| created))
    }
}

/// Changes, each key at most once: deletions may name one twice.
#[derive(Default)]
struct Changes {
    all: Vec<Change>,
    deleted: BTreeSet<Key>,
}

impl Changes {
    fn put(&mut self, entry: Entry) {
        self.all.push(Change::Put(entry));
    }

    fn delete(&mut self, key: Key) {
        if self.deleted.insert(key.clone()) {
            self.all.push(Change::Delete(key));
        }
    }
}
