//! What the database was found to have at the keys that commits asked for lately: whoever changes one
//! function again and again expects the same few entries each time, and SQLite takes as long to say
//! so as the rest of a commit but its flush.

use std::cell::RefCell;
use std::collections::HashMap;

use super::overlay::Overlay;
use super::plan::Stamps;
use crate::key::Key;

/// So many keys are known at most; with more, all are forgotten. Reason: bounds the memory to a
/// megabyte, or five if every key were as long as can be.
const KEYS_MAX: usize = 4_096;

/// The stamps of entries in the database; `None` where it has none.
#[derive(Default)]
pub(super) struct Known(RefCell<HashMap<Key, Option<Stamps>>>);

impl Known {
    /// The stamps at the key: as known, or as `find` finds them.
    pub(super) fn get<E>(
        &self,
        key: &Key,
        find: impl FnOnce() -> Result<Option<Stamps>, E>,
    ) -> Result<Option<Stamps>, E> {
        if let Some(stamps) = self.0.borrow().get(key) {
            return Ok(*stamps);
        }
        let stamps = find()?;
        self.put(key, stamps);
        Ok(stamps)
    }

    /// Learns what the database has now that it has these batches.
    pub(super) fn learn(&self, applied: &Overlay) {
        for (key, entry) in applied.entries() {
            self.put(key, entry.map(|entry| (entry.created, entry.modified)));
        }
    }

    fn put(&self, key: &Key, stamps: Option<Stamps>) {
        let mut known = self.0.borrow_mut();
        if known.len() >= KEYS_MAX && !known.contains_key(key) {
            known.clear();
        }
        known.insert(key.clone(), stamps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Revision};
    use crate::watch::{Batch, Change};

    fn key(number: usize) -> Key {
        Key::try_from(format!("key/{number}").as_str()).unwrap()
    }

    fn stamps(created: u64, modified: u64) -> Stamps {
        (Revision::new(created), Revision::new(modified))
    }

    #[track_caller]
    fn check(known: &Known, number: usize, want: Option<Option<Stamps>>) {
        let found = known.get(&key(number), || Err("not known"));
        assert_eq!(found.ok(), want, "key {number}");
    }

    #[test]
    fn what_was_found_is_known_until_a_batch_changes_it() {
        let known = Known::default();
        check(&known, 1, None);
        for (number, found) in [(1, Some(stamps(1, 1))), (2, None), (3, Some(stamps(2, 5)))] {
            assert_eq!(known.get(&key(number), || Ok::<_, ()>(found)), Ok(found));
            check(&known, number, Some(found));
        }
        let (created, modified) = stamps(1, 7);
        let put = Entry { key: key(1), value: vec![1].into(), created, modified };
        let changes = vec![Change::Put(put), Change::Delete(key(3))];
        let mut applied = Overlay::default();
        applied.push(Batch { revision: modified, changes: changes.into() });
        known.learn(&applied);
        check(&known, 1, Some(Some(stamps(1, 7))));
        check(&known, 2, Some(None));
        check(&known, 3, Some(None));
    }

    #[test]
    fn no_more_is_known_than_there_is_room_for() {
        let known = Known::default();
        for number in 0..3 * KEYS_MAX {
            known.put(&key(number), None);
            assert!(known.0.borrow().len() <= KEYS_MAX);
            check(&known, number, Some(None));
        }
    }
}
