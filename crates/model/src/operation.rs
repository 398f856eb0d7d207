//! An operation as a type.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shape::{Authorization, OperationModel};

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

/// The row of `A` in the authorization table. Asking for one that is not there does not compile: an
/// operation cannot be authorized by forgetting what it demands.
///
/// ```
/// use portcullis_model::{authorization_of, lambda::operation::Invoke};
/// assert_eq!(authorization_of::<Invoke>().action, "lambda:InvokeFunction");
/// ```
/// ```compile_fail,E0080
/// use portcullis_model::{authorization_of, sts::operation::GetCallerIdentity};
/// authorization_of::<GetCallerIdentity>();
/// ```
#[must_use]
pub fn authorization_of<A: Operation>() -> &'static Authorization {
    const {
        match &A::MODEL.authorization {
            Some(row) => row,
            None => panic!("the operation has no row in the authorization table"),
        }
    }
}

#[cfg(test)]
mod tests;
