//! Bodies of requests: read within a limit and a share of the memory, and hashed.

use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use portcullis_lambda::EVENT_BYTES_MAX;
use portcullis_sigv4::{EMPTY_BODY_SHA256, body_sha256};

use crate::{
    error::ApiError,
    listen::{BodyError, read_bounded},
    memory::{Kind, Memory},
};

/// Largest synchronous payload, in bytes: `aws-lambda.md §8.3`.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 6_291_456;

/// From this size on, a body is hashed where it does not hold other requests up.
const HASH_INLINE_BYTES_MAX: usize = 256 * 1024;

/// Reads a body of at most `limit` bytes. `too_large` words the refusal of a larger one, by the size
/// that it announced.
///
/// # Errors
/// [`ApiError::Throttled`] when there is no memory for it, `too_large`, [`ApiError::BodyUnread`],
/// [`ApiError::BodyMalformed`].
pub(crate) async fn receive(
    memory: &Memory,
    kind: Kind,
    limit: usize,
    body: Incoming,
    too_large: impl FnOnce(Option<u64>) -> ApiError,
) -> Result<Bytes, ApiError> {
    let announced = body.size_hint().exact();
    // One that is too large is refused without being read, and one that does not say how large it
    // is may become as large as it may be.
    let reserved =
        announced.map_or(limit as u64, |size| if size > limit as u64 { 0 } else { size });
    let share = memory.share(kind, reserved).await?;
    match read_bounded(body, limit, share.pace()).await {
        Ok(body) => Ok(share.held_by(body)),
        Err(BodyError::TooLarge { .. }) => Err(too_large(announced)),
        Err(BodyError::Malformed(_)) => Err(ApiError::BodyMalformed),
        Err(BodyError::Io(_) | BodyError::TimedOut) => Err(ApiError::BodyUnread),
    }
}

/// A payload that is larger than it may be.
pub(crate) fn payload_too_large(announced: Option<u64>) -> ApiError {
    let limit = PAYLOAD_BYTES_MAX;
    let size = announced.unwrap_or(limit as u64 + 1);
    ApiError::PayloadTooLarge { kind: "RequestResponse", size, limit }
}

/// A payload that is larger than any may be, of a call that nobody waits for.
pub(crate) fn event_too_large(announced: Option<u64>) -> ApiError {
    let size = announced.unwrap_or(PAYLOAD_BYTES_MAX as u64 + 1);
    ApiError::PayloadTooLarge { kind: "Event", size, limit: EVENT_BYTES_MAX }
}

/// The body's hash in hexadecimal, as the signature holds it.
pub(crate) async fn hash(body: &Bytes) -> String {
    match body.len() {
        0 => EMPTY_BODY_SHA256.to_owned(),
        1..=HASH_INLINE_BYTES_MAX => body_sha256(body),
        _ => {
            let body = body.clone();
            // A task that panicked proves nothing: the empty text matches no hash.
            tokio::task::spawn_blocking(move || body_sha256(&body)).await.unwrap_or_default()
        }
    }
}
