//! The only crate that knows HTTP: from bytes to an answer.
//!
//! A request's way: [`listen`] accepts and limits; `service` finds the operation by scope and path,
//! has it authenticated, bound and validated; one file in `ops` per operation resolves, authorizes,
//! acts and answers; `error` holds the whole table of how refusals look on the wire.
//!
//! Architecture invariant: no rule of the domain lives here. A handler reads as a sentence.
#![forbid(unsafe_code)]

mod answer;
mod authenticate;
mod body;
mod cleanup;
mod code_folders;
mod code_link;
mod concurrency;
mod conditions;
mod context;
mod dispatch;
mod doubts;
mod error;
mod event_stream;
mod events;
mod execution;
mod function_host;
mod last_uses;
pub mod listen;
mod memory;
mod metrics;
mod objects;
mod oidc_keys;
mod opened_sessions;
mod ops;
mod pages;
mod provisioned;
mod service;
mod state;
mod streaming;
mod url;
mod wire;

pub use objects::{BucketOwners, S3Endpoint, S3Error, S3Settings};
pub use oidc_keys::{OidcKeys, OidcKeysError};
pub use service::Server;
pub use state::{Settings, State};
