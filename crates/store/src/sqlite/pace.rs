//! How fast the disk was of late: whether a commit may hold its thread for the time of a flush.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A commit that takes no longer than this is not worth the hand-over of a runtime's tasks to
/// another thread, which takes some tens of microseconds itself and is what the caller waits for.
const FAST: Duration = Duration::from_millis(1);

/// The time that the last commit on a caller's thread took; it begins as slow as can be.
pub(super) struct Pace(AtomicU64);

impl Pace {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    /// Whether the next commit can be expected to be fast. One slow flush is the most that a
    /// thread is held for before this says no.
    pub(super) fn is_fast(&self) -> bool {
        Duration::from_micros(self.0.load(Ordering::Relaxed)) <= FAST
    }

    pub(super) fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.store(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn a_disk_is_as_fast_as_its_last_flush() {
        let pace = Pace::new();
        assert!(!pace.is_fast(), "before the first commit");
        for (micros, fast) in [(150, true), (1_000, true), (1_001, false), (9_000_000, false)] {
            pace.record(Duration::from_micros(micros));
            assert_eq!(pace.is_fast(), fast, "{micros}");
        }
    }
}
