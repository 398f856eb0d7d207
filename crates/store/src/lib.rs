//! Durable state: a small key-value contract with revisions, transactions and a watch, the
//! embedded backend that keeps it, and a folder of content-addressed files for code packages.
//!
//! The contract is [`Store`]; [`SqliteStore`] keeps it on one machine. The laws that every backend
//! must hold are in `suite` (cargo feature `suite`), next to the in-memory reference store and the
//! fault injection that tests use. [`Blobs`] holds what is too large for a value.
//!
//! This crate knows no AWS names, no status codes and no document formats: a key is bytes, a value
//! is bytes.
#![forbid(unsafe_code)]

mod blobs;
mod contract;
mod digest;
mod error;
mod folder;
mod history;
mod key;
mod sealed;
mod sqlite;
#[cfg(feature = "suite")]
pub mod suite;
mod transaction;
mod watch;

pub use blobs::{Blob, Blobs};
pub use contract::{BoxFuture, Entry, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Page, Revision, Store};
pub use digest::{Digest, InvalidDigest};
pub use error::{CommitError, Source, StoreError};
pub use key::{InvalidKey, KEY_BYTES_MAX, Key};
pub use sealed::{InvalidSealingKey, SealedStore, SealingKey, is_sealed};
pub use sqlite::SqliteStore;
pub use transaction::{
    EXPECTATIONS_MAX, Expectation, TRANSACTION_BYTES_MAX, Transaction, VALUE_BYTES_MAX, WRITES_MAX,
    Write,
};
pub use watch::{Batch, Change, Watch};
