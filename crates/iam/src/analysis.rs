//! Static answers about documents, without a call: what is doubtful in one ([`lint`]), what of it
//! need not be there ([`redundancies`], [`covers`]), what a change to it changes ([`diff`]), and
//! about many: who may do something ([`who_can`]).
//!
//! Everything here is a pure function over documents as they are written ([`WrittenPolicy`]). The
//! results serialize to JSON, with the fields that their types document, and write themselves as
//! text for a person, plain or coloured ([`Style`]). What only one service knows (which callers
//! bring which condition keys, what its ARNs look like) is not here: that service's crate adds
//! rules of its own to these.

mod call;
mod condition_keys;
mod covers;
mod diff;
mod finding;
mod form;
mod lint;
mod merge;
mod natural;
mod near;
mod outsiders;
mod partial;
mod pattern;
mod redundancy;
mod restriction;
mod style;
mod suggest;
mod who_can;
mod witness;
mod words;
mod written;

pub use call::{Held, Keys};
pub use condition_keys::{Bearers, ConditionKey, GLOBAL_KEYS, KeyType};
pub use covers::covers;
pub use diff::{Change, ChangeKind, Difference, Example, ExampleKind, Outcome, diff};
pub use finding::{Finding, LintRule, Report, Severity, Spot, findings_text};
pub use lint::{Knowledge, PUBLIC_GRANT, RULES, examine, examine_valid, lint};
pub use redundancy::{Redundancy, RedundancyKind, redundancies};
pub(crate) use style::Paint;
pub use style::Style;
pub use who_can::{
    Candidate, Document, Entry, Inquiry, Need, OwnPolicies, Question, Via, Way, Who, who_can,
    who_can_text,
};
pub use written::{PrincipalName, WrittenCondition, WrittenPolicy, WrittenStatement};
