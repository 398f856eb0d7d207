//! The IAM policy language: documents, their compiled form, and the decision.
//!
//! A [`Policy`] is parsed once and then decides many calls: [`decide`] takes a [`Request`] and the
//! [`Policies`] that may have a say. [`explain`](mod@explain) says why: the statements that apply,
//! the nearest Allow and the part of it that missed, what would allow the call; as JSON and as text
//! for a person. [`judge`] decides and names the one statement that decided. [`analysis`] answers
//! what documents mean for all calls.
//!
//! ```
//! use portcullis_iam::{
//!     Decision, DocumentKind, MapContext, Policies, Policy, Principal, Request, decide,
//! };
//!
//! let grant = r#"{"Version": "2012-10-17", "Statement": {
//!     "Sid": "bucket", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
//!     "Action": "lambda:InvokeFunction",
//!     "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:orders",
//!     "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::incoming-*"}}}}"#;
//! let grant = Policy::parse(DocumentKind::Resource, grant)?;
//! let s3 = Principal::parse("s3.amazonaws.com")?;
//! for (bucket, allowed) in [("incoming-1", true), ("outgoing-1", false)] {
//!     let source = format!("arn:aws:s3:::{bucket}");
//!     let request = Request {
//!         principal: &s3,
//!         action: "lambda:InvokeFunction",
//!         resource: "arn:aws:lambda:eu-west-1:123456789012:function:orders",
//!         resource_account: "123456789012",
//!         context: &MapContext::from_iter([("aws:SourceArn", source)]),
//!     };
//!     let decision = decide(&request, &Policies { resource: &[&grant], ..Policies::default() });
//!     assert_eq!(decision == Decision::Allowed, allowed);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Never in this crate: I/O, a clock, async, HTTP, Lambda's own rules.
//!
//! # The language
//!
//! The rules are those of AWS, as the rule book `iam.md` has them; §n is a section of it. Where AWS
//! is silent or contradicts itself the rule is ours and stands in `choice.rs`.
//!
//! ## Documents (§2)
//!
//! A document has a `Version`, perhaps an `Id`, and statements. A statement has an `Effect`, actions
//! and resources (each positive or `Not…`), where the [`DocumentKind`] wants it a principal, and
//! perhaps a `Sid` and conditions. A list of one may be written without brackets. Elements are
//! case-sensitive; the names of operators and condition keys are not. [`Policy::parse`] refuses
//! whatever would not be enforced as it is written: unknown elements, operators and types of
//! principals, keys that occur twice, `null`. A [`PolicyError`] names the place and the rule.
//!
//! | kind | Principal | NotPrincipal | Resource | beside |
//! |---|---|---|---|---|
//! | [`Identity`](DocumentKind::Identity), [`Boundary`](DocumentKind::Boundary), [`Session`](DocumentKind::Session) | no | no | required | |
//! | [`Resource`](DocumentKind::Resource) | required | with Deny | required | an `Id` |
//! | [`Trust`](DocumentKind::Trust) | required | no | none | |
//! | [`ServiceControl`](DocumentKind::ServiceControl) | no | no | required | |
//! | [`ResourceControl`](DocumentKind::ResourceControl) | `"*"` | no | required | only denies, no `NotAction`; the whole of `RCPFullAWSAccess` is the one Allow |
//!
//! [`SizeLimit`] has what documents may weigh, and what of them counts.
//!
//! ## Actions and resources (§3)
//!
//! `*` is any run of characters, also none, `?` exactly one; all else is literal ([`glob`]). An
//! action matches in any case, as a whole. A resource is `*`, or an ARN that matches field by field
//! ([`Arn`]): a wildcard in one of the first five never swallows a colon, the sixth keeps the rest.
//! The ARN of a function covers neither its versions nor its aliases; `…:NAME:*` covers only those.
//! A request without a resource (`*`) is covered by `*` alone. `Not…` holds where no entry matches.
//!
//! ## Principals (§4)
//!
//! Who calls is a [`Principal`]. A statement names it, from the strongest way to the weakest: as
//! everyone, by its own ARN, as a service, by its role (or the user of a federated session), or by
//! its account, which only delegates: the account's own policies have to allow as well.
//! `NotPrincipal`, for Deny, exempts a caller whose account, role and session are all listed.
//!
//! ## Conditions (§5)
//!
//! All operators and all keys have to hold; the values of one key are alternatives. An operator is
//! `[ForAllValues:|ForAnyValue:]Base[IfExists]`:
//!
//! | family | bases | variables | wildcards |
//! |---|---|---|---|
//! | text | `String[Not]Equals[IgnoreCase]`, `String[Not]Like` | yes | `Like` |
//! | numbers | `Numeric[Not]Equals`, `Numeric{Less,Greater}Than[Equals]`: decimals of any length | no | no |
//! | dates | `Date[Not]Equals`, `Date{Less,Greater}Than[Equals]`: ISO 8601 or seconds since 1970 | no | no |
//! | truth | `Bool` | yes | no |
//! | bytes | `BinaryEquals`: base64 | no | no |
//! | addresses | `[Not]IpAddress`: an address or a range | no | no |
//! | ARNs | `Arn[Not]Equals`, `Arn[Not]Like`, which are the same | yes | yes |
//! | presence | `Null`: `true` is a key that is missing | no | no |
//!
//! A key that the request has not fails a plain operator and satisfies a negated one,
//! `ForAllValues` and `IfExists`. A negated operator with several values holds where none matches. A
//! plain operator on a list never holds. A value that is not of the operator's type satisfies neither
//! the operator nor its negation. The keys come from a [`Context`].
//!
//! ## Variables (§6)
//!
//! Under the version 2012-10-17, `${key}` stands for the single value of a condition key, as literal
//! text; `${key, 'default'}` for the default where it has none; `${*}`, `${?}` and `${$}` for the
//! character. What has neither value nor default matches nothing.
//!
//! ## The decision (§7)
//!
//! A Deny that applies decides, in whichever of the documents that count for the caller. Otherwise
//! every level of service control policies has to allow, and then:
//!
//! - of a service or an anonymous caller, the resource's policy;
//! - within an account, the resource's policy, if it names the caller itself or everyone; or names its
//!   role, and boundary and session policy allow as well; or the caller's own policies (root's are
//!   implicit), boundary and session policy;
//! - across accounts, the resource's policy and the caller's own, boundary and session policy.
//!
//! On a role ([`ResourceRule::Required`]) the trust policy has to allow in any case. Roles that are
//! linked to a service have neither boundary, session policy nor control policies; root has neither
//! boundary nor session policy; a federated user without session policy has an empty one.
//!
//! ## What is told (§8)
//!
//! A [`Decision`] that denies names one [`PolicyType`]: the first that denies of service control,
//! resource control, resource, boundary, session, identity; or the one whose Allow is missing, which
//! is the one that it helps most to be told of.
#![forbid(unsafe_code)]

pub mod analysis;
mod arn;
mod arn_pattern;
mod binding;
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
pub use binding::{Bindings, Entities, Identified, NoEntities, NoSuchPrincipal};
pub use context::{Context, MapContext, Value};
pub use decide::{
    Decision, DocumentReference, Place, Policies, PolicyType, Request, ResourceRule, decide, judge,
};
pub use document::{DOCUMENT_BYTES_MAX, DocumentKind, Effect};
pub use error::PolicyError;
pub use explain::{Explanation, Narrowing, explain};
pub use glob::glob;
pub use policy::Policy;
pub use principal::{InvalidPrincipal, Principal, PrincipalKind};
pub use size::SizeLimit;
pub use statement::Statement;
