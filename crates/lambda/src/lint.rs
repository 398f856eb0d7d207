//! What is doubtful in a policy about functions: the rules of the language, and Lambda's own.
//!
//! Source: iam.md §9.6, §10.3, §10.4, §10.5.

mod actions;
mod keys;
mod rules;
mod source;
mod url;

use portcullis_iam::DocumentKind;
use portcullis_iam::analysis::{
    self, Finding, Knowledge, Report, Spot, WrittenPolicy, WrittenStatement,
};

pub use actions::LAMBDA_ACTIONS;
pub use keys::LAMBDA_KEYS;
pub use rules::{CONFUSED_DEPUTY, LAMBDA_RULES};

use crate::{ResourcePolicy, RevisionId, Statement};

/// What lint is told beyond the document. What nobody knows is `None`, and gives no finding.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Whether the principal with this ARN, service name or account id exists.
    pub exists: &'a dyn Fn(&str) -> Option<bool>,
    /// Whether callers address exactly this function ARN, qualified or not.
    pub is_called: &'a dyn Fn(&str) -> Option<bool>,
}

impl Default for Facts<'_> {
    /// Knows nothing.
    fn default() -> Self {
        Self { exists: &|_| None, is_called: &|_| None }
    }
}

impl<'a> Facts<'a> {
    fn knowledge(self) -> Knowledge<'a> {
        Knowledge { keys: &LAMBDA_KEYS, actions: &LAMBDA_ACTIONS, exists: self.exists }
    }
}

/// Everything doubtful about a document: the rules of the language ([`analysis::RULES`]) and of
/// Lambda ([`LAMBDA_RULES`]). Confused deputies come first, then errors, warnings and notes.
#[must_use]
pub fn lint(kind: DocumentKind, json: &str, facts: &Facts<'_>) -> Vec<Finding> {
    let written = WrittenPolicy::read(kind, json);
    let mut report = Report::default();
    analysis::examine(&written, &facts.knowledge(), &mut report);
    for statement in written.statements() {
        examine(kind, statement, facts, &mut report);
    }
    if kind == DocumentKind::Resource {
        not_taken(json, &mut report);
        url::halves(written.statements(), &mut report);
    }
    finish(report, written.statements())
}

/// Everything doubtful about a statement that a grant made, in the same order. What depends on the
/// other statements is left out: they may be on their way.
#[must_use]
pub fn lint_grant(statement: &Statement, facts: &Facts<'_>) -> Vec<Finding> {
    let kind = DocumentKind::Resource;
    // What does not parse was refused, or denies.
    let Ok(written) = WrittenStatement::parse(kind, statement.json()) else { return Vec::new() };
    let mut report = Report::default();
    analysis::examine_valid(&written, &facts.knowledge(), &mut report);
    examine(kind, &written, facts, &mut report);
    let mut findings = finish(report, std::slice::from_ref(&written));
    for finding in &mut findings {
        finding.spot.statement = None; // it has no position yet
    }
    findings
}

/// The rules of Lambda about one statement.
fn examine(
    kind: DocumentKind,
    statement: &WrittenStatement,
    facts: &Facts<'_>,
    report: &mut Report,
) {
    if kind == DocumentKind::Resource {
        source::confused_deputy(statement, report);
        source::without_account(statement, report);
    }
    source::execute_api(statement, report);
    addresses(statement, facts, report);
}

/// A document that the language allows, but no function takes.
fn not_taken(json: &str, report: &mut Report) {
    if report.has_errors() {
        return; // for which it is refused first
    }
    if let Err(why) = ResourcePolicy::document(json, RevisionId::new(uuid::Uuid::nil())) {
        report.add(Finding::new(
            &rules::NOT_TAKEN,
            Spot::default(),
            format!("The document is refused: {why}"),
            "Mend this before it is put on a function.",
        ));
    }
}

/// Puts the findings in order, with those about open function URLs said to be what they are.
fn finish(report: Report, statements: &[WrittenStatement]) -> Vec<Finding> {
    let of = |spot: &Spot| statements.iter().find(|one| Some(one.index()) == spot.statement);
    let report = report.map(|finding| match of(&finding.spot) {
        Some(statement) => url::as_public_url(finding, statement),
        None => finding,
    });
    report.into_findings(CONFUSED_DEPUTY.code)
}

/// Which of a function's addresses a statement is on.
fn addresses(statement: &WrittenStatement, facts: &Facts<'_>, report: &mut Report) {
    let (element, values) = statement.resources();
    if element != "Resource" {
        return;
    }
    for value in values {
        let Some(function) = function_part(value) else { continue };
        let spot = || statement.spot().element(element).value(value);
        if !value.contains(['*', '?', '$']) && (facts.is_called)(value) == Some(false) {
            report.add(Finding::new(
                &rules::ADDRESS_NOT_CALLED,
                spot(),
                "Callers do not address this ARN. A function's own ARN covers none of its versions \
                 and aliases, nor do theirs cover the function's.",
                "Grant on the ARN that callers use, with its qualifier if they use one.",
            ));
        }
        if let Some(name) = function.strip_suffix('*')
            && !name.is_empty()
            && !name.contains([':', '*'])
        {
            report.add(Finding::new(
                &rules::NAME_PREFIX,
                spot(),
                format!("This covers every function whose name begins with \"{name}\"."),
                format!(
                    "For the function with its versions and aliases write two entries: …:{name} \
                     and …:{name}:*."
                ),
            ));
        }
    }
}

/// What follows `function:` in a function's ARN.
fn function_part(arn: &str) -> Option<&str> {
    let mut fields = arn.splitn(6, ':');
    let lambda = fields.nth(2)? == "lambda";
    fields.nth(2)?.strip_prefix("function:").filter(|_| lambda)
}
