//! AWS Signature Version 4: reading what a request claims, proving it, and signing our own.
//!
//! The order of use on a server is [`claim`] (form, clock, signed headers), [`Claim::check_scope`]
//! (region and service), the caller's look-up of the access key, and [`Claim::verify`]. That is
//! the order in which AWS reports faults. A client calls [`sign`] or [`presign`].
//!
//! Canonical form: that of every service but S3. The path is normalised (RFC 3986 §5.2.4, and
//! repeated slashes become one), then percent-encoded once more. Two paths that normalise alike
//! therefore share a signature, and so do `+` and `%20` in a query: whoever routes and reads a
//! request must take both the same way, or refuse paths that are not in normal form.
//!
//! Never here: key storage, clocks, I/O, what a caller may do.
#![forbid(unsafe_code)]

mod body;
mod canonical;
mod claim;
mod date;
mod error;
mod key;
mod presented;
mod scope;
mod sign;
#[cfg(test)]
mod vectors;

pub use body::{EMPTY_BODY_SHA256, body_sha256};
pub use claim::{Claim, claim};
pub use error::SignatureError;
pub use key::SigningKey;
pub use scope::Scope;
pub use sign::{Credentials, SigningError, presign, sign};

/// The one algorithm that is served.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
