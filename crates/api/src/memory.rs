//! How much memory large bodies may take, all of them together.
//!
//! A body is read before its signature can be proven, and whoever knows an access key's id can send
//! one. So a large one waits for its share first, and holds it until its last byte is gone.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{error::ApiError, listen::Pace};

/// Bodies up to this size need no share, in bytes: as many as there may be connections (4,096) take
/// no more than 512 MiB, and nearly every request is smaller.
pub(crate) const FREE_BYTES_MAX: usize = 128 * 1024;

/// What shares are counted in, in bytes.
const UNIT_BYTES: usize = 64 * 1024;

/// How long a body waits for its share before the client is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pace of a body that holds a share: after [`Pace::default`]'s patience, 1 Mbit a second. Who
/// only announces a large body cannot keep others out for long.
const SHARED_PACE_BYTES_PER_SECOND: u32 = 128 * 1024;

/// What a body is. Each kind has memory of its own, so that none keeps the others out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A request with a code package.
    Package,
    /// Any other request.
    Payload,
    /// The event that a request to a function's URL becomes. Not of [`Kind::Payload`]'s, as its request has a
    /// share of those already.
    UrlEvent,
    /// A code package that is sent to a client.
    Download,
    /// A code package that is read from S3.
    Object,
}

/// The memory that large bodies share.
pub(crate) struct Memory {
    packages: Arc<Semaphore>,
    payloads: Arc<Semaphore>,
    url_events: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
    objects: Arc<Semaphore>,
}

/// A body's part of it; free again when dropped.
#[derive(Debug)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Default for Memory {
    /// Five of the largest packages, 42 of the largest payloads, as many events of URLs (or 32 of binary
    /// bodies, or seven, where JSON writes each byte in six), five downloads at a time, and one of the
    /// largest objects, which are read as they are and unpacked from there. A package
    /// whose signature is proven takes up to five times its body while it is decoded (measured: body,
    /// JSON text, bytes, and for a while what a refusal prints): 2 GiB at the most.
    fn default() -> Self {
        let mib = |count: usize| Arc::new(Semaphore::new(count * 1024 * 1024 / UNIT_BYTES));
        Self {
            packages: mib(384),
            payloads: mib(256),
            url_events: mib(256),
            downloads: mib(256),
            objects: mib(256),
        }
    }
}

impl Memory {
    /// Waits for the share of a body of `bytes`. First come, first served.
    ///
    /// # Errors
    /// [`ApiError::Throttled`] when it is not free within [`PATIENCE`].
    pub(crate) async fn share(&self, kind: Kind, bytes: u64) -> Result<Share, ApiError> {
        if bytes <= FREE_BYTES_MAX as u64 {
            return Ok(Share(None));
        }
        let all = match kind {
            Kind::Package => &self.packages,
            Kind::Payload => &self.payloads,
            Kind::UrlEvent => &self.url_events,
            Kind::Download => &self.downloads,
            Kind::Object => &self.objects,
        };
        let throttled = || ApiError::Throttled { reason: "CallerRateLimitExceeded" };
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES as u64)).map_err(|_| throttled())?;
        match timeout(PATIENCE, all.clone().acquire_many_owned(units)).await {
            Ok(Ok(share)) => Ok(Share(Some(share))),
            Ok(Err(_)) | Err(_) => Err(throttled()),
        }
    }
}

impl Share {
    /// How fast the body must arrive.
    pub(crate) fn pace(&self) -> Pace {
        match self.0 {
            Some(_) => {
                Pace { bytes_per_second_min: SHARED_PACE_BYTES_PER_SECOND, ..Pace::default() }
            }
            None => Pace::default(),
        }
    }

    /// `body`, holding the share as long as anybody holds a part of it.
    pub(crate) fn held_by(self, body: Bytes) -> Bytes {
        match self.0 {
            Some(_) => Bytes::from_owner(Held { body, _share: self }),
            None => body,
        }
    }
}

/// A body with its share.
struct Held {
    body: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{FREE_BYTES_MAX, Kind, Memory};
    use crate::error::ApiError;

    const ALL_PACKAGES: u64 = 384 << 20;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_their_share_and_small_and_other_ones_do_not() {
        let memory = Memory::default();
        let whole = memory.share(Kind::Package, ALL_PACKAGES).await.unwrap();
        for small in [0, 1, FREE_BYTES_MAX as u64] {
            memory.share(Kind::Package, small).await.unwrap();
        }
        let large = FREE_BYTES_MAX as u64 + 1;
        memory.share(Kind::Payload, large).await.unwrap();
        memory.share(Kind::Download, large).await.unwrap();
        let refused = memory.share(Kind::Package, large).await.unwrap_err();
        assert!(matches!(refused, ApiError::Throttled { .. }));
        drop(whole);
        memory.share(Kind::Package, large).await.unwrap();
        assert!(memory.share(Kind::Package, u64::MAX).await.is_err(), "never free");
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_held_until_the_last_part_of_the_body_is_gone() {
        let memory = Memory::default();
        let share = memory.share(Kind::Package, ALL_PACKAGES).await.unwrap();
        let body = share.held_by(Bytes::from_static(b"body"));
        let part = body.slice(1..3);
        assert_eq!((&body[..], &part[..]), (&b"body"[..], &b"od"[..]));
        drop(body);
        assert!(memory.share(Kind::Package, ALL_PACKAGES).await.is_err());
        drop(part);
        memory.share(Kind::Package, ALL_PACKAGES).await.unwrap();
    }
}
