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

/// One audited change: the documents differ, and are shown to, whichever of them comes first.
#[track_caller]
fn check_shown(kind: DocumentKind, one: &Value, other: &Value) {
    for (old, new) in [(one, other), (other, one)] {
        let difference = differ(kind, std::slice::from_ref(old), std::slice::from_ref(new));
        assert_eq!(difference.outcome, Outcome::Different, "{old:#} {new:#} {difference:#?}");
    }
}

#[test]
#[rustfmt::skip]
fn what_one_value_changes_is_shown() {
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:{name}");
    let rows = [
        // The first row's key stands for an ARN, the second's for an account, and so on.
        ("ArnLike", "aws:SourceArn", json!([topic("111111111111:a")]), "ArnLike", json!([topic("111111111111:a"), topic("999999999999:evil")])),
        ("ArnLike", "aws:SourceArn", json!([topic("111111111111:a")]), "ArnLike", json!([topic("999999999999:evil"), topic("111111111111:a")])),
        ("ArnLike", "aws:SourceArn", json!(topic("111111111111:a*")), "ArnLike", json!(topic("111111111111:a?*"))),
        ("ArnLike", "aws:SourceArn", json!(topic("*:a")), "ArnLike", json!("arn:aws:sns:us-east-1:?*:a")),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:sns:*:111111111111:a"), "ArnLike", json!(topic("111111111111:a"))),
        ("ArnLike", "aws:SourceArn", json!("arn:*:sns:us-east-1:111111111111:a"), "ArnLike", json!(topic("111111111111:a"))),
        ("StringEquals", "aws:SourceAccount", json!(["111111111111", "222222222222"]), "StringEquals", json!(["111111111111"])),
        ("StringEquals", "aws:PrincipalTag/t", json!(["a", "b"]), "StringEquals", json!(["a"])),
        ("StringEquals", "aws:username", json!(["a", "b"]), "StringEquals", json!(["a"])),
        ("IpAddress", "aws:SourceIp", json!(["10.0.0.0/8", "1.2.3.4"]), "IpAddress", json!(["10.0.0.0/8"])),
        ("IpAddress", "aws:SourceIp", json!("1.2.3.0/24"), "IpAddress", json!("1.2.3.0/25")),
        ("IpAddress", "aws:SourceIp", json!("1.2.3.0/24"), "IpAddress", json!("1.2.3.0")),
        ("IpAddress", "aws:SourceIp", json!("10.1.0.0/16"), "IpAddress", json!("10.1.0.0/17")),
        ("IpAddress", "aws:SourceIp", json!("10.1.0.0/16"), "IpAddress", json!("10.1.128.0/17")),
        ("IpAddress", "aws:SourceIp", json!("10.0.0.0/8"), "IpAddress", json!(["10.0.0.0/9", "10.192.0.0/10"])),
        ("NotIpAddress", "aws:SourceIp", json!("10.0.0.0/8"), "NotIpAddress", json!("10.0.0.0/9")),
        ("IpAddress", "aws:SourceIp", json!("2001:db8::/32"), "IpAddress", json!("2001:db8::/33")),
        ("StringEquals", "aws:PrincipalTag/t", json!("a"), "StringEqualsIgnoreCase", json!("a")),
        ("StringNotEquals", "aws:PrincipalTag/t", json!("Team"), "StringNotEqualsIgnoreCase", json!("team")),
        ("StringLike", "aws:PrincipalTag/t", json!("a*"), "StringLike", json!("a?*")),
        ("StringLike", "aws:PrincipalTag/t", json!("a??*"), "StringLike", json!("a?*")),
        ("StringLike", "aws:PrincipalTag/t", json!("a?"), "StringLike", json!("ax")),
        ("StringLike", "aws:PrincipalTag/t", json!("a*b*c"), "StringLike", json!(["a?*b?*c", "abc"])),
        ("StringLike", "aws:PrincipalTag/t", json!("a"), "StringLike", json!("a*")),
        ("NumericLessThan", "s3:max-keys", json!("2"), "NumericLessThanEquals", json!("1")),
        ("NumericLessThan", "s3:max-keys", json!("2"), "NumericLessThanEquals", json!("2")),
        ("NumericLessThan", "s3:max-keys", json!("2000000"), "NumericLessThan", json!("1000")),
        ("NumericGreaterThan", "s3:max-keys", json!("1.25"), "NumericGreaterThan", json!("1.26")),
        ("DateLessThan", "aws:CurrentTime", json!("2024-01-01T00:00:00Z"), "DateLessThanEquals", json!("2024-01-01T00:00:00Z")),
        ("DateGreaterThan", "aws:CurrentTime", json!("2024-01-01T00:00:00Z"), "DateGreaterThan", json!("2024-06-01T00:00:00Z")),
        ("ForAllValues:StringEquals", "aws:TagKeys", json!(["a", "b"]), "ForAllValues:StringEquals", json!(["a"])),
        ("ForAllValues:StringEquals", "aws:TagKeys", json!(["a", "b"]), "ForAnyValue:StringEquals", json!(["a", "b"])),
        ("StringEquals", "aws:PrincipalTag/t", json!("a"), "StringEqualsIfExists", json!("a")),
        ("Null", "aws:TokenIssueTime", json!("true"), "Null", json!("false")),
        ("Bool", "aws:SecureTransport", json!("true"), "Bool", json!(["true", "false"])),
        ("BinaryEquals", "aws:k", json!("QUJD"), "BinaryEquals", json!(["QUJD", "QUJE"])),
    ];
    for (operator, key, values, other_operator, other_values) in rows {
        for principal in [json!({"Service": "sns.amazonaws.com"}), json!({"AWS": "222222222222"}), json!("*")] {
            for effect in ["Allow", "Deny"] {
                let with = |operator: &str, values: &Value| grant("s", &json!({
                    "Effect": effect, "Principal": principal, "Condition": {operator: {key: values}},
                }));
                check_shown(Resource, &with(operator, &values), &with(other_operator, &other_values));
            }
        }
        let own_with = |operator: &str, values: &Value| own("s", &json!({"Condition": {operator: {key: values}}}));
        check_shown(Identity, &own_with(operator, &values), &own_with(other_operator, &other_values));
    }
}

