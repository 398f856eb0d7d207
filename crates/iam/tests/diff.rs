//! What a changed document changes: rows of documents and the examples that show the difference.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use portcullis_iam::DocumentKind;
use portcullis_iam::DocumentKind::{
    Boundary, Identity, Resource, ResourceControl, ServiceControl, Session, Trust,
};
use portcullis_iam::analysis::{Difference, Outcome, Style, diff};
use serde_json::{Value, json};

const ORDERS: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn differ(kind: DocumentKind, old: &[Value], new: &[Value]) -> Difference {
    diff(kind, &document(old), &document(new)).unwrap()
}

/// An Allow for S3 to invoke a function, with other parts; `null` removes a part.
fn grant(sid: &str, parts: &Value) -> Value {
    let mut statement = json!({
        "Sid": sid, "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction", "Resource": ORDERS,
        "Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"},
                      "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"}},
    });
    for (name, value) in parts.as_object().unwrap() {
        match value {
            Value::Null => drop(statement.as_object_mut().unwrap().remove(name)),
            value => statement[name] = value.clone(),
        }
    }
    statement
}

/// The same in a document whose statements name no principals.
fn own(sid: &str, parts: &Value) -> Value {
    let mut statement = grant(sid, &json!({"Principal": null, "Condition": null}));
    for (name, value) in parts.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement
}

/// The changes, as kind, outcome, and the kinds of their examples.
#[track_caller]
fn check(kind: DocumentKind, old: &[Value], new: &[Value], want: &[(&str, &str, &[&str])]) {
    let difference = serde_json::to_value(differ(kind, old, new)).unwrap();
    let mut got = Vec::new();
    for change in difference["changes"].as_array().unwrap() {
        let examples = change["examples"].as_array().unwrap();
        let kinds: Vec<&str> = examples.iter().map(|one| one["kind"].as_str().unwrap()).collect();
        got.push((change["kind"].as_str().unwrap(), change["outcome"].as_str().unwrap(), kinds));
    }
    let got: Vec<_> =
        got.iter().map(|(kind, outcome, kinds)| (*kind, *outcome, &**kinds)).collect();
    assert_eq!(got, want, "{difference:#}");
}

#[test]
#[rustfmt::skip]
fn each_change_is_shown_by_what_it_changes() {
    let plain = json!({});
    let a = || grant("a", &plain);
    let deny = |sid: &str, parts: &Value| { let mut s = grant(sid, parts); s["Effect"] = json!("Deny"); s };
    let when = |condition: Value| json!({"Condition": condition});
    let photos = json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"}});
    let wider = json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos*"}});
    let other = json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::other"}});
    let by = |who: Value| json!({"Principal": who, "Condition": null});
    check(Resource, &[a()], &[a()], &[]);
    check(Resource, &[a()], &[grant("renamed", &plain)], &[]);
    check(Resource, &[], &[a()], &[("added", "different", &["newly-allowed"])]);
    check(Resource, &[a()], &[], &[("removed", "different", &["no-longer-allowed"])]);
    check(Resource, &[a()], &[grant("a", &when(photos.clone()))], &[("changed", "different", &["newly-allowed"])]);
    check(Resource, &[grant("a", &when(photos.clone()))], &[a()], &[("changed", "different", &["no-longer-allowed"])]);
    check(Resource, &[grant("a", &when(photos.clone()))], &[grant("a", &when(wider.clone()))], &[("changed", "different", &["newly-allowed"])]);
    check(Resource, &[grant("a", &when(photos.clone()))], &[grant("a", &when(other))], &[("changed", "different", &["newly-allowed", "no-longer-allowed"])]);
    check(Resource, &[grant("w", &when(wider.clone())), grant("a", &when(photos.clone()))], &[grant("w", &when(wider.clone()))], &[("removed", "equivalent", &[])]);
    check(Resource, &[a()], &[grant("a", &json!({"Resource": format!("{ORDERS}:prod")}))], &[("changed", "different", &["newly-allowed", "no-longer-allowed"])]);
    check(Resource, &[a()], &[grant("a", &json!({"Action": "lambda:*"}))], &[("changed", "different", &["newly-allowed"])]);
    check(Resource, &[a()], &[a(), deny("d", &plain)], &[("added", "different", &["no-longer-allowed"])]);
    check(Resource, &[a(), deny("d", &plain)], &[a()], &[("removed", "different", &["newly-allowed"])]);
    check(Resource, &[], &[deny("d", &plain)], &[("added", "different", &["newly-denied"])]);
    check(Resource, &[deny("d", &plain)], &[], &[("removed", "different", &["no-longer-denied"])]);
    check(Resource, &[], &[grant("x", &by(json!({"AWS": "222222222222"})))], &[("added", "different", &["newly-allowed"])]);
    check(Resource, &[], &[grant("x", &by(json!({"AWS": "111111111111"})))], &[("added", "no-difference-found", &[])]);
    check(Resource, &[], &[grant("x", &by(json!("*")))], &[("added", "different", &["newly-allowed"])]);
    check(Resource, &[], &[grant("x", &json!({"Action": []}))], &[("added", "equivalent", &[])]);
    check(Resource, &[grant("n", &when(json!({"StringNotEquals": {"AWS:SourceAccount": "111111111111"}})))], &[grant("n", &when(plain.clone()))], &[("changed", "different", &["newly-allowed"])]);
}

