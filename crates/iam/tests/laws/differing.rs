//! Laws of the difference between documents.

use portcullis_iam::DocumentKind;
use portcullis_iam::analysis::{ChangeKind, Difference, Example, Outcome, diff};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::{decide, generate};

const KIND: DocumentKind = DocumentKind::Resource;

fn document(version: &str, statements: &[Value]) -> Value {
    json!({"Version": version, "Statement": statements})
}

fn differ(old: &Value, new: &Value) -> Difference {
    diff(KIND, &old.to_string(), &new.to_string()).unwrap()
}

/// The example as a case, under one of the documents.
fn case(example: &Example, document: &Value) -> Value {
    let own: &[Value] =
        &[json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})];
    let own = if example.identity_allows { own } else { &[] };
    json!({
        "id": "", "expected": "", "principal": example.principal, "action": example.action,
        "resource": {"arn": example.resource, "accountId": example.resource_account},
        "context": example.context, "identityPolicies": own, "resourcePolicy": document,
    })
}

/// That every example is decided as it says. Cases give federated users a parent, whom examples do
/// not know.
fn check_examples(difference: &Difference, old: &Value, new: &Value) {
    let examples = difference.changes.iter().flat_map(|change| &change.examples);
    for example in examples.filter(|one| !one.principal.contains(":federated-user/")) {
        let word = |document| crate::word(decide(&case(example, document)));
        assert_eq!(word(old), example.before, "{example:#?} {old:#}");
        assert_eq!(word(new), example.after, "{example:#?} {new:#}");
        assert_ne!(example.before, example.after);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_did_not_change_makes_no_difference(mut statements in prop::collection::vec(generate::statement(true), 0..4)) {
        let old = document("2012-10-17", &statements);
        statements.reverse();
        let difference = differ(&old, &document("2012-10-17", &statements));
        prop_assert_eq!(difference, Difference { outcome: Outcome::Equivalent, changes: Vec::new() });
    }

    #[test]
    fn every_example_is_true_and_equivalent_documents_decide_alike(
        shared in prop::collection::vec(generate::statement(true), 0..3),
        gone in prop::collection::vec(generate::statement(true), 0..2),
        added in prop::collection::vec(generate::statement(true), 0..2),
        versions in (prop_oneof!["2008-10-17", "2012-10-17"], prop_oneof!["2012-10-17"]),
        call in generate::case(),
    ) {
        let old = document(&versions.0, &[shared.clone(), gone].concat());
        let new = document(&versions.1, &[shared, added].concat());
        let difference = differ(&old, &new);
        check_examples(&difference, &old, &new);
        if difference.outcome == Outcome::Equivalent {
            let under = |document: &Value| {
                let mut call = call.clone();
                call["resourcePolicy"] = document.clone();
                decide(&call)
            };
            prop_assert_eq!(under(&old), under(&new), "{:#} {:#} {:#}", old, new, call);
        }
    }
}

/// Values of condition keys by operator, of documents and, mixed, of calls.
const TYPED: [(&str, &[&str], &[&str]); 5] = [
    (
        "aws:PrincipalTag/t",
        &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
            "StringEqualsIfExists",
        ],
        &["a", "A", "ab", "a*", "a?", "*b", "abc"],
    ),
    (
        "aws:SourceIp",
        &["IpAddress", "NotIpAddress", "IpAddressIfExists"],
        &["10.0.0.0/8", "10.0.0.0/9", "10.1.0.0/16", "10.128.0.0", "1.2.3.4", "1.2.3.0/31"],
    ),
    (
        "s3:max-keys",
        &["NumericLessThan", "NumericLessThanEquals", "NumericEquals", "NumericGreaterThan"],
        &["1", "2", "2.5", "10"],
    ),
    (
        "aws:SourceArn",
        &["ArnLike", "ArnNotLike", "ArnLikeIfExists", "StringLike"],
        &[
            "arn:aws:s3:::a",
            "arn:aws:s3:::a*",
            "arn:aws:s3:::a?",
            "arn:aws:sns:us-east-1:111111111111:t",
            "arn:aws:sns:*:111111111111:t",
        ],
    ),
    (
        "aws:TagKeys",
        &["ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAnyValue:StringLike"],
        &["a", "b", "a*", "c"],
    ),
];

