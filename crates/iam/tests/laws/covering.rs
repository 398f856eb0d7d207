//! Laws of the comparison of statements.

use portcullis_iam::DocumentKind;
use portcullis_iam::analysis::{WrittenPolicy, covers};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{decide, generate};

/// Whether the first statement covers the second, in a document of `kind`.
fn first_covers_second(kind: DocumentKind, document: &Value) -> bool {
    let written = WrittenPolicy::parse(kind, &document.to_string()).unwrap();
    covers(&written.statements()[0], &written.statements()[1])
}

/// A statement with parts of another one, which is wider more often than chance would have it.
fn mixed(one: &Value, other: &Value, take: [bool; 4]) -> Value {
    let mut mixed = one.clone();
    let parts = [["Action", "NotAction"], ["Resource", "NotResource"], ["Condition", ""]];
    for (names, take) in parts.iter().chain(&[["Principal", "NotPrincipal"]]).zip(take) {
        let from = names.iter().find(|name| other.get(**name).is_some());
        if !take || (names[0] == "Principal" && from == Some(&"NotPrincipal")) {
            continue;
        }
        for name in names {
            mixed.as_object_mut().unwrap().remove(*name);
        }
        if let Some(name) = from {
            mixed[*name] = other[*name].clone();
        }
    }
    mixed
}

/// That the second statement changes no decision of `case` if the first covers it.
fn check(kind: DocumentKind, case: &Value, version: &str, statements: [&Value; 2]) -> bool {
    let document = |statements: &[&Value]| json!({"Version": version, "Statement": statements});
    let both = document(&statements);
    if !first_covers_second(kind, &both) {
        return false;
    }
    let with = |document: Value| {
        let mut case = case.clone();
        match kind {
            DocumentKind::Resource => case["resourcePolicy"] = document,
            _ => case["identityPolicies"] = json!([document]),
        }
        decide(&case)
    };
    assert_eq!(with(both.clone()), with(document(&statements[..1])), "{both:#} in {case:#}");
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_covered_statement_changes_no_decision(
        case in generate::case(),
        named in any::<bool>(),
        old in any::<bool>(),
        pair in (generate::statement(true), generate::statement(true)),
        unnamed in (generate::statement(false), generate::statement(false)),
        take in any::<[bool; 4]>(),
    ) {
        let (kind, (one, other)) = if named {
            (DocumentKind::Resource, pair)
        } else {
            (DocumentKind::Identity, unnamed)
        };
        let version = if old { "2008-10-17" } else { "2012-10-17" };
        let wider = mixed(&one, &other, take);
        check(kind, &case, version, [&wider, &one]);
        check(kind, &case, version, [&one, &wider]);
        check(kind, &case, version, [&one, &other]);
    }

    #[test]
    fn a_condition_that_covers_another_holds_wherever_it_does(
        case in generate::case(),
        one in generate::condition(),
        other in generate::condition(),
        version in prop_oneof!["2008-10-17", "2012-10-17"],
    ) {
        let statement = |condition: Value| json!({
            "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition,
        });
        let (one, other) = (statement(one), statement(other));
        check(DocumentKind::Resource, &case, &version, [&one, &other]);
        prop_assert!(check(DocumentKind::Resource, &case, &version, [&one, &one]));
    }
}

/// Statements that allow a service to invoke a function, but for these parts.
fn statement(parts: &Value) -> Value {
    let mut statement = json!({
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:us-east-1:111111111111:function:orders",
    });
    for (name, value) in parts.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement
}

#[track_caller]
fn check_covers(one: &Value, other: &Value, want: bool) {
    let statements = json!([statement(one), statement(other)]);
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let got = first_covers_second(DocumentKind::Resource, &document);
    assert_eq!(got, want, "{one} covers {other}");
}

/// Of statements that differ in the condition alone.
#[track_caller]
fn check_condition(one: &Value, other: &Value, want: bool) {
    check_covers(&json!({"Condition": one}), &json!({"Condition": other}), want);
}