#[test]
#[rustfmt::skip]
fn documents_of_every_kind_are_compared() {
    let plain = json!({});
    let (all, some) = (json!({"Action": "*", "Resource": "*"}), json!({"Effect": "Deny"}));
    for kind in [Identity, Boundary, Session, ServiceControl] {
        check(kind, &[], &[own("a", &plain)], &[("added", "different", &["newly-allowed"])]);
        check(kind, &[own("a", &all)], &[own("a", &plain)], &[("changed", "different", &["no-longer-allowed"])]);
        check(kind, &[own("a", &all)], &[own("a", &all), own("d", &some)], &[("added", "different", &["no-longer-allowed"])]);
    }
    let everyone = json!({"Effect": "Deny", "Principal": "*"});
    check(ResourceControl, &[], &[own("d", &everyone)], &[("added", "different", &["newly-denied"])]);
    let trust = |who: &str| json!({"Effect": "Allow", "Principal": {"Service": who}, "Action": "sts:AssumeRole"});
    check(Trust, &[trust("lambda.amazonaws.com")], &[trust("ec2.amazonaws.com")],
        &[("removed", "different", &["no-longer-allowed"]), ("added", "different", &["newly-allowed"])]);
    let account = json!({"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"});
    check(Trust, &[], &[account], &[("added", "different", &["newly-allowed"])]);
}

#[test]
fn examples_are_whole_calls_and_read_well() {
    let parts = json!({"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos*"}}});
    let old = [grant("a", &json!({})), grant("b", &json!({"Action": "lambda:GetFunction"}))];
    let new = [grant("a", &parts), grant("b", &json!({"Action": "lambda:GetFunction"}))];
    let difference = differ(Resource, &old, &new);
    assert_eq!(
        serde_json::to_value(&difference).unwrap(),
        json!({"outcome": "different", "changes": [{
            "kind": "changed", "effect": "Allow", "outcome": "different",
            "old": {"statement": 0, "sid": "a"}, "new": {"statement": 0, "sid": "a"},
            "elements": ["Condition"],
            "examples": [{
                "kind": "newly-allowed", "principal": "s3.amazonaws.com", "identity_allows": false,
                "action": "lambda:InvokeFunction", "resource": ORDERS,
                "resource_account": "111111111111",
                "context": {"AWS:SourceArn": "arn:aws:s3:::photosexample"},
                "before": "ImplicitlyDenied", "after": "Allowed",
            }],
        }]})
    );
    assert_eq!(
        difference.text(Style::Plain),
        format!(
            "~ Statement[0] (Sid \"a\") changed: Condition (Allow)\n  \
             newly allowed s3.amazonaws.com: lambda:InvokeFunction on {ORDERS}\n    \
             with AWS:SourceArn = \"arn:aws:s3:::photosexample\"\n    \
             before: ImplicitlyDenied, after: Allowed\n\
             The documents decide differently.\n"
        )
    );
    assert!(difference.text(Style::Ansi).contains("\u{1b}[32mnewly allowed\u{1b}[0m"));
}

#[test]
fn what_cannot_be_understood_is_an_error() {
    assert!(diff(Resource, "{", &document(&[])).is_err());
    assert!(diff(Resource, &document(&[]), r#"{"Statement":[{}]}"#).is_err());
    let old = r#"{"Version":"2008-10-17","Statement":[]}"#;
    assert_eq!(diff(Resource, old, &document(&[])).unwrap().outcome, Outcome::Equivalent);
}
