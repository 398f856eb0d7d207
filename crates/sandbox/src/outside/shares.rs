//! How much of the outside a function may take from all others: a quarter, however many workers it has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock;

/// Into how many parts the whole is divided, each of which is the most that a function has.
const PARTS: usize = 4;

/// The whole: so many connections and look-ups at a time.
pub(super) struct Whole {
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
    connections_of_function: usize,
    lookups_of_function: usize,
    /// By function. None but those that a worker, a connection or a look-up holds.
    shares: Mutex<HashMap<Arc<str>, Weak<Share>>>,
}

/// One function's part of it.
pub(super) struct Share {
    pub(super) function: Arc<str>,
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

/// A place among those of a function, and among all. It holds the share, so that nobody gets another one
/// before all places of this one are free.
pub(super) struct Taken {
    _of_function: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _share: Arc<Share>,
}

impl Whole {
    pub(super) fn new(connections: usize, lookups: usize) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(connections)),
            lookups: Arc::new(Semaphore::new(lookups)),
            connections_of_function: connections.div_ceil(PARTS),
            lookups_of_function: lookups.div_ceil(PARTS),
            shares: Mutex::default(),
        }
    }

    /// The one share of a function.
    pub(super) fn share_of(&self, function: &str) -> Arc<Share> {
        let mut shares = lock(&self.shares);
        if let Some(share) = shares.get(function).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Share {
            function: function.into(),
            connections: Arc::new(Semaphore::new(self.connections_of_function)),
            lookups: Arc::new(Semaphore::new(self.lookups_of_function)),
        });
        shares.insert(Arc::clone(&share.function), Arc::downgrade(&share));
        share
    }

    /// A connection's place, if one is free.
    pub(super) fn connection(&self, share: &Arc<Share>) -> Option<Taken> {
        let of_function = Arc::clone(&share.connections).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.connections).try_acquire_owned().ok()?;
        Some(Taken { _of_function: of_function, _of_all: of_all, _share: Arc::clone(share) })
    }

    /// Waits for a look-up's turn: the function's own first, so that nobody else waits for that.
    pub(super) async fn lookup(&self, share: &Arc<Share>) -> Option<Taken> {
        let of_function = Arc::clone(&share.lookups).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.lookups).acquire_owned().await.ok()?;
        Some(Taken { _of_function: of_function, _of_all: of_all, _share: Arc::clone(share) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use tokio::time::timeout;

    /// As many as can be taken.
    fn all_of(whole: &Whole, function: &str) -> Vec<Taken> {
        std::iter::from_fn(|| whole.connection(&whole.share_of(function))).collect()
    }

    #[test]
    fn a_function_has_a_quarter_of_the_connections_however_often_it_asks() {
        for (all, quarter) in [(1, 1), (3, 1), (8, 2), (1024, 256)] {
            let whole = Whole::new(all, 4);
            let taken = all_of(&whole, "a");
            assert_eq!(taken.len(), quarter);
            assert_eq!(all_of(&whole, "b").len(), quarter.min(all - quarter));
            drop(taken);
            assert_eq!(all_of(&whole, "a").len(), quarter);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_has_a_quarter_of_the_turns_to_look_names_up() {
        let whole = Whole::new(4, 8);
        let turn = async |function| {
            let share = whole.share_of(function);
            timeout(Duration::from_millis(20), whole.lookup(&share)).await.ok().flatten()
        };
        let (one, _two) = (turn("a").await.unwrap(), turn("a").await.unwrap());
        assert!(turn("a").await.is_none());
        assert!(turn("b").await.is_some());
        drop(one);
        assert!(turn("a").await.is_some());
    }

    #[test]
    fn shares_are_kept_as_long_as_anybody_holds_them() {
        let whole = Whole::new(1024, 4);
        let held = whole.share_of("held");
        for number in 0..100 {
            whole.share_of(&number.to_string());
        }
        assert!(lock(&whole.shares).len() <= 2);
        assert!(Arc::ptr_eq(&held, &whole.share_of("held")));
    }
}