/// One condition of these.
fn typed() -> impl Strategy<Value = (String, String, Vec<&'static str>)> {
    select(&TYPED[..]).prop_flat_map(|(key, operators, values)| {
        let values = prop::collection::vec(select(values), 1..3);
        (select(operators), values)
            .prop_map(move |(operator, values)| (operator.to_owned(), key.to_owned(), values))
    })
}

/// A statement of well-formed parts.
fn sensible() -> impl Strategy<Value = Value> {
    let function = |rest: &str| format!("arn:aws:lambda:us-east-1:111111111111:function:{rest}");
    let effect = select(vec!["Allow", "Allow", "Deny"]);
    let principal = select(vec![
        json!("*"),
        json!({"Service": "s3.amazonaws.com"}),
        json!({"AWS": "222222222222"}),
        json!({"AWS": ["arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:role/r"]}),
    ]);
    let action = select(vec![
        json!({"Action": "lambda:InvokeFunction"}),
        json!({"Action": ["lambda:Get*", "lambda:InvokeFunction"]}),
        json!({"Action": "lambda:*"}),
        json!({"NotAction": "lambda:Get*"}),
        json!({"NotAction": ["lambda:Get*", "lambda:InvokeFunction"]}),
    ]);
    let resource = select(vec![
        json!({"Resource": function("f")}),
        json!({"Resource": function("f*")}),
        json!({"Resource": [function("f"), function("g:*")]}),
        json!({"NotResource": function("f")}),
    ]);
    let conditions = prop::collection::vec(typed(), 0..3);
    (effect, principal, action, resource, conditions).prop_map(
        |(effect, principal, action, resource, conditions)| {
            let mut statement = json!({"Effect": effect, "Principal": principal});
            for parts in [action, resource] {
                statement.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
            }
            for (operator, key, values) in conditions {
                statement["Condition"][operator][key] = json!(values);
            }
            statement
        },
    )
}

