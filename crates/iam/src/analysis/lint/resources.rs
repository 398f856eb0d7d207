//! Rules about actions and resources. Source: iam.md §2.3, §3.3.

use super::{Knowledge, rules};
use crate::analysis::finding::{Finding, Report};
use crate::analysis::written::WrittenStatement;
use crate::arn_pattern;
use crate::error::excerpt;
use crate::principal::is_account_id;
use crate::variable::{self, PartKind};

pub(super) fn examine(
    statement: &WrittenStatement,
    knowledge: &Knowledge<'_>,
    report: &mut Report,
) {
    empty_lists(statement, report);
    unknown_actions(statement, knowledge, report);
    for value in statement.resources().1 {
        resource(statement, value, report);
    }
}

fn empty_lists(statement: &WrittenStatement, report: &mut Report) {
    let raw = statement.raw();
    let resource = raw.resource.as_ref().is_some_and(|listed| listed.values.is_empty());
    let principal = raw.principal.is_some() && statement.principals().next().is_none();
    let not = if statement.excludes_principals() { "NotPrincipal" } else { "Principal" };
    for (empty, element) in [
        (raw.action.values.is_empty(), statement.actions().0),
        (resource, statement.resources().0),
        (principal, not),
    ] {
        if empty {
            let message = if element.starts_with("Not") {
                format!("{element} excludes nothing: the statement is about everything.")
            } else {
                format!("{element} lists nothing: the statement never applies.")
            };
            let spot = statement.spot().element(element);
            let remedy = "Fill the list, or remove the statement.";
            report.add(Finding::new(&rules::EMPTY_LIST, spot, message, remedy));
        }
    }
}

fn unknown_actions(statement: &WrittenStatement, knowledge: &Knowledge<'_>, report: &mut Report) {
    let (element, values) = statement.actions();
    for value in values.iter().filter(|value| knowledge.is_unknown_action(value)) {
        report.add(Finding::new(
            &rules::UNKNOWN_ACTION,
            statement.spot().element(element).value(value),
            "The service has no such action.",
            "Check the spelling; the name is that of the permission, not always of the operation.",
        ));
    }
}

/// What can be said about one entry of Resource or NotResource.
fn resource(statement: &WrittenStatement, value: &str, report: &mut Report) {
    let spot = || statement.spot().element(statement.resources().0).value(value);
    if !statement.has_variables() && has_variable(value) {
        report.add(variables_2008(statement, statement.resources().0, value));
    }
    let fields = arn_pattern::fields(value, statement.has_variables());
    if fields.first() != Some(&"arn") {
        return;
    }
    if fields.len() < 6 {
        report.add(Finding::new(
            &rules::SHORT_ARN,
            spot(),
            "The ARN has fewer than six fields; the others are taken as \"*\".",
            "Write all six fields: arn:partition:service:region:account:resource.",
        ));
    }
    let head = fields.get(..5).unwrap_or(&fields);
    if statement.has_variables() && head.iter().any(|field| field.contains("${")) {
        report.add(Finding::new(
            &rules::VARIABLE_IN_FIRST_FIELDS,
            spot(),
            "A variable in the first five fields of an ARN makes it match nothing.",
            "Write the field, or \"*\", and narrow by a condition such as aws:ResourceAccount.",
        ));
    } else if let Some(account) = fields.get(4).filter(|account| !is_account(account)) {
        report.add(Finding::new(
            &rules::ARN_ACCOUNT,
            spot(),
            format!(
                "The account field is \"{}\", which no resource has: the fields are shifted.",
                excerpt(account)
            ),
            "Count the colons: arn:partition:service:region:account:resource.",
        ));
    }
    if let Some(field) = wildcard_field(&fields) {
        report.add(Finding::new(
            &rules::ARN_WILDCARD,
            spot(),
            format!("A wildcard in the {field}; AWS's own linter refuses it."),
            format!("Write the {field}."),
        ));
    }
}

/// What stands in the account field of some resource: digits, nothing, a pattern, `aws` (for
/// managed policies).
fn is_account(field: &str) -> bool {
    field.is_empty() || field == "aws" || field.contains(['*', '?']) || is_account_id(field)
}

/// The field in which a wildcard is unusual.
fn wildcard_field(fields: &[&str]) -> Option<&'static str> {
    let wild = |at: usize| fields.get(at).is_some_and(|field| field.contains(['*', '?']));
    let resource = fields.get(5).copied().unwrap_or_default();
    let kind = resource.find([':', '/']).and_then(|end| resource.get(..end)).unwrap_or_default();
    if wild(1) {
        Some("partition")
    } else if wild(2) {
        Some("service")
    } else {
        (kind != "*" && kind.contains(['*', '?'])).then_some("resource type")
    }
}

/// Whether `text` would have a variable under 2012-10-17.
pub(super) fn has_variable(text: &str) -> bool {
    let is = |kind| matches!(kind, PartKind::Variable { .. } | PartKind::Escape(_));
    text.contains("${") && variable::parts(text).any(|part| is(part.kind))
}

pub(super) fn variables_2008(
    statement: &WrittenStatement,
    element: impl Into<String>,
    value: &str,
) -> Finding {
    Finding::new(
        &rules::VARIABLES_2008,
        statement.spot().element(element).value(value),
        "The document is of the version 2008-10-17, where ${…} is plain text.",
        "Set \"Version\": \"2012-10-17\", or write the text without ${…}.",
    )
}
