//! How a decision is written: one line of JSON, in the log and in answers alike.

use std::{fmt::Display, net::IpAddr};

use jiff::Timestamp;
use portcullis_iam::{Decision, PolicyType, PrincipalKind};
use portcullis_identity::{AccessKeyId, AccountId, Caller};
use serde::{Serialize, Serializer};

use super::{
    question::{Deciding, Outcome},
    record::Decided,
};

/// What a line holds. Fields that do not apply are absent. Never secrets, tokens or payloads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    request_id: &'a str,
    #[serde(serialize_with = "microseconds")]
    time: Timestamp,
    /// An ARN, the name of a service, or `anonymous`.
    principal: &'a str,
    principal_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    source_ip: IpAddr,
    /// For what a service called.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_account: Option<&'a str>,
    action: &'static str,
    resource: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_account: Option<&'a str>,
    result: &'static str,
    /// What allowed, or what a denial is put down to.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "displayed")]
    policy_type: Option<PolicyType>,
    /// Why a denial has no policy type that says it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The statement that decided; of implicit denials, and of root in its own account, there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<StatementPlace<'a>>,
}

/// Where a statement stands.
#[derive(Serialize)]
struct StatementPlace<'a> {
    /// Whose document it is in: the ARN of a user, group, role, session, function or managed policy.
    of: &'a str,
    /// The name of an inline policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Its place in the document, from 0.
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

impl<'a> StatementPlace<'a> {
    fn of(deciding: &Deciding<'a>) -> Self {
        let Deciding { policy, statement, sid, .. } = *deciding;
        Self { of: policy.of(), name: policy.name(), index: statement, sid }
    }
}

/// Appends the line of `decided`, with its line feed.
pub(crate) fn write(decided: &Decided, lines: &mut Vec<u8>) {
    let Decided { origin, question, outcome } = decided;
    let caller = question.caller();
    let (source_arn, source_account) = caller.source();
    let (account, resource_account) = (caller.account(), question.resource_account());
    let deciding = question.deciding(*outcome);
    let line = Line {
        request_id: origin.request_id.as_str(),
        time: origin.time,
        principal: caller.arn(),
        principal_type: principal_type(caller),
        account: account.as_ref().map(AccountId::as_str),
        access_key_id: origin.access_key_id.as_ref().map(AccessKeyId::as_str),
        source_ip: origin.source.to_canonical(),
        source_arn,
        source_account,
        action: question.action(),
        resource: question.resource(),
        resource_account: resource_account.as_ref().map(AccountId::as_str),
        result: result(*outcome),
        policy_type: outcome.denied_by().or(deciding.as_ref().map(|one| one.policy_type)),
        reason: reason(*outcome),
        statement: deciding.as_ref().map(StatementPlace::of),
    };
    // Text, numbers and times always serialize, and memory takes them.
    let _ = serde_json::to_writer(&mut *lines, &line);
    lines.push(b'\n');
}

fn principal_type(caller: &Caller) -> &'static str {
    match caller.principal().kind() {
        PrincipalKind::User => "User",
        PrincipalKind::Role => "Role",
        PrincipalKind::RoleSession => "AssumedRole",
        PrincipalKind::FederatedUser => "FederatedUser",
        PrincipalKind::Root => "Root",
        PrincipalKind::Service => "Service",
        PrincipalKind::Anonymous => "Anonymous",
    }
}

fn result(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Decided(Decision::Allowed) => "Allowed",
        Outcome::Decided(Decision::ExplicitlyDenied(_)) => "ExplicitlyDenied",
        Outcome::Decided(Decision::ImplicitlyDenied(_))
        | Outcome::Unreadable
        | Outcome::NotAcrossAccounts => "ImplicitlyDenied",
    }
}

fn reason(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Decided(_) => None,
        Outcome::Unreadable => Some("a policy that applies cannot be evaluated"),
        Outcome::NotAcrossAccounts => Some("no policy can grant this to another account"),
    }
}

fn microseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.6}"))
}

fn displayed<T: Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
