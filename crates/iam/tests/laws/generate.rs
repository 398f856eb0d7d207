//! Generated cases, in the form of the case files. The alphabets are small, so that statements
//! often match, and mixed, so that types often do not.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::operators::BASES;

const PRINCIPALS: [&str; 12] = [
    "arn:aws:iam::111111111111:user/alice",
    "arn:aws:iam::111111111111:user/team/bob",
    "arn:aws:iam::222222222222:user/alice",
    "arn:aws:sts::111111111111:assumed-role/worker/s1",
    "arn:aws:sts::222222222222:assumed-role/worker/s1",
    "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForX/s1",
    "arn:aws:sts::111111111111:federated-user/alice",
    "arn:aws:iam::111111111111:role/team/worker",
    "arn:aws:iam::111111111111:root",
    "arn:aws:iam::222222222222:root",
    "s3.amazonaws.com",
    "anonymous",
];

const AWS_VALUES: [&str; 9] = [
    "*",
    "111111111111",
    "222222222222",
    "arn:aws:iam::111111111111:root",
    "arn:aws:iam::111111111111:user/alice",
    "arn:aws:iam::111111111111:role/worker",
    "arn:aws:iam::222222222222:role/team/worker",
    "arn:aws:sts::111111111111:assumed-role/worker/s1",
    "arn:aws:sts::111111111111:federated-user/alice",
];

const ACTIONS: [&str; 3] = ["lambda:InvokeFunction", "lambda:GetFunction", "s3:GetObject"];

const ACTION_PATTERNS: [&str; 7] = [
    "*",
    "lambda:*",
    "lambda:Invoke*",
    "LAMBDA:invokefunction",
    "lambda:?etFunction",
    "s3:GetObject",
    "lambda:Invoke",
];

const RESOURCES: [&str; 5] = [
    "*",
    "arn:aws:lambda:us-east-1:111111111111:function:orders",
    "arn:aws:lambda:us-east-1:111111111111:function:orders:prod",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::alice",
];

const RESOURCE_PATTERNS: [&str; 12] = [
    "*",
    "arn:aws:lambda",
    "arn:aws:lambda:us-east-1:111111111111:function:orders",
    "arn:aws:lambda:us-east-1:111111111111:function:orders:*",
    "arn:aws:lambda:us-*:111111111111:function:*",
    "arn:*:lambda:us-????-1:*:function:o*s",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::*",
    "arn:aws:s3:::${aws:username}",
    "arn:aws:s3:::${aws:none, 'bucket'}",
    "arn:aws:s3:::${aws:none}",
    "arn:aws:${aws:username}:::bucket",
];

const KEYS: [&str; 5] = ["aws:username", "AWS:SourceArn", "aws:TagKeys", "aws:k", "aws:none"];

const VALUES: [&str; 36] = [
    "alice",
    "Alice",
    "a*",
    "*",
    "",
    "10",
    "10.0",
    "9",
    "-9.5",
    "true",
    "TRUE",
    "false",
    "2024",
    "2024-01",
    "2024-01-01T00:00:00Z",
    "2023-12-31T23:00:00-01:00",
    "2024-02-30",
    "1704067200",
    "203.0.113.7",
    "203.0.113.0/24",
    "0.0.0.0/0",
    "::1",
    "::/0",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:::b*",
    "arn:*:s3:*:*:bucket",
    "arn:aws:s3:*",
    "arn:aws:s3:::${aws:username}",
    "arn:aws:${aws:username}:::bucket",
    "${aws:username}",
    "${AWS:none, 'alice'}",
    "${aws:none}",
    "${aws:TagKeys}",
    "${*}",
    "a${*}",
    "${$}{aws:none}",
];

fn texts(from: &'static [&'static str], size: usize) -> impl Strategy<Value = Value> {
    prop_oneof![
        select(from).prop_map(Value::from),
        vec(select(from), 0..=size).prop_map(Value::from)
    ]
}

fn operator() -> impl Strategy<Value = String> {
    let set = prop_oneof![4 => Just(""), 1 => Just("ForAllValues:"), 1 => Just("ForAnyValue:")];
    let exists = prop_oneof![4 => Just(""), 1 => Just("IfExists")];
    (set, select(&BASES[..]), exists).prop_map(|(set, base, exists)| {
        if base == "Null" { "Null".to_owned() } else { format!("{set}{base}{exists}") }
    })
}

/// A Condition element.
pub(crate) fn condition() -> impl Strategy<Value = Value> {
    let entry = (operator(), select(&KEYS[..]), texts(&VALUES, 3));
    vec(entry, 1..=2).prop_map(|entries| {
        let entry =
            |(operator, key, values): (String, &str, Value)| (operator, json!({key: values}));
        Value::Object(entries.into_iter().map(entry).collect::<Map<_, _>>())
    })
}