#[test]
#[rustfmt::skip]
fn what_one_entry_changes_is_shown() {
    let rows = [
        (json!({"NotAction": "iam:*"}), json!({"NotAction": ["iam:*", "sts:*"]})),
        (json!({"NotAction": "iam:Get*"}), json!({"NotAction": ["iam:Get*", "iam:PassRole"]})),
        (json!({"NotAction": ["lambda:Get*"]}), json!({"NotAction": ["lambda:Get?*"]})),
        (json!({"Action": "lambda:*"}), json!({"Action": "lambda:Get*"})),
        (json!({"Action": "lambda:Get*"}), json!({"Action": "lambda:Get?*"})),
        (json!({"Action": "lambda:*", "Resource": "arn:aws:lambda:*:*:function:*"}), json!({"Action": "lambda:*", "Resource": "arn:aws:lambda:us-east-1:*:function:*"})),
        (json!({"Action": "*"}), json!({"Action": "lambda:*"})),
        (json!({"Resource": format!("{ORDERS}*")}), json!({"Resource": format!("{ORDERS}?*")})),
        (json!({"Resource": format!("{ORDERS}:*")}), json!({"Resource": [format!("{ORDERS}:prod"), format!("{ORDERS}:x*")]})),
        (json!({"NotResource": ORDERS}), json!({"NotResource": [ORDERS, "arn:aws:lambda:us-east-1:111111111111:function:b*"]})),
        (json!({"Resource": "*"}), json!({"Resource": "arn:aws:*"})),
        (json!({"Resource": "arn:aws:*"}), json!({"Resource": "arn:aws:lambda:*:*:*"})),
    ];
    for (one, other) in rows {
        let with = |parts: &Value| {
            let mut parts = parts.clone();
            for (not, plain) in [("NotAction", "Action"), ("NotResource", "Resource")] {
                if parts.get(not).is_some() {
                    parts[plain] = Value::Null;
                }
            }
            if parts.get("Resource").is_none() && parts.get("NotResource").is_none() {
                parts["Resource"] = json!("*");
            }
            let mut merged = json!({"Principal": null, "Condition": null});
            merged.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
            grant("s", &merged)
        };
        check_shown(Identity, &with(&one), &with(&other));
    }
}

#[test]
fn who_comes_by_an_identity_provider_is_said_not_to_be_modelled() {
    let trust = |provider: &str| {
        json!({
            "Effect": "Allow", "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithSAML",
        })
    };
    let (x, y) = ("arn:aws:iam::1:saml-provider/x", "arn:aws:iam::1:saml-provider/y");
    let difference = differ(Trust, &[trust(x)], &[trust(y)]);
    assert_eq!(difference.outcome, Outcome::NoDifferenceFound);
    assert!(difference.text(Style::Plain).contains("(Federated) than OpenID Connect"));
    assert_eq!(difference.changes[0].unmodelled, ["Principal.Federated"]);
    let oidc = |name: &str| trust(&format!("arn:aws:iam::111111111111:oidc-provider/{name}"));
    let difference = differ(Trust, &[oidc("idp.example.com")], &[oidc("evil.example.com")]);
    assert_eq!(difference.outcome, Outcome::Different);
    let both = json!({
        "Effect": "Allow", "Principal": {"Federated": [x, y]}, "Action": "sts:AssumeRoleWithSAML",
    });
    let listed = [trust(x), both.clone()];
    assert_eq!(differ(Trust, &listed, &[both]).outcome, Outcome::Equivalent);
}

#[test]
#[rustfmt::skip]
fn examples_could_be_sent() {
    let (all, lambda) = (json!({"Action": "*", "Resource": "*"}), json!({"Action": "lambda:*", "Resource": "*"}));
    for (old, new) in [
        (all.clone(), lambda.clone()),
        (lambda.clone(), all.clone()),
        (lambda, json!({"Action": "lambda:InvokeFunction", "Resource": "*"})),
        (json!({"Action": "lambda:InvokeFunction", "Resource": "*"}), json!({"Action": "lambda:InvokeFunction", "Resource": ORDERS})),
        (all.clone(), json!({"Action": "*", "Resource": "arn:aws:lambda:*:*:*"})),
        (all, json!({"Action": "*", "Resource": "arn:aws:*"})),
    ] {
        let difference = differ(Identity, &[own("a", &old)], &[own("a", &new)]);
        assert_eq!(difference.outcome, Outcome::Different, "{old} {new}");
        for example in difference.changes.iter().flat_map(|change| &change.examples) {
            let part = |text: &str, at: usize| text.split(':').nth(at).unwrap_or("*").to_owned();
            let service = match example.action.to_lowercase().split(':').next().unwrap() {
                "sts" => "iam".to_owned(),
                service => service.to_owned(),
            };
            let resource = &example.resource;
            assert!(*resource == "*" || part(resource, 2) == service, "{example:#?}");
            assert_eq!(part(&example.principal, 1), if resource == "*" { "aws".to_owned() } else { part(resource, 1) }, "{example:#?}");
            assert!(part(resource, 1) != "aws-cn" || part(resource, 3).starts_with("cn-"), "{example:#?}");
            assert!(service != "example", "{example:#?}");
            assert!(service != "lambda" || resource == "*" || resource.contains(":function:"), "{example:#?}");
        }
    }
}
