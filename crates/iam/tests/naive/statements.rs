//! Whether a statement applies, and how it names the caller: iam.md §3 and §4.

use serde_json::Value;

use super::conditions::hold;
use super::values::{self, glob, pattern};
use super::{Call, field, kind, texts};

/// How the statement names the caller, if it applies.
pub(super) fn applies(statement: &Value, call: &Call<'_>, variables: bool) -> Option<&'static str> {
    let lower = |text: &str| text.chars().map(|c| c.to_ascii_lowercase()).collect::<String>();
    let action = |text: &String| glob(&pattern(&lower(text)), &lower(call.action));
    let resource = |text: &String| covers(text, call, variables);
    let applies = element(statement, "Action", action)
        && element(statement, "Resource", resource)
        && hold(&statement["Condition"], &call.keys, variables);
    if applies { names(statement, call) } else { None }
}

/// An element or its Not form. A trust policy has no Resource: it is about its own role.
fn element(statement: &Value, name: &str, covers: impl Fn(&String) -> bool) -> bool {
    match (statement.get(name), statement.get(format!("Not{name}"))) {
        (Some(list), _) => texts(list).iter().any(covers),
        (None, Some(list)) => !texts(list).iter().any(covers),
        (None, None) => name == "Resource",
    }
}

/// One entry of Resource: §3.3.
fn covers(entry: &str, call: &Call<'_>, variables: bool) -> bool {
    if !entry.is_empty() && entry.chars().all(|c| c == '*') {
        return true; // rule 1
    }
    if !call.resource.starts_with("arn:") || call.resource.splitn(6, ':').count() < 6 {
        return false; // rule 2
    }
    let mut fields = values::fields(entry, variables);
    if fields.len() < 6 && (fields[0] != "arn" || fields.len() < 2) {
        return false; // rule 5
    }
    fields.resize(6, "*".to_owned()); // rule 4
    six_fields(&fields, call, variables)
}

/// Rule 3 for an entry that has six fields.
fn six_fields(fields: &[String], call: &Call<'_>, variables: bool) -> bool {
    values::arn_covers(fields, call.resource, &call.keys, variables)
}

/// §4: the strongest way in which the statement names the caller.
fn names(statement: &Value, call: &Call<'_>) -> Option<&'static str> {
    if let Some(who) = statement.get("Principal") {
        let found = strengths(who, call);
        let order = ["wildcard", "self", "service", "parent", "account"];
        return order.into_iter().find(|strength| found.contains(strength));
    }
    match statement.get("NotPrincipal") {
        None => Some("wildcard"), // a document that is attached to its principals
        Some(_) if statement["Effect"] == "Allow" => None, // §4.3: only with Deny
        Some(who) => (call.bounded || !exempt(who, call)).then_some("wildcard"),
    }
}

/// §4.3: every layer of the caller is listed.
fn exempt(who: &Value, call: &Call<'_>) -> bool {
    let found = strengths(who, call);
    let layers: &[&str] = match kind(call.principal) {
        "user" | "federated" => &["account", "self"],
        "session" => &["account", "parent", "self"],
        "role" => &["account", "parent"],
        "root" => &["account"],
        "service" => &["service"],
        "anonymous" => &["wildcard"],
        other => panic!("{other}"),
    };
    found.contains(&"wildcard") || layers.iter().all(|layer| found.contains(layer))
}

/// §4.1: all ways in which a Principal element names the caller.
fn strengths(who: &Value, call: &Call<'_>) -> Vec<&'static str> {
    if who == "*" {
        return vec!["wildcard"];
    }
    let values = |name: &str| who.get(name).map(texts).unwrap_or_default();
    let aws = values("AWS");
    let mut found: Vec<_> = aws.iter().flat_map(|value| aws_strengths(value, call)).collect();
    if kind(call.principal) == "service" && values("Service").iter().any(|v| v == call.principal) {
        found.push("service");
    }
    found
}

/// One value of `AWS`, row by row.
fn aws_strengths(value: &str, call: &Call<'_>) -> Option<&'static str> {
    let caller = call.principal;
    let home = |arn: &str| (field(arn, 1).to_owned(), field(arn, 4).to_owned());
    let name = |arn: &str| arn.rsplit('/').next().unwrap().to_owned();
    if value == "*" {
        return Some("wildcard");
    }
    if value.len() == 12 && value.chars().all(|c| c.is_ascii_digit()) {
        return (field(caller, 4) == value).then_some("account");
    }
    if field(value, 5) == "root" {
        return (home(value) == home(caller)).then_some("account");
    }
    if field(value, 2) == "iam" && field(value, 5).starts_with("role/") {
        let role = match kind(caller) {
            "session" => field(caller, 5).split('/').nth(1).unwrap().to_owned(),
            "role" => name(caller),
            _ => return None,
        };
        return (home(value) == home(caller) && name(value) == role).then_some("parent");
    }
    if value == caller {
        return Some("self");
    }
    (call.parent.as_deref() == Some(value)).then_some("parent")
}
