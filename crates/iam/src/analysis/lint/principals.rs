//! Rules about who is named. Source: iam.md §4, §10.5.

use super::{Knowledge, rules};
use crate::analysis::finding::{Finding, Report};
use crate::analysis::written::{PrincipalName, WrittenStatement};
use crate::document::DocumentKind;
use crate::principal::is_account_id;
use crate::validate::is_unique_id;

pub(super) fn examine(
    statement: &WrittenStatement,
    knowledge: &Knowledge<'_>,
    report: &mut Report,
) {
    public_grant(statement, knowledge, report);
    wildcard_in_source(statement, report);
    not_principal(statement, report);
    gone(statement, knowledge, report);
    nobody(statement, report);
}

/// Conditions that a document needs no principal to be public without.
fn public_grant(statement: &WrittenStatement, knowledge: &Knowledge<'_>, report: &mut Report) {
    if !statement.allows() || !statement.names_everyone() {
        return;
    }
    let identifies = |key: &str| knowledge.key(key).is_none_or(|known| known.identifies);
    if statement.conditions().any(|one| one.restricts() && identifies(one.key())) {
        return;
    }
    let spot = statement.spot().element("Principal").value("*");
    let message = match keys(statement) {
        None => "Everyone may do this: every account, every service, anonymous callers.".to_owned(),
        Some(keys) => format!(
            "Everyone may do this: the conditions ({keys}) do not say who calls, or anyone can \
             satisfy them."
        ),
    };
    report.add(Finding::new(
        &rules::PUBLIC_GRANT,
        spot,
        message,
        "Name the principals, or add a condition that strangers cannot satisfy: \
         aws:PrincipalOrgID, aws:PrincipalArn, aws:PrincipalAccount, aws:SourceArn with \
         aws:SourceAccount, or aws:SourceVpce.",
    ));
}

/// The keys of all conditions, for messages; `None` without conditions.
fn keys(statement: &WrittenStatement) -> Option<String> {
    let keys: Vec<&str> = statement.conditions().map(|condition| condition.key()).collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}

/// Keys whose values are accounts or organizations, and should be named whole.
const NAMED_WHOLE: [&str; 8] = [
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:VpceAccount",
    "aws:VpceOrgID",
];

/// Keys whose values begin with an organization: `o-…/r-…/ou-…/`.
const PATHS: [&str; 4] =
    ["aws:SourceOrgPaths", "aws:PrincipalOrgPaths", "aws:ResourceOrgPaths", "aws:VpceOrgPaths"];

/// ARNs whose account is whom the grant trusts, and the key that names the account instead.
const ARNS: [(&str, [&str; 3]); 2] = [
    ("aws:SourceArn", ["aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"]),
    ("aws:PrincipalArn", ["aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"]),
];

fn wildcard_in_source(statement: &WrittenStatement, report: &mut Report) {
    if !statement.allows() {
        return;
    }
    for condition in statement.conditions().filter(|one| one.has_wildcards() && !one.is_negated()) {
        let is = |key: &str| condition.key().eq_ignore_ascii_case(key);
        let arn = ARNS.iter().find(|(key, _)| is(key));
        let pinned = arn.is_some_and(|(_, others)| {
            others.iter().any(|other| statement.restricts(other)) || names_accounts(statement)
        });
        for value in condition.values() {
            let open = if NAMED_WHOLE.iter().any(|key| is(key)) {
                value.contains(['*', '?'])
            } else if PATHS.iter().any(|key| is(key)) {
                value
                    .split('/')
                    .next()
                    .is_some_and(|organization| organization.contains(['*', '?']))
            } else {
                arn.is_some() && !pinned && account(value).contains(['*', '?'])
            };
            if open {
                report.add(Finding::new(
                    &rules::WILDCARD_IN_SOURCE,
                    statement.spot().element(condition.element()).value(value),
                    format!(
                        "The wildcard lets in every account that fits, not only yours, by {}.",
                        condition.key()
                    ),
                    "Write the account's 12 digits or the organization's whole id.",
                ));
            }
        }
    }
}

