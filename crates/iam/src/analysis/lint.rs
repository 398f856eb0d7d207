//! What is doubtful in a document. Source: iam.md §10.5, and the marks "lint" and "warn" there.

mod conditions;
mod principals;
mod redundant;
mod resources;
mod rules;

use crate::analysis::condition_keys::{ConditionKey, GLOBAL_KEYS};
use crate::analysis::finding::{Finding, Report, Spot};
use crate::analysis::written::{WrittenPolicy, WrittenStatement};
use crate::document::DocumentKind;
use crate::error::PolicyError;
use crate::glob::glob;
use crate::size::SizeLimit;

pub use rules::{PUBLIC_GRANT, RULES};

/// What lint is told beyond the document.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    /// The condition keys of the services that the document is about, beside the global ones. A
    /// key with the same prefix as one of these that is not among them counts as unknown.
    pub keys: &'a [ConditionKey],
    /// All actions of the services that the document is about (`lambda:InvokeFunction`). An action
    /// of one of these services that is not among them counts as unknown.
    pub actions: &'a [&'a str],
    /// Whether the principal with this ARN, service name or account id exists; `None` if nobody
    /// knows, as for those of other accounts.
    pub exists: &'a dyn Fn(&str) -> Option<bool>,
}

impl Default for Knowledge<'_> {
    /// Knows the global keys.
    fn default() -> Self {
        Self { keys: &[], actions: &[], exists: &|_| None }
    }
}

impl Knowledge<'_> {
    /// What is known of a condition key.
    fn key(&self, key: &str) -> Option<&ConditionKey> {
        self.keys.iter().chain(&GLOBAL_KEYS).find(|known| known.is(key))
    }

    /// Whether an entry of Action surely covers no action of its service.
    fn is_unknown_action(&self, pattern: &str) -> bool {
        if self.actions.iter().any(|action| action.eq_ignore_ascii_case(pattern)) {
            return false; // most entries
        }
        let lower = pattern.to_ascii_lowercase();
        let prefix = lower.split_once(':').map(|(prefix, _)| prefix);
        let service = |action: &str| action.split_once(':').map(|(service, _)| service) == prefix;
        let mut all = self.actions.iter().filter(|action| service(action)).peekable();
        all.peek().is_some() && !all.any(|action| glob(&lower, &action.to_ascii_lowercase()))
    }

    /// Whether `key` belongs to a service all of whose keys are known.
    fn is_covered(&self, key: &str) -> bool {
        let prefix = |name: &str| name.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let mine = prefix(key);
        mine == "aws" || self.keys.iter().any(|known| prefix(known.name) == mine)
    }
}

/// Everything doubtful that can be said about a document of `kind` without knowing a service: the
/// rules of [`RULES`]. One that does not parse gives its errors, and findings about the statements
/// that do.
///
/// Takes time in proportion to the document's length, but for the comparison of statements with
/// each other, which is bounded.
#[must_use]
pub fn lint(kind: DocumentKind, json: &str, knowledge: &Knowledge<'_>) -> Vec<Finding> {
    let mut report = Report::default();
    examine(&WrittenPolicy::read(kind, json), knowledge, &mut report);
    report.into_findings("")
}

/// Adds to `report` what [`lint`] says about the document.
pub fn examine(written: &WrittenPolicy, knowledge: &Knowledge<'_>, report: &mut Report) {
    for error in written.errors().iter().chain(&written.refusals()) {
        let of = |one: &&WrittenStatement| Some(one.index()) == error.statement();
        let sid = written.statements().iter().find(of).and_then(WrittenStatement::sid);
        report.add(refused(error, sid));
    }
    too_long(written, report);
    document(written, report);
    for statement in written.statements() {
        examine_valid(statement, knowledge, report);
    }
    redundant::examine(written, report);
}

/// Adds to `report` what can be said about a statement without looking at others, which is known to
/// break no rule of its kind of document.
pub fn examine_valid(statement: &WrittenStatement, knowledge: &Knowledge<'_>, report: &mut Report) {
    if statement.sid() == Some("") {
        let spot = statement.spot().element("Sid");
        report.add(Finding::new(
            &rules::EMPTY_SID,
            spot,
            "The statement's id is empty: it names nothing, and several statements may have it.",
            "Leave the Sid out, or give the statement a name.",
        ));
    }
    principals::examine(statement, knowledge, report);
    resources::examine(statement, knowledge, report);
    conditions::examine(statement, knowledge, report);
}

/// What a document that breaks a rule of the language gives.
fn refused(error: &PolicyError, sid: Option<&str>) -> Finding {
    let rule = if error.is_syntax() { &rules::INVALID_JSON } else { &rules::INVALID_DOCUMENT };
    let element = Some(error.element().to_owned()).filter(|element| !element.is_empty());
    let sid = sid.map(str::to_owned);
    let spot = Spot { statement: error.statement(), sid, element, value: None };
    Finding::new(
        rule,
        spot,
        format!("The document is refused: {}.", error.reason()),
        "Mend this first; what cannot be read is not examined.",
    )
}

/// A document that nobody stores.
fn too_long(written: &WrittenPolicy, report: &mut Report) {
    let (characters, limit) = (written.characters(), SizeLimit::of(written.kind()));
    if characters <= limit.max() {
        return;
    }
    let counted = match limit {
        SizeLimit::FunctionPolicy => "bytes of compact JSON",
        SizeLimit::ManagedPolicy | SizeLimit::TrustPolicy => "characters without white space",
        _ => "characters",
    };
    let max = limit.max();
    let inline = match limit {
        SizeLimit::ManagedPolicy => {
            " A role's inline policies may have 10,240 together, a group's 5,120, a user's 2,048."
        }
        _ => "",
    };
    report.add(Finding::new(
        &rules::TOO_LONG,
        Spot::default(),
        format!(
            "The document is refused: it has {characters} {counted}; {max} are allowed.{inline}"
        ),
        "Merge statements, use wildcards, or split the document.",
    ));
}

/// What concerns the document as a whole.
fn document(written: &WrittenPolicy, report: &mut Report) {
    if !written.errors().is_empty() {
        return;
    }
    if written.statements().is_empty() {
        report.add(Finding::new(
            &rules::NO_STATEMENTS,
            Spot::default().element("Statement"),
            "The document has no statements and does nothing.",
            "Remove the document.",
        ));
    }
    if !written.has_version() {
        report.add(Finding::new(
            &rules::NO_VERSION,
            Spot::default().element("Version"),
            "Without a Version the document is of 2008-10-17, which has no policy variables.",
            "Add \"Version\": \"2012-10-17\".",
        ));
    }
}