fn who() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(json!("*")),
        3 => texts(&AWS_VALUES, 4).prop_map(|aws| json!({"AWS": aws})),
        1 => Just(json!({"Service": "s3.amazonaws.com"})),
        1 => texts(&AWS_VALUES, 2)
            .prop_map(|aws| json!({"AWS": aws, "Service": ["s3.amazonaws.com"]})),
    ]
}

/// An effect, a principal element and its name.
fn subject(named: bool) -> BoxedStrategy<(&'static str, Option<(&'static str, Value)>)> {
    if !named {
        return prop_oneof![3 => Just(("Allow", None)), 1 => Just(("Deny", None))].boxed();
    }
    prop_oneof![
        6 => who().prop_map(|who| ("Allow", Some(("Principal", who)))),
        1 => who().prop_map(|who| ("Deny", Some(("Principal", who)))),
        1 => who().prop_map(|who| ("Deny", Some(("NotPrincipal", who)))),
    ]
    .boxed()
}

/// A statement; `named`: of a document whose statements name principals.
pub(crate) fn statement(named: bool) -> impl Strategy<Value = Value> {
    let element = |names: [&'static str; 2], values: &'static [&'static str]| {
        let name = prop_oneof![5 => Just(names[0]), 1 => Just(names[1])];
        (name, prop_oneof![2 => Just(json!("*")), 3 => texts(values, 3)])
    };
    let action = element(["Action", "NotAction"], &ACTION_PATTERNS);
    let resource = element(["Resource", "NotResource"], &RESOURCE_PATTERNS);
    let condition = option::weighted(0.5, condition());
    (subject(named), action, resource, condition).prop_map(
        |((effect, principal), (action, actions), (resource, resources), condition)| {
            let mut statement = json!({"Effect": effect, action: actions, resource: resources});
            if let Some((name, who)) = principal {
                statement[name] = who;
            }
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            statement
        },
    )
}

fn document(named: bool) -> impl Strategy<Value = Value> {
    let version = prop_oneof![4 => Just("2012-10-17"), 1 => Just("2008-10-17")];
    (version, vec(statement(named), 0..=3))
        .prop_map(|(version, statements)| json!({"Version": version, "Statement": statements}))
}

/// A list of documents.
pub(crate) fn pool() -> impl Strategy<Value = Value> {
    vec(document(false), 0..=2).prop_map(Value::from)
}

/// Levels of documents.
pub(crate) fn levels() -> impl Strategy<Value = Value> {
    let level = vec(document(false), 0..=2).prop_map(|policies| json!({"policies": policies}));
    vec(level, 0..=2).prop_map(Value::from)
}

fn context() -> impl Strategy<Value = Value> {
    let entry = (select(&KEYS[..4]), texts(&VALUES, 3));
    vec(entry, 0..=4).prop_map(|entries| {
        let entry = |(key, value): (&str, Value)| (key.to_owned(), value);
        Value::Object(entries.into_iter().map(entry).collect::<Map<_, _>>())
    })
}

/// A case without an expected answer.
pub(crate) fn case() -> impl Strategy<Value = Value> {
    let request = (
        select(&PRINCIPALS[..]),
        select(&ACTIONS[..]),
        select(&RESOURCES[..]),
        select(&["111111111111", "222222222222"][..]),
        context(),
    );
    let pools = (
        pool(),
        option::weighted(0.3, pool()),
        option::weighted(0.3, pool()),
        option::weighted(0.3, levels()),
        option::weighted(0.2, levels()),
        option::weighted(0.7, document(true)),
    );
    (request, pools).prop_map(|((principal, action, arn, account, context), pools)| {
        let (identity, boundary, session, scps, rcps, resource) = pools;
        let mut case = json!({
            "id": "generated", "principal": principal, "action": action, "expected": "",
            "resource": {"arn": arn, "accountId": account}, "context": context,
            "identityPolicies": identity,
        });
        for (name, documents) in [
            ("permissionBoundaries", boundary),
            ("sessionPolicies", session),
            ("serviceControlPolicies", scps),
            ("resourceControlPolicies", rcps.map(name_everyone)),
            ("resourcePolicy", resource),
        ] {
            if let Some(documents) = documents {
                case[name] = documents;
            }
        }
        case
    })
}

/// Gives every statement of the levels the principal `"*"`.
fn name_everyone(mut levels: Value) -> Value {
    for level in levels.as_array_mut().unwrap() {
        for document in level["policies"].as_array_mut().unwrap() {
            for statement in document["Statement"].as_array_mut().unwrap() {
                statement["Principal"] = json!("*");
            }
        }
    }
    levels
}