/// Whether everyone whom the statement names is of a known account: then a wildcard in the
/// caller's ARN opens nothing.
fn names_accounts(statement: &WrittenStatement) -> bool {
    statement.principals().all(|name| matches!(name, PrincipalName::Aws(_)))
}

/// The account field of an ARN pattern; the whole text if it has none.
fn account(pattern: &str) -> &str {
    pattern.split(':').nth(4).unwrap_or(pattern)
}

fn not_principal(statement: &WrittenStatement, report: &mut Report) {
    if statement.excludes_principals() {
        report.add(Finding::new(
            &rules::NOT_PRINCIPAL,
            statement.spot().element("NotPrincipal"),
            "NotPrincipal exempts a caller only if every layer of it is listed (the account, the \
             role, the session), and never one that has a permissions boundary.",
            "Use \"Principal\": \"*\" with ArnNotEquals on aws:PrincipalArn.",
        ));
    }
}

fn gone(statement: &WrittenStatement, knowledge: &Knowledge<'_>, report: &mut Report) {
    for name in statement.principals() {
        let (kind, value) = name.parts();
        let deleted = matches!(name, PrincipalName::Aws(_)) && is_unique_id(value);
        let missing = name != PrincipalName::Everyone && (knowledge.exists)(value) == Some(false);
        if !deleted && !missing {
            continue;
        }
        let message = if deleted {
            "This is the unique id of a user or role that was deleted; it names nobody."
        } else {
            "There is no such principal. Whoever is made under this name next gets the permission."
        };
        report.add(Finding::new(
            &rules::PRINCIPAL_GONE,
            statement.spot().element(element(statement, kind)).value(value),
            message,
            "Remove the principal, and the statement if it names nobody else.",
        ));
    }
}

/// `Principal.AWS` and the like.
fn element(statement: &WrittenStatement, kind: &str) -> String {
    let not = if statement.excludes_principals() { "Not" } else { "" };
    format!("{not}Principal.{kind}")
}

/// Types that name somebody only when a role is assumed, or only in the policies of buckets.
fn nobody(statement: &WrittenStatement, report: &mut Report) {
    for name in statement.principals() {
        let never = match name {
            PrincipalName::Federated(_) => statement.kind() == DocumentKind::Resource,
            PrincipalName::CanonicalUser(_) => true,
            PrincipalName::Everyone | PrincipalName::Aws(_) | PrincipalName::Service(_) => false,
        };
        if never {
            let (kind, value) = name.parts();
            report.add(Finding::new(
                &rules::PRINCIPAL_NAMES_NOBODY,
                statement.spot().element(element(statement, kind)).value(value),
                format!("No caller of this resource is ever of the type {kind}."),
                "Name an account, user, role or session under AWS, or a service under Service.",
            ));
        }
    }
}

/// What callers a principal's name stands for, for the rule about conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Callers {
    /// All kinds.
    All,
    Service,
    User,
    /// Sessions of a role, federated users.
    Session,
    /// An account: its root, users and roles.
    Account,
    Nobody,
}

impl Callers {
    /// Those of a statement, by its principals; where documents name none, users and roles.
    pub(super) fn all(statement: &WrittenStatement) -> Vec<Self> {
        use DocumentKind::{Boundary, Identity, ServiceControl, Session};
        match statement.kind() {
            Identity | Boundary | Session | ServiceControl => vec![Self::Account],
            _ => statement.principals().map(Self::of).collect(),
        }
    }

    fn of(name: PrincipalName<'_>) -> Self {
        match name {
            PrincipalName::Everyone => Self::All,
            PrincipalName::Service(_) => Self::Service,
            PrincipalName::Aws(value) if value.contains(":user/") => Self::User,
            PrincipalName::Aws(value) if value.ends_with(":root") || is_account_id(value) => {
                Self::Account
            }
            PrincipalName::Aws(value) if value.starts_with("arn:") => Self::Session,
            PrincipalName::Aws(_) => Self::Nobody,
            PrincipalName::Federated(_) | PrincipalName::CanonicalUser(_) => Self::Nobody,
        }
    }
}
