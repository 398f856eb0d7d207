//! One file an operation: resolve, authorize, act, answer.

pub(crate) mod iam;
pub(crate) mod lambda;
pub(crate) mod organizations;
pub(crate) mod portcullis;
pub(crate) mod sts;
