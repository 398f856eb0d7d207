//! The revision of the state that a read finds, told without asking the database.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::contract::Revision;

/// Twice the revision of the last commit, and one while a group of commits runs.
///
/// A read that saw the same settled revision before and after its view began has that revision: a
/// group says so before it becomes visible and again when it is whole.
pub(super) struct Latest(AtomicU64);

impl Latest {
    pub(super) fn new(revision: Revision) -> Self {
        Self(AtomicU64::new(revision.get() << 1))
    }

    /// From now on the state may change at any moment.
    pub(super) fn unsettle(&self) {
        self.0.fetch_or(1, Ordering::SeqCst);
    }

    /// From now on the state stays as it is, at this revision.
    pub(super) fn settle(&self, revision: Revision) {
        self.0.store(revision.get() << 1, Ordering::SeqCst);
    }

    /// The revision, unless a group of commits runs.
    pub(super) fn settled(&self) -> Option<Revision> {
        let number = self.0.load(Ordering::SeqCst);
        number.is_multiple_of(2).then(|| Revision::new(number >> 1))
    }
}
