//! One issuer's keys as they are known here: how long they count, and when they are read again.
//!
//! Readers never wait for a read that they do not need. Those who need one share it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use portcullis_identity::{IdentityError, IssuerName, KeySet, WebIdentityToken};
use tokio::sync::Mutex;

use super::place::{Failure, Place};

/// How long keys count without another look: how long an issuer's withdrawn key goes on at most while
/// the issuer can be reached.
const FRESH_PERIOD: Duration = Duration::from_secs(5 * 60);
/// How long keys count while there are no newer ones to be had.
const STALE_PERIOD: Duration = Duration::from_secs(60 * 60);
/// How long after a read there is no other.
const RETRY_PERIOD: Duration = Duration::from_secs(10);

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Source {
    issuer: IssuerName,
    place: Place,
    held: ArcSwap<Held>,
    /// Whoever reads; the others wait for what it finds.
    reading: Mutex<()>,
}

/// What the last reads found.
#[derive(Clone, Debug, Default)]
struct Held {
    /// The keys of the last read that found some, and when that was.
    keys: Option<(Arc<KeySet>, Instant)>,
    /// When the last read ended.
    read: Option<Instant>,
    /// Why the last read found nothing, if it did not.
    failure: Option<Failure>,
}

/// What for keys are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// For any token.
    Fresh,
    /// For a token of a key that the known ones do not have.
    Newer,
}

impl Held {
    /// The keys of a read at `now`.
    fn found(keys: KeySet, now: Instant) -> Self {
        Self { keys: Some((Arc::new(keys), now)), read: Some(now), failure: None }
    }

    /// What is left after a read that found nothing.
    fn missed(&self, failure: Failure, now: Instant) -> Self {
        Self { keys: self.keys.clone(), read: Some(now), failure: Some(failure) }
    }

    fn age(&self, now: Instant) -> Option<Duration> {
        self.keys.as_ref().map(|(_, found)| now.saturating_duration_since(*found))
    }

    /// The keys that count at `now`.
    fn keys(&self, now: Instant) -> Option<&KeySet> {
        let (keys, _) = self.keys.as_ref()?;
        self.age(now).filter(|age| *age < STALE_PERIOD).map(|_| &**keys)
    }

    /// Whether there is to be another read.
    fn is_due(&self, wanted: Wanted, now: Instant) -> bool {
        let just_read =
            self.read.is_some_and(|read| now.saturating_duration_since(read) < RETRY_PERIOD);
        let is_fresh = self.age(now).is_some_and(|age| age < FRESH_PERIOD);
        !just_read && (wanted == Wanted::Newer || !is_fresh)
    }

    /// Whether one of the keys signed the token; `None` if it is of a key that they do not have.
    fn signed(&self, token: &WebIdentityToken<'_>) -> Option<bool> {
        token.is_signed_by(self.keys(Instant::now())?)
    }
}

impl Source {
    /// Keys that are read when somebody asks for them.
    pub(super) fn new(issuer: IssuerName, place: Place) -> Self {
        Self { issuer, place, held: ArcSwap::default(), reading: Mutex::new(()) }
    }

    /// Keys of which some have been read.
    pub(super) fn with_keys(self, keys: KeySet) -> Self {
        self.held.store(Arc::new(Held::found(keys, Instant::now())));
        self
    }

    /// That the token is this issuer's.
    ///
    /// # Errors
    /// [`IdentityError::IssuerUnreachable`] where the issuer could not be asked and the known keys do
    /// not tell; [`IdentityError::InvalidIdentityToken`] where no key of the issuer signed the token.
    pub(super) async fn prove(
        self: &Arc<Self>,
        token: &WebIdentityToken<'_>,
    ) -> Result<(), IdentityError> {
        let mut held = self.held(Wanted::Fresh).await;
        if held.signed(token).is_none() {
            held = self.held(Wanted::Newer).await;
        }
        match (held.signed(token), &held.failure) {
            (Some(true), _) => Ok(()),
            (None, Some(Failure::Unreachable(_))) => {
                Err(IdentityError::IssuerUnreachable(self.issuer.clone()))
            }
            (Some(false) | None, _) => Err(token.without_key()),
        }
    }

    /// What is known, after another read if there is to be one. A read goes on when whoever asked for
    /// it goes away, for the others who wait.
    async fn held(self: &Arc<Self>, wanted: Wanted) -> Arc<Held> {
        if self.held.load().is_due(wanted, Instant::now()) {
            let source = Arc::clone(self);
            let read = tokio::spawn(async move { source.read(wanted).await });
            if let Err(error) = read.await {
                tracing::error!(issuer = %self.issuer, %error, "reading keys broke off");
            }
        }
        self.held.load_full()
    }

    async fn read(&self, wanted: Wanted) {
        let _reading = self.reading.lock().await;
        let held = self.held.load_full();
        if !held.is_due(wanted, Instant::now()) {
            return; // another has read meanwhile
        }
        let read = self.place.read().await;
        let now = Instant::now();
        let next = match read {
            Ok(keys) => Held::found(keys, now),
            Err(failure) => {
                let remain = held.keys(now).is_some();
                tracing::warn!(
                    issuer = %self.issuer, place = %self.place, %failure, remain,
                    "keys could not be read; known ones that remain count for an hour at most"
                );
                held.missed(failure, now)
            }
        };
        self.held.store(Arc::new(next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> KeySet {
        KeySet::parse(br#"{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"}]}"#).unwrap()
    }

    /// After a read that found keys so many seconds ago, and perhaps one later that did not.
    #[track_caller]
    fn check(found: u64, missed: Option<u64>, want: (bool, bool, bool)) {
        let now = Instant::now() + STALE_PERIOD * 2;
        let ago = |seconds| now - Duration::from_secs(seconds);
        let mut held = Held::found(keys(), ago(found));
        if let Some(missed) = missed {
            held = held.missed(Failure::Unreachable(String::new()), ago(missed));
        }
        let due = |wanted| held.is_due(wanted, now);
        let got = (held.keys(now).is_some(), due(Wanted::Fresh), due(Wanted::Newer));
        assert_eq!(got, want, "{found} {missed:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn keys_count_for_an_hour_and_are_looked_for_again_after_minutes() {
        //                     they count, a read for any token, for an unknown key
        check(0,     None,        (true,  false, false));
        check(9,     None,        (true,  false, false));
        check(10,    None,        (true,  false, true));
        check(299,   None,        (true,  false, true));
        check(300,   None,        (true,  true,  true));
        check(300,   Some(9),     (true,  false, false));
        check(300,   Some(10),    (true,  true,  true));
        check(3_599, Some(10),    (true,  true,  true));
        check(3_600, Some(9),     (false, false, false));
        check(3_600, Some(10),    (false, true,  true));
        check(3_600, None,        (false, true,  true));
    }

    #[test]
    fn keys_that_nobody_has_read_are_due() {
        let (held, now) = (Held::default(), Instant::now());
        assert!(held.keys(now).is_none());
        assert!(held.is_due(Wanted::Fresh, now) && held.is_due(Wanted::Newer, now));
        let missed = held.missed(Failure::Unusable(String::new()), now);
        assert!(!missed.is_due(Wanted::Fresh, now) && missed.keys(now).is_none());
    }
}
