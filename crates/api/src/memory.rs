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

use crate::error::ApiError;

/// Bodies up to this size need no share, in bytes: as many as there may be connections (4,096) take
/// no more than 256 MiB, and nearly every request is smaller.
const FREE_BYTES_MAX: usize = UNIT_BYTES;

/// What shares are counted in, in bytes.
const UNIT_BYTES: usize = 64 * 1024;

/// All shares together, in bytes. Seven of the largest code packages, or 85 of the largest payloads,
/// at a time. A package whose signature is proven takes up to four times its body while it is
/// decoded (body, JSON text, bytes, and for a while what a refusal prints): 2 GiB at the most.
const SHARED_BYTES: usize = 512 * 1024 * 1024;

/// How long a body waits for its share before the client is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The memory that large bodies share.
pub(crate) struct Memory(Arc<Semaphore>);

/// A body's part of it; free again when dropped.
#[derive(Debug)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(SHARED_BYTES / UNIT_BYTES)))
    }
}

impl Memory {
    /// Waits for the share of a body of `bytes`. First come, first served.
    ///
    /// # Errors
    /// [`ApiError::Throttled`] when it is not free within [`PATIENCE`].
    pub(crate) async fn share(&self, bytes: u64) -> Result<Share, ApiError> {
        if bytes <= FREE_BYTES_MAX as u64 {
            return Ok(Share(None));
        }
        let throttled = || ApiError::Throttled { reason: "CallerRateLimitExceeded" };
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES as u64)).map_err(|_| throttled())?;
        let share = timeout(PATIENCE, self.0.clone().acquire_many_owned(units)).await;
        match share {
            Ok(Ok(share)) => Ok(Share(Some(share))),
            Ok(Err(_)) | Err(_) => Err(throttled()),
        }
    }
}

impl Share {
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

    use super::{FREE_BYTES_MAX, Memory, SHARED_BYTES};
    use crate::error::ApiError;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_their_share_and_small_ones_do_not() {
        let memory = Memory::default();
        let whole = memory.share(SHARED_BYTES as u64).await.unwrap();
        for small in [0, 1, FREE_BYTES_MAX as u64] {
            memory.share(small).await.unwrap();
        }
        let large = FREE_BYTES_MAX as u64 + 1;
        let refused = memory.share(large).await.unwrap_err();
        assert!(matches!(refused, ApiError::Throttled { .. }));
        drop(whole);
        memory.share(large).await.unwrap();
        assert!(memory.share(u64::MAX).await.is_err(), "never free");
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_held_until_the_last_part_of_the_body_is_gone() {
        let memory = Memory::default();
        let share = memory.share(SHARED_BYTES as u64).await.unwrap();
        let body = share.held_by(Bytes::from_static(b"body"));
        let part = body.slice(1..3);
        assert_eq!((&body[..], &part[..]), (&b"body"[..], &b"od"[..]));
        drop(body);
        assert!(memory.share(SHARED_BYTES as u64).await.is_err());
        drop(part);
        memory.share(SHARED_BYTES as u64).await.unwrap();
    }
}
