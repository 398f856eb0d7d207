//! Between wire types and domain types: converted once, here, and failing here.

pub(crate) mod alias;
pub(crate) mod code;
pub(crate) mod code_signing;
pub(crate) mod configuration;
pub(crate) mod denial;
pub(crate) mod event_invoke;
pub(crate) mod event_source;
pub(crate) mod function;
pub(crate) mod iam;
pub(crate) mod iam_account;
pub(crate) mod layer;
pub(crate) mod marker;
pub(crate) mod organizations;
pub(crate) mod portcullis;
pub(crate) mod provisioned;
pub(crate) mod simulation;
pub(crate) mod sts;
pub(crate) mod url;
