//! Supposed calls: one call and the documents that may have a say, given as text, decided by `iam`.
//!
//! A [`Case`] is a [`Call`] and its [`Documents`]. a [`CaseReader`] reads the form that has one JSON
//! object a line, and [`simulate`] decides a stream of them. What cannot be read is denied, and the
//! answer says why.
//!
//! [`GivenDocuments`] are read from texts one by one, for a person who asks about a few files.
//!
//! Never in this crate: files, a clock, async, HTTP; a rule of the policy language.
#![forbid(unsafe_code)]

mod cache;
mod call;
mod case;
mod context;
mod documents;
mod error;
mod form;
mod given;
mod lines;
mod source;
mod stream;

pub use call::Call;
pub use case::{Case, CaseReader, Explainer, Refused};
pub use context::CallContext;
pub use documents::{Document, Documents, Level, Validation};
pub use error::CaseError;
pub use given::{GivenCandidate, GivenDocuments, GivenLevel, GivenText, WhoCan};
pub use lines::LINE_BYTES_MAX;
pub use source::{document_text, likely_kind};
pub use stream::{Settings, Summary, simulate};
