//! The laws of identities in the catalog. Two catalogs on one store stand for two nodes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod groups;
mod identities;
mod node;
mod policies;
