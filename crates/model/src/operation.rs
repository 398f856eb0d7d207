//! An operation as a type.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shape::OperationModel;

/// A served operation as a type, so that a permit, a handler and a row of the table belong together.
///
/// The generated `operation` modules implement it on empty marker types; nothing else does.
pub trait Operation: Send + Sync + 'static {
    /// The row of the operation table.
    const MODEL: &'static OperationModel;
    /// What a request carries, without a payload member.
    type Input: DeserializeOwned + Send;
    /// What an answer carries, without a payload member; `()` for an empty answer.
    type Output: Serialize + Send;
}

#[cfg(test)]
mod tests;
