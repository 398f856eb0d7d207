//! The stored form of every domain value: one format byte, then JSON, so that later versions can
//! read what earlier ones wrote.

mod code_signing;
pub mod event;
pub mod event_invoke;
mod event_source;
pub mod identity;
pub mod lambda;
pub mod layer;
mod oidc_provider;
mod organization;
mod policy;
pub mod provisioned;
pub mod resource_policy;
pub mod url;

use serde::{Serialize, de::DeserializeOwned};

/// A domain value that can be written to the store and read back.
///
/// Law: `decode(encode(v)) == v`.
pub trait Document: Clone + Send + Sync + 'static {
    /// The stored bytes: the format byte, then compact JSON.
    fn encode(&self) -> Vec<u8>;

    /// Reads stored bytes of any format that this build knows.
    ///
    /// # Errors
    /// [`DocumentError`] when the bytes are empty, of an unknown format, or not a valid value.
    fn decode(bytes: &[u8]) -> Result<Self, DocumentError>;
}

/// Why stored bytes are not the value that their key promises.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The value is empty: not even a format byte.
    #[error("the stored document is empty")]
    Empty,
    /// Written by a newer build, or damaged.
    #[error("the stored document has format {0}, which this build does not know")]
    Format(u8),
    /// The JSON does not have the shape of the format.
    #[error("the stored document does not parse: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON has the shape, but a value in it is not valid.
    #[error("the stored document has an invalid {what}: {why}")]
    Invalid {
        /// Which member.
        what: &'static str,
        /// The domain's own words.
        why: String,
    },
}

/// Format byte of everything that this build writes.
const FORMAT: u8 = 1;

/// Puts the format byte before the JSON of `wire`.
fn encode_json(wire: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    #[expect(
        clippy::expect_used,
        reason = "stored forms have string keys and no failing serializer"
    )]
    serde_json::to_writer(&mut bytes, wire).expect("a stored form serializes");
    bytes
}

/// Checks the format byte and reads the JSON behind it.
fn decode_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    Ok(serde_json::from_slice(json_of(bytes)?)?)
}

/// Checks the format byte; what is behind it.
fn json_of(bytes: &[u8]) -> Result<&[u8], DocumentError> {
    match bytes.split_first() {
        None => Err(DocumentError::Empty),
        Some((&FORMAT, json)) => Ok(json),
        Some((&format, _)) => Err(DocumentError::Format(format)),
    }
}
