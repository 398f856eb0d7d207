//! How many connections of a worker are served: a few as they come, which its Runtime API needs, and more
//! only with a place among those with the outside, which count for its function and for all.

use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock;
use crate::outside::{Counted, Unreached, Way};

/// Most that are served without a place: a runtime client needs one or two.
const OWN_MAX: usize = 16;

/// The seats of one worker.
pub(super) struct Seats {
    own: Arc<Semaphore>,
    way: Option<Way>,
}

/// What a connection is served by, as long as it lasts.
pub(super) struct Seat(Mutex<Held>);

enum Held {
    Own(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit),
    Place(Arc<Counted>),
}

impl Seats {
    pub(super) fn new(way: Option<Way>) -> Self {
        Self { own: Arc::new(Semaphore::new(OWN_MAX)), way }
    }

    /// A seat of the worker's own, or else a place. Waits if there is neither.
    pub(super) async fn take(&self) -> Option<Seat> {
        let held = match (Arc::clone(&self.own).try_acquire_owned(), &self.way) {
            (Ok(own), _) => Held::Own(own),
            (Err(_), way) => match way.as_ref().and_then(|way| way.count().ok()) {
                Some(place) => Held::Place(Arc::new(place)),
                None => Held::Own(Arc::clone(&self.own).acquire_owned().await.ok()?),
            },
        };
        Some(Seat(Mutex::new(held)))
    }
}

impl Seat {
    /// Whether it is a place.
    pub(super) fn is_place(&self) -> bool {
        matches!(*lock(&self.0), Held::Place(_))
    }

    /// The connection turns out to be one with the outside: it needs a place, and leaves its own seat to
    /// another.
    ///
    /// # Errors
    /// [`Unreached::Many`].
    pub(super) fn place(&self, way: &Way) -> Result<Arc<Counted>, Unreached> {
        let mut held = lock(&self.0);
        if let Held::Place(place) = &*held {
            return Ok(Arc::clone(place));
        }
        let place = Arc::new(way.count()?);
        *held = Held::Place(Arc::clone(&place));
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use tokio::time::timeout;

    use crate::outside::{self, Destination, Outside};

    async fn all_of(seats: &Seats) -> Vec<Seat> {
        let mut taken = vec![];
        while let Ok(Some(seat)) = timeout(Duration::from_millis(20), seats.take()).await {
            taken.push(seat);
        }
        taken
    }

    #[tokio::test]
    async fn sixteen_are_served_and_more_with_a_place_only() {
        assert_eq!(all_of(&Seats::new(None)).await.len(), OWN_MAX);
        let outside = Outside::new([Destination::Internet].into_iter().collect()).unwrap();
        let way = outside.way("f");
        let seats = Seats::new(Some(way.clone()));
        let mut taken = all_of(&seats).await;
        let places = taken.len() - OWN_MAX;
        assert!((1..=outside::CONNECTIONS_MAX).contains(&places));
        assert!(taken[..OWN_MAX].iter().all(|seat| !seat.is_place()));
        assert!(taken[OWN_MAX..].iter().all(Seat::is_place));
        // A connection with the outside leaves its own seat, and has one place however often it asks.
        assert!(taken[0].place(&way).is_err());
        taken.pop();
        taken[0].place(&way).unwrap();
        taken[0].place(&way).unwrap();
        assert!(taken[1].place(&way).is_err());
        assert_eq!(all_of(&seats).await.len(), 1);
    }
}
