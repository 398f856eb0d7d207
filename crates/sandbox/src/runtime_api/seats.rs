//! How many connections of a worker are served: a few as they come, which its Runtime API needs, and more
//! only with a place among those with the outside, which count for its function and for all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::lock;
use crate::outside::{Counted, Unreached, Way};

/// Most that are served without a place: a runtime client needs one or two.
const OWN_MAX: usize = 16;

/// How often a connection that waits looks for a place.
const LOOK: Duration = Duration::from_millis(50);

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

    /// A seat of the worker's own, or else a place. Waits for either if there is neither.
    pub(super) async fn take(&self) -> Option<Seat> {
        loop {
            if let Some(held) = self.free() {
                return Some(Seat(Mutex::new(held)));
            }
            // A place comes free for all functions, and says so to none.
            if let Ok(own) = timeout(LOOK, Arc::clone(&self.own).acquire_owned()).await {
                return Some(Seat(Mutex::new(Held::Own(own.ok()?))));
            }
        }
    }

    fn free(&self) -> Option<Held> {
        if let Ok(own) = Arc::clone(&self.own).try_acquire_owned() {
            return Some(Held::Own(own));
        }
        let place = self.way.as_ref()?.count().ok()?;
        Some(Held::Place(Arc::new(place)))
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

    use crate::outside::{self, Destination, Outside};

    async fn all_of(seats: &Seats) -> Vec<Seat> {
        let mut taken = vec![];
        while let Ok(Some(seat)) = timeout(LOOK / 2, seats.take()).await {
            taken.push(seat);
        }
        taken
    }

    #[tokio::test(start_paused = true)]
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

    #[tokio::test(start_paused = true)]
    async fn a_place_that_comes_free_is_found_though_all_own_seats_are_taken() {
        let outside = Outside::new([Destination::Internet].into_iter().collect()).unwrap();
        // All that the function has, by other workers of it.
        let mut places = vec![];
        let of_another = || {
            let way = outside.way("f");
            std::iter::from_fn(move || way.count().ok())
        };
        while let Some(place) = of_another().next() {
            places.push(place);
        }
        let seats = Seats::new(Some(outside.way("f")));
        let own = all_of(&seats).await;
        assert_eq!(own.len(), OWN_MAX);
        let mut taking = std::pin::pin!(seats.take());
        assert!(timeout(2 * LOOK, &mut taking).await.is_err());
        places.pop();
        assert!(timeout(100 * LOOK, taking).await.unwrap().unwrap().is_place());
    }
}
