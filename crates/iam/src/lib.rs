//! The IAM policy language: documents, their compiled form, and the decision.
//!
//! A [`Policy`] is parsed once and then decides many calls: [`decide`] takes a [`Request`] and the
//! [`Policies`] that may have a say. The rules are those of AWS; where AWS is silent they are ours
//! and stand in `choice.rs`.
//!
//! [`explain`](mod@explain) says why: the statements that apply, the nearest Allow and the part of it
//! that missed, what would allow the call; as JSON and as text for a person. [`deciding`] names the one
//! statement that decided, in about the time of a decision. [`analysis`] answers what documents mean
//! for all calls.
//!
//! Never in this crate: I/O, a clock, async, HTTP, Lambda's own rules.
#![forbid(unsafe_code)]

pub mod analysis;
mod arn;
mod arn_pattern;
mod choice;
mod condition;
mod context;
mod decide;
mod document;
mod error;
pub mod explain;
mod glob;
mod grant;
mod index;
mod operator;
mod policy;
mod prefixes;
mod principal;
mod size;
mod statement;
mod template;
mod validate;
mod value;
mod variable;

pub use arn::Arn;
pub use context::{Context, MapContext, Value};
pub use decide::{
    Decision, Policies, PolicyType, Request, ResourceRule, decide, service_may_assume,
};
pub use document::{DOCUMENT_BYTES_MAX, DocumentKind, Effect};
pub use error::PolicyError;
pub use explain::{Explanation, Narrowing, deciding, explain};
pub use glob::glob;
pub use policy::Policy;
pub use principal::{InvalidPrincipal, Principal, PrincipalKind};
pub use size::SizeLimit;
pub use statement::Statement;
