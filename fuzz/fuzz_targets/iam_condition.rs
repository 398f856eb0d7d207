//! Conditions: any operator, key, values and request values decide; a condition is the same under
//! Allow and Deny; an operator and its negation never both hold.
//!
//! The input is lines: operator, key, the policy's values, the request's values, and what a
//! variable stands for. Values are separated by tabs; no fourth line is an absent key, and more
//! than one value is a list.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis_iam::{
    Decision, DocumentKind, MapContext, Policies, Policy, PolicyType, Principal, Request, decide,
};
use serde_json::json;

static CALLER: LazyLock<Principal> =
    LazyLock::new(|| Principal::parse("arn:aws:iam::111111111111:user/alice").expect("a user"));

fuzz_target!(|input: &str| {
    let mut lines = input.split('\n');
    let mut line = || lines.next();
    let (Some(operator), Some(key), Some(values)) = (line(), line(), line()) else { return };
    let values: Vec<&str> = values.split('\t').collect();
    let context = context(key, line(), line());
    assert_eq!(decided(&context, &[]), Decision::ImplicitlyDenied(PolicyType::Identity));
    let Some(holds) = holds(operator, key, &values, &context) else { return };
    let negated = negation(operator).and_then(|not| self::holds(&not, key, &values, &context));
    assert!(!(holds && negated == Some(true)), "{operator} and its negation both hold");
});

fn context(key: &str, values: Option<&str>, variable: Option<&str>) -> MapContext {
    let mut context = MapContext::new();
    match values.map(|values| values.split('\t').collect::<Vec<_>>()).as_deref() {
        None => {}
        Some([one]) => context.insert(key, *one),
        Some(many) => context.insert_list(key, many.iter().map(|&one| one.to_owned())),
    }
    if let Some(variable) = variable
        && !key.eq_ignore_ascii_case("aws:username")
    {
        context.insert("aws:username", variable);
    }
    context
}

/// Whether the condition holds, on which a statement that allows and one that denies agree; `None`
/// if it is none.
fn holds(operator: &str, key: &str, values: &[&str], context: &MapContext) -> Option<bool> {
    let condition = json!({ operator: { key: values } });
    let allow = policy(json!([statement("Allow", Some(&condition))]))?;
    let deny = json!([statement("Allow", None), statement("Deny", Some(&condition))]);
    let deny = policy(deny).expect("an effect makes no condition invalid");
    let holds = decided(context, &[&allow]).is_allowed();
    let want =
        if holds { Decision::ExplicitlyDenied(PolicyType::Identity) } else { Decision::Allowed };
    assert_eq!(decided(context, &[&deny]), want, "{condition}");
    Some(holds)
}

fn statement(effect: &str, condition: Option<&serde_json::Value>) -> serde_json::Value {
    let mut statement = json!({ "Effect": effect, "Action": "s3:GetObject", "Resource": "*" });
    if let Some(condition) = condition {
        statement["Condition"] = condition.clone();
    }
    statement
}

fn policy(statements: serde_json::Value) -> Option<Policy> {
    let document = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    Policy::parse(DocumentKind::Identity, &document).ok()
}

fn decided(context: &MapContext, identity: &[&Policy]) -> Decision {
    let request = Request {
        principal: &CALLER,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::bucket/key",
        resource_account: "111111111111",
        context,
    };
    decide(&request, &Policies { identity, ..Policies::default() })
}

/// `StringNotLike` of `StringLike`, where there is one. Set operators have none, and an operator
/// with `IfExists` holds on an absent key like its negation.
fn negation(operator: &str) -> Option<String> {
    match operator {
        "IpAddress" => Some("NotIpAddress".to_owned()),
        _ => ["String", "Numeric", "Date", "Arn"].iter().find_map(|kind| {
            let rest = operator.strip_prefix(kind)?;
            let legal = ["Equals", "EqualsIgnoreCase", "Like"].contains(&rest);
            legal.then(|| format!("{kind}Not{rest}"))
        }),
    }
}