#[test]
#[rustfmt::skip]
fn what_is_wider_covers_what_is_narrower() {
    let part = |name: &str, value: Value| json!({name: value});
    let sid = |value: &str| part("Sid", json!(value));
    check_covers(&sid("a"), &sid("b"), true);
    check_covers(&part("Action", json!("lambda:*")),       &sid("b"), true);
    check_covers(&part("Action", json!("LAMBDA:invoke*")), &sid("b"), true);
    check_covers(&part("Action", json!("lambda:Get*")),    &sid("b"), false);
    check_covers(&part("Action", json!(["s3:*", "*"])),    &part("Action", json!(["a:B", "c:D"])), true);
    check_covers(&part("Effect", json!("Deny")),           &sid("b"), false);
    check_covers(&part("Resource", json!("*")),            &sid("b"), true);
    check_covers(&part("Resource", json!("arn:aws:lambda:us-*:111111111111:function:*")), &sid("b"), true);
    check_covers(&sid("b"), &part("Resource", json!("arn:aws:lambda:us-*:111111111111:function:*")), false);
    check_covers(&part("Resource", json!("arn:aws:lambda:*:function:*")), &sid("b"), false);
    check_covers(&part("Principal", json!("*")),           &sid("b"), true);
    check_covers(&part("Principal", json!({"AWS": "111111111111"})), &part("Principal", json!({"AWS": "arn:aws:iam::111111111111:root"})), true);
    check_covers(&part("Principal", json!({"AWS": "arn:aws:iam::111111111111:root"})), &part("Principal", json!({"AWS": "arn:aws:iam::111111111111:user/a"})), false);
    check_covers(&part("Principal", json!({"AWS": "arn:aws:iam::111111111111:role/p/r"})), &part("Principal", json!({"AWS": "arn:aws:iam::111111111111:role/r"})), true);
    let deny = |who: Value| json!({"Effect": "Deny", "Principal": {"AWS": who}});
    check_covers(&deny(json!("111111111111")), &deny(json!("arn:aws:iam::111111111111:user/a")), true);
    check_covers(&deny(json!("111111111111")), &deny(json!("arn:aws:iam::222222222222:user/a")), false);
}

#[test]
#[rustfmt::skip]
fn what_asks_less_covers_what_asks_more() {
    let when = |operator: &str, value: Value| json!({operator: {"aws:k": value}});
    check_condition(&json!({}), &when("StringEquals", json!("a")), true);
    check_condition(&when("StringEquals", json!("a")), &json!({}), false);
    for (wide, narrow, other) in [
        (("StringEquals", json!(["a", "b"])), ("StringEquals", json!("a")), json!("c")),
        (("StringLike", json!("a*")), ("StringEquals", json!("ab")), json!("b")),
        (("StringEqualsIgnoreCase", json!("AB")), ("StringEquals", json!("aB")), json!("b")),
        (("StringNotEquals", json!("a")), ("StringNotLike", json!("a*")), json!("b*")),
        (("StringEqualsIfExists", json!("a")), ("StringEquals", json!("a")), json!("b")),
        (("ForAnyValue:StringLike", json!("a*")), ("ForAnyValue:StringEquals", json!("ab")), json!("b")),
        (("ArnLike", json!("arn:aws:s3:::b*")), ("ArnEquals", json!("arn:aws:s3:::b1")), json!("arn:aws:s3:::c")),
        (("StringLike", json!("arn:aws:s3:*b*")), ("ArnLike", json!("arn:aws:s3:::b*")), json!("arn:aws:s3:::*")),
        (("ArnLike", json!("arn:aws:s3:::b*")), ("StringEquals", json!("arn:aws:s3:::b1")), json!("b1")),
        (("NumericLessThanEquals", json!("10")), ("NumericLessThan", json!("10.0")), json!("11")),
        (("NumericLessThan", json!("10")), ("NumericEquals", json!("9")), json!("10")),
        (("DateGreaterThan", json!("2023")), ("DateGreaterThanEquals", json!("2024-01-01")), json!("2022")),
        (("IpAddress", json!("10.0.0.0/8")), ("IpAddress", json!(["10.1.0.0/16", "10.2.3.4"])), json!("11.0.0.0/8")),
        (("NotIpAddress", json!("10.1.0.0/16")), ("NotIpAddress", json!("10.0.0.0/8")), json!("10.2.0.0/16")),
        (("Null", json!("false")), ("StringEquals", json!("a")), json!([])),
        (("Bool", json!("TRUE")), ("Bool", json!("true")), json!("false")),
    ] {
        check_condition(&when(wide.0, wide.1.clone()), &when(narrow.0, narrow.1.clone()), true);
        if narrow.1 != json!("true") {
            check_condition(&when(narrow.0, narrow.1.clone()), &when(wide.0, wide.1.clone()), false);
        }
        if narrow.0 != "StringEquals" || wide.0 != "Null" {
            check_condition(&when(wide.0, wide.1), &when(narrow.0, other), false);
        }
    }
}