/// A call of values that such statements name, or nearly.
fn sensible_call() -> impl Strategy<Value = Value> {
    let key = |key: &'static str, values: &'static [&'static str]| {
        let value = prop::option::weighted(0.7, select(values));
        value.prop_map(move |value| (key, value.map(|value| json!(value))))
    };
    let context = (
        key("aws:PrincipalTag/t", &["a", "A", "ab", "abc", "aé", "b", ""]),
        key(
            "aws:SourceIp",
            &[
                "10.0.0.0",
                "10.1.2.3",
                "10.127.0.1",
                "10.128.0.0",
                "10.200.0.1",
                "1.2.3.4",
                "1.2.3.1",
                "1.2.3.5",
            ],
        ),
        key("s3:max-keys", &["0", "1", "1.5", "2", "2.2", "2.5", "3", "10", "11"]),
        key(
            "aws:SourceArn",
            &[
                "arn:aws:s3:::a",
                "arn:aws:s3:::ab",
                "arn:aws:s3:::abc",
                "arn:aws:sns:us-east-1:111111111111:t",
                "arn:aws:sns:eu-west-1:111111111111:t",
            ],
        ),
        prop::option::weighted(
            0.7,
            prop::collection::vec(select(vec!["a", "b", "ab", "c", "d"]), 0..3),
        )
        .prop_map(|list| ("aws:TagKeys", list.map(|list| json!(list)))),
    );
    let principal = select(vec![
        "s3.amazonaws.com",
        "sns.amazonaws.com",
        "anonymous",
        "arn:aws:iam::111111111111:user/alice",
        "arn:aws:iam::111111111111:user/bob",
        "arn:aws:iam::222222222222:user/carol",
        "arn:aws:sts::222222222222:assumed-role/r/s",
    ]);
    let action = select(vec![
        "lambda:InvokeFunction",
        "lambda:GetFunction",
        "lambda:GetPolicy",
        "lambda:UpdateAlias",
    ]);
    let function = select(vec!["f", "ff", "g", "g:prod", "h"]);
    (principal, action, function, context, any::<bool>()).prop_map(|(principal, action, function, keys, own)| {
        let mut context = serde_json::Map::new();
        for (key, value) in [keys.0, keys.1, keys.2, keys.3, keys.4] {
            context.extend(value.map(|value| (key.to_owned(), value)));
        }
        let own: &[Value] = if own { &[json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})] } else { &[] };
        json!({
            "id": "", "expected": "", "principal": principal, "action": action, "context": context,
            "resource": {"arn": format!("arn:aws:lambda:us-east-1:111111111111:function:{function}"), "accountId": "111111111111"},
            "identityPolicies": own,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn what_some_call_shows_to_differ_is_reported_as_a_difference(
        shared in prop::collection::vec(sensible(), 0..2),
        gone in prop::collection::vec(sensible(), 0..2),
        added in prop::collection::vec(sensible(), 0..2),
        calls in prop::collection::vec(sensible_call(), 60),
    ) {
        let old = document("2012-10-17", &[shared.clone(), gone].concat());
        let new = document("2012-10-17", &[shared, added].concat());
        let under = |call: &Value, document: &Value| {
            let mut call = call.clone();
            call["resourcePolicy"] = document.clone();
            crate::word(decide(&call))
        };
        let told = calls.iter().find(|call| under(call, &old) != under(call, &new));
        let difference = differ(&old, &new);
        check_examples(&difference, &old, &new);
        if let Some(call) = told {
            prop_assert_eq!(difference.outcome, Outcome::Different, "{:#} {:#} {:#}", old, new, call);
        }
    }
}

/// A statement as AddPermission writes it.
fn grant() -> impl Strategy<Value = Value> {
    let principal = select(vec![
        json!("*"),
        json!({"Service": "s3.amazonaws.com"}),
        json!({"Service": "sns.amazonaws.com"}),
        json!({"AWS": "arn:aws:iam::222222222222:root"}),
        json!({"AWS": "arn:aws:iam::111111111111:user/alice"}),
        json!({"AWS": "arn:aws:iam::222222222222:role/worker"}),
    ]);
    let action = select(vec![
        "lambda:InvokeFunction",
        "lambda:InvokeFunctionUrl",
        "lambda:GetFunction",
        "lambda:*",
    ]);
    let qualifier = select(vec!["", "", ":prod", ":7"]);
    let condition = |key: &'static str, operator: &'static str, values: &'static [&'static str]| {
        let value = prop::option::weighted(0.4, select(values));
        value.prop_map(move |value| value.map(|value| (operator, key, value)))
    };
    let conditions = (
        condition(
            "AWS:SourceArn",
            "ArnLike",
            &["arn:aws:s3:::a", "arn:aws:s3:::b*", "arn:aws:sns:us-east-1:111111111111:t"],
        ),
        condition("AWS:SourceAccount", "StringEquals", &["111111111111", "222222222222"]),
        condition("aws:PrincipalOrgID", "StringEquals", &["o-a1b2c3d4e5", "o-z9y8x7w6v5"]),
        condition("lambda:FunctionUrlAuthType", "StringEquals", &["NONE", "AWS_IAM"]),
    );
    (principal, action, qualifier, conditions).prop_map(|(principal, action, qualifier, all)| {
        let resource = format!("arn:aws:lambda:us-east-1:111111111111:function:orders{qualifier}");
        let mut statement =
            json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource});
        for (operator, key, value) in [all.0, all.1, all.2, all.3].into_iter().flatten() {
            statement["Condition"][operator][key] = json!(value);
        }
        statement
    })
}

/// How often the addition of the first statement to the others is shown by an example, of the times
/// that it is not covered.
fn shown(tries: usize, statements: impl Strategy<Value = Vec<Value>>) -> (usize, usize) {
    let mut runner = TestRunner::deterministic();
    let (mut open, mut shown) = (0, 0);
    for _ in 0..tries {
        let statements = statements.new_tree(&mut runner).unwrap().current();
        let old = document("2012-10-17", &statements[1..]);
        let new = document("2012-10-17", &statements);
        let difference = differ(&old, &new);
        check_examples(&difference, &old, &new);
        open += usize::from(difference.outcome != Outcome::Equivalent);
        shown += usize::from(difference.outcome == Outcome::Different);
        let kinds = difference.changes.iter().all(|change| change.kind == ChangeKind::Added);
        assert!(kinds, "{difference:#?}");
    }
    (open, shown)
}

#[test]
fn an_added_permission_that_is_not_covered_is_shown_by_an_example() {
    let (open, shown) = shown(300, prop::collection::vec(grant(), 1..12));
    assert!(open > 200 && shown == open, "{shown} of {open}");
}

#[test]
fn most_additions_that_are_not_covered_are_shown_by_an_example() {
    let (open, shown) = shown(300, prop::collection::vec(generate::statement(true), 1..5));
    assert!(open > 100 && shown * 100 > open * 85, "{shown} of {open}");
}
