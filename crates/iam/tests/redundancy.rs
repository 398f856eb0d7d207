//! Statements that need not be there: which are found, and what that saves.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use portcullis_iam::DocumentKind;
use portcullis_iam::analysis::{
    Knowledge, Redundancy, RedundancyKind, WrittenPolicy, covers, lint, redundancies,
};
use serde_json::{Value, json};

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn found(statements: &[Value]) -> Vec<Redundancy> {
    redundancies(&WrittenPolicy::parse(DocumentKind::Resource, &document(statements)).unwrap())
}

/// A grant to S3 for one bucket, with other parts.
fn grant(sid: &str, bucket: &str, parts: &Value) -> Value {
    let mut statement = json!({
        "Sid": sid, "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:us-east-1:111111111111:function:orders",
        "Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"},
                      "ArnLike": {"AWS:SourceArn": format!("arn:aws:s3:::{bucket}")}},
    });
    for (name, value) in parts.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement
}

/// The document with a redundancy mended.
fn mended(statements: &[Value], redundancy: &Redundancy) -> Vec<Value> {
    let superfluous = |index: &usize| redundancy.statements.contains(index);
    let rest = (0..statements.len()).filter(|index| !superfluous(index));
    let rest = rest.map(|index| statements[index].clone());
    let replacement = redundancy.replacement.iter().map(|json| serde_json::from_str(json).unwrap());
    rest.chain(replacement).collect()
}

/// What is found, as kind, statements and the one that covers them; and that mending each saves
/// what it says, and loses no statement that was there.
#[track_caller]
fn check(statements: &[Value], want: &[(RedundancyKind, &[usize], Option<usize>)]) {
    let found = found(statements);
    let got: Vec<_> = found.iter().map(|f| (f.kind, f.statements.as_slice(), f.by)).collect();
    assert_eq!(got, want, "{statements:#?}");
    for redundancy in &found {
        let mended = document(&mended(statements, redundancy));
        assert_eq!(document(statements).len() - mended.len(), redundancy.saves, "{redundancy:#?}");
        let old = WrittenPolicy::parse(DocumentKind::Resource, &document(statements)).unwrap();
        let new = WrittenPolicy::parse(DocumentKind::Resource, &mended).unwrap();
        let kept = |one| new.statements().iter().any(|new| covers(new, one));
        let listed = |one| redundancy.kind == RedundancyKind::List && !kept(one);
        for one in old.statements() {
            assert!(kept(one) || listed(one), "{} is lost in {mended}", one.json());
        }
    }
}

#[test]
#[rustfmt::skip]
fn what_need_not_be_there_is_found() {
    use RedundancyKind::{Covered, Duplicate, List, Wildcard};
    let plain = json!({});
    let on = |arn: &str| json!({"Resource": arn});
    let one = grant("one", "logs-a", &plain);
    check(std::slice::from_ref(&one), &[]);
    check(&[one.clone(), grant("two", "logs-a", &plain)], &[(Duplicate, &[1], Some(0))]);
    check(&[one.clone(), grant("two", "logs-*", &plain)], &[(Covered, &[0], Some(1))]);
    check(&[one.clone(), grant("all", "x", &json!({"Condition": {}}))], &[(Covered, &[0], Some(1))]);
    check(&[one.clone(), grant("two", "logs-b", &plain)], &[(List, &[0, 1], None)]);
    check(&[one.clone(), grant("two", "logs-b", &plain), grant("three", "logs-cc", &plain)],
        &[(Wildcard, &[0, 1, 2], None), (List, &[0, 1, 2], None)]);
    check(&[one.clone(), grant("two", "b", &plain), grant("three", "c", &plain)], &[(List, &[0, 1, 2], None)]);
    check(&[one.clone(), grant("two", "logs-a", &on("arn:aws:lambda:us-east-1:111111111111:function:orders:prod"))], &[(List, &[0, 1], None)]);
    check(&[one.clone(), grant("two", "logs-b", &on("arn:aws:lambda:us-east-1:111111111111:function:orders:prod"))], &[]);
    check(&[one.clone(), grant("two", "logs-a", &json!({"Effect": "Deny"}))], &[]);
    check(&[one.clone(), grant("two", "logs-a", &json!({"Principal": {"Service": "sns.amazonaws.com"}}))], &[(List, &[0, 1], None)]);
    let not = |bucket: &str| json!({"Condition": {"ArnNotLike": {"AWS:SourceArn": format!("arn:aws:s3:::{bucket}")}}});
    check(&[grant("one", "", &not("a")), grant("two", "", &not("b"))], &[]);
}

#[test]
fn lint_reports_what_need_not_be_there_with_what_it_saves() {
    let empty = json!({});
    let buckets = [("one", "logs-a"), ("two", "logs-a"), ("three", "logs-b"), ("four", "logs-c")];
    let statements = buckets.map(|(sid, bucket)| grant(sid, bucket, &empty));
    let found = lint(DocumentKind::Resource, &document(&statements), &Knowledge::default());
    let got: Vec<_> = found.iter().map(|f| (f.rule, f.saves.is_some())).collect();
    assert_eq!(got, [("wildcard-merge", true), ("mergeable", true), ("duplicate", true)]);
    let text = found[0].message.to_string();
    let want = "Statement[0] (Sid \"one\"), Statement[2] (Sid \"three\"), Statement[3] (Sid \"four\") \
                would be covered by one with a wildcard.";
    assert_eq!(text, want);
    assert!(found[0].replacement.as_deref().is_some_and(|one| one.contains("logs-*")));
}
