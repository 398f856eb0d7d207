//! Every rule of lint that knows no service: rows on which it fires, and rows on which it must not.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use DocumentKind::{Boundary, Identity, Resource, ResourceControl, ServiceControl, Session, Trust};
use portcullis_iam::analysis::{
    Bearers, ConditionKey, Finding, KeyType, Knowledge, RULES, Severity, Style, findings_text, lint,
};
use portcullis_iam::{DocumentKind, Policy};
use serde_json::{Value, json};

const KEYS: [ConditionKey; 2] = [
    ConditionKey::new("svc:Token", KeyType::String, false, Bearers::Services, true),
    ConditionKey::new("svc:Kind", KeyType::String, false, Bearers::Anyone, false).on(&["svc:Get"]),
];

fn findings(kind: DocumentKind, document: &str) -> Vec<Finding> {
    let gone = |who: &str| Some(!who.ends_with("/gone")).filter(|_| who.contains("111111111111"));
    let actions = ["svc:Get", "lambda:InvokeFunction", "lambda:GetFunction"];
    lint(kind, document, &Knowledge { keys: &KEYS, actions: &actions, exists: &gone })
}

/// A document of one statement, which allows a function to be invoked unless `parts` say otherwise.
fn document(kind: DocumentKind, parts: &Value) -> Value {
    let mut statement = json!({"Sid": "a", "Effect": "Allow"});
    if matches!(kind, Resource | Trust) && parts.get("NotPrincipal").is_none() {
        statement["Principal"] = json!({"AWS": "111111111111"});
    }
    if parts.get("NotAction").is_none() {
        statement["Action"] = json!("lambda:InvokeFunction");
    }
    if kind != Trust && parts.get("NotResource").is_none() {
        statement["Resource"] = json!("arn:aws:lambda:us-east-1:111111111111:function:orders");
    }
    for (name, value) in parts.as_object().unwrap() {
        statement[name] = value.clone();
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// Whether `rule` finds something in a statement with these parts.
fn fires(rule: &str, kind: DocumentKind, parts: &Value) -> bool {
    let found = findings(kind, &document(kind, parts).to_string());
    found.iter().any(|finding| finding.rule == rule)
}

/// The rule, the kind of document, the parts of its statement, whether the rule fires.
type Row = (&'static str, DocumentKind, Value, bool);

fn when(condition: &Value) -> Value {
    json!({"Condition": condition})
}

fn open(condition: &Value) -> Value {
    json!({"Principal": "*", "Condition": condition})
}

fn service(condition: &Value) -> Value {
    json!({"Principal": {"Service": "s3.amazonaws.com"}, "Condition": condition})
}

fn on(arn: &str) -> Value {
    json!({"Resource": arn})
}

#[rustfmt::skip]
fn rows_about_principals() -> Vec<Row> {
    vec![
        ("invalid-document", Identity, json!({"Sid": "not legal"}), true),
        ("invalid-document", Identity, json!({"Action": "*:Get"}), true),
        ("invalid-document", Identity, json!({}), false),
        ("empty-sid", Identity, json!({"Sid": ""}), true),
        ("empty-sid", Identity, json!({}), false),
        ("public-grant", Resource, json!({"Principal": "*"}), true),
        ("public-grant", Resource, json!({"Principal": {"AWS": ["111111111111", "*"]}}), true),
        ("public-grant", Resource, open(&json!({"StringEquals": {"aws:UserAgent": "x", "aws:referer": "y"}})), true),
        ("public-grant", Resource, open(&json!({"Bool": {"aws:SecureTransport": "true"}})), true),
        ("public-grant", Resource, open(&json!({"StringLike": {"aws:PrincipalArn": "*"}})), true),
        ("public-grant", Resource, open(&json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}})), true),
        ("public-grant", Resource, open(&json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}})), true),
        ("public-grant", Resource, open(&json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a"}})), true),
        ("public-grant", Resource, open(&json!({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a/*"}})), true),
        ("public-grant", Resource, open(&json!({"Null": {"aws:PrincipalOrgID": "false"}})), true),
        ("public-grant", Resource, open(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})), false),
        ("public-grant", Resource, open(&json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/*"}})), false),
        ("public-grant", Resource, open(&json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}})), true),
        ("public-grant", Resource, open(&json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalTag/organization}"}})), true),
        ("public-grant", Resource, open(&json!({"StringLike": {"aws:PrincipalOrgID": "o-??????????"}})), true),
        ("public-grant", Resource, open(&json!({"StringLike": {"aws:PrincipalAccount": ["111111111111", "?*"]}})), true),
        ("public-grant", Resource, open(&json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}})), true),
        ("public-grant", Resource, open(&json!({"StringLike": {"aws:userid": "*:*"}})), true),
        ("public-grant", Resource, open(&json!({"StringLike": {"aws:SourceVpce": "vpce-*"}})), true),
        ("public-grant", Resource, open(&json!({"IpAddress": {"aws:SourceIp": ["128.0.0.0/1", "0.0.0.0/1"]}})), true),
        ("public-grant", Resource, open(&json!({"IpAddress": {"aws:SourceIp": ["::/2", "4000::/2", "8000::/1"]}})), true),
        ("public-grant", Resource, open(&json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/2"]}})), false),
        ("public-grant", Resource, open(&json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}})), false),
        ("public-grant", Resource, open(&json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}})), false),
        ("public-grant", Resource, open(&json!({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}})), false),
        ("public-grant", Resource, open(&json!({"StringEquals": {"svc:Token": "t"}})), false),
        ("public-grant", Resource, open(&json!({"StringEquals": {"other:Key": "t"}})), false),
        ("public-grant", Resource, open(&json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})), false),
        ("public-grant", Resource, json!({"Effect": "Deny", "Principal": "*"}), false),
        ("public-grant", Resource, json!({}), false),
        ("public-grant", Identity, json!({"Action": "*", "Resource": "*"}), false),
        ("wildcard-in-source", Resource, service(&json!({"StringLike": {"aws:SourceAccount": "1111*"}})), true),
        ("wildcard-in-source", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:*:topic"}})), true),
        ("wildcard-in-source", Resource, service(&json!({"StringLike": {"AWS:SourceArn": "*"}})), true),
        ("wildcard-in-source", Resource, open(&json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}})), true),
        ("wildcard-in-source", Resource, open(&json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}})), true),
        ("wildcard-in-source", Resource, open(&json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-1/*"}})), true),
        ("wildcard-in-source", Resource, open(&json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/r-1/*"}})), false),
        ("wildcard-in-source", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:*:t"}, "StringEquals": {"aws:SourceAccount": "111111111111"}})), false),
        ("wildcard-in-source", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111111111111:*"}})), false),
        ("wildcard-in-source", Resource, when(&json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}})), false),
        ("wildcard-in-source", Resource, json!({"Effect": "Deny", "Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}}), false),
        ("wildcard-in-source", Resource, service(&json!({"StringNotLike": {"aws:SourceAccount": "1*"}})), false),
        ("not-principal", Resource, json!({"Effect": "Deny", "NotPrincipal": {"AWS": "111111111111"}}), true),
        ("not-principal", Resource, json!({"Effect": "Deny"}), false),
        ("principal-gone", Resource, json!({"Principal": {"AWS": "AIDAQXZ3EXAMPLE123456"}}), true),
        ("principal-gone", Resource, json!({"Principal": {"AWS": "arn:aws:iam::111111111111:role/gone"}}), true),
        ("principal-gone", Resource, json!({"Principal": {"AWS": "arn:aws:iam::111111111111:role/there"}}), false),
        ("principal-gone", Resource, json!({"Principal": {"AWS": "arn:aws:iam::222222222222:role/gone"}}), false),
        ("principal-gone", Resource, json!({"Principal": "*"}), false),
        ("principal-names-nobody", Resource, json!({"Principal": {"Federated": "cognito-identity.amazonaws.com"}}), true),
        ("principal-names-nobody", Resource, json!({"Principal": {"CanonicalUser": "79a5"}}), true),
        ("principal-names-nobody", Trust, json!({"Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}), false),
        ("principal-names-nobody", Resource, json!({"Principal": {"Service": "s3.amazonaws.com"}}), false),
    ]
}

#[rustfmt::skip]
fn rows_about_keys() -> Vec<Row> {
    vec![
        ("impossible-condition", Resource, when(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}})), true),
        ("impossible-condition", Resource, when(&json!({"Null": {"aws:SourceArn": "false"}})), true),
        ("impossible-condition", Resource, service(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-a"}})), true),
        ("impossible-condition", Resource, service(&json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})), true),
        ("impossible-condition", Resource, json!({"Principal": {"AWS": "arn:aws:iam::111111111111:role/r"}, "Condition": {"StringEquals": {"aws:username": "a"}}}), true),
        ("impossible-condition", Resource, json!({"Principal": {"AWS": "111111111111", "Service": "s3.amazonaws.com"}, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a"}}}), true),
        ("impossible-condition", Identity, when(&json!({"StringEquals": {"aws:SourceAccount": "111111111111"}})), true),
        ("impossible-condition", Identity, when(&json!({"StringEquals": {"aws:username": "a"}})), false),
        ("impossible-condition", Resource, open(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}})), false),
        ("impossible-condition", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}})), false),
        ("impossible-condition", Resource, service(&json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}})), true),
        ("impossible-condition", Resource, when(&json!({"StringEqualsIfExists": {"aws:SourceAccount": "111111111111"}})), true),
        ("impossible-condition", Resource, when(&json!({"ArnLikeIfExists": {"aws:SourceArn": "arn:aws:s3:::b"}})), true),
        ("impossible-condition", Resource, when(&json!({"StringNotEquals": {"aws:SourceAccount": "111111111111"}})), true),
        ("impossible-condition", Resource, json!({"Effect": "Deny", "Condition": {"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::b"}}}), true),
        ("impossible-condition", Resource, json!({"Effect": "Deny", "Principal": {"Service": "sns.amazonaws.com"}, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}}}), true),
        ("impossible-condition", Resource, when(&json!({"Null": {"aws:SourceAccount": "true"}})), true),
        ("impossible-condition", Resource, json!({"Effect": "Deny", "Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}}}), false),
        ("impossible-condition", Resource, service(&json!({"StringNotEquals": {"aws:SourceAccount": "111111111111"}})), false),
        ("impossible-condition", Identity, when(&json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}})), false),
        ("impossible-condition", Identity, when(&json!({"StringNotEquals": {"svc:Kind": "a"}})), true),
        ("impossible-condition", Identity, json!({"Action": ["svc:Get", "svc:Put"], "Condition": {"StringEquals": {"svc:Kind": "a"}}}), true),
        ("impossible-condition", Identity, json!({"Action": ["svc:Get", "SVC:G*"], "Condition": {"StringEquals": {"svc:kind": "a"}}}), false),
        ("impossible-condition", Identity, json!({"Action": "*", "Condition": {"StringEquals": {"svc:Kind": "a"}}}), false),
        ("impossible-condition", Identity, json!({"NotAction": "svc:Put", "Condition": {"StringEquals": {"svc:Kind": "a"}}}), false),
        ("own-variable", Resource, open(&json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:principalorgid}"}})), true),
        ("own-variable", Resource, service(&json!({"StringLike": {"aws:SourceAccount": "${aws:SourceAccount}"}})), true),
        ("own-variable", Resource, service(&json!({"StringEquals": {"aws:SourceAccount": "${aws:ResourceAccount}"}})), false),
        ("own-variable", Resource, service(&json!({"StringNotEquals": {"aws:SourceAccount": "${aws:SourceAccount}"}})), false),
        ("impossible-condition", Resource, json!({"Principal": {"AWS": "arn:aws:iam::111111111111:user/u"}, "Condition": {"StringEquals": {"aws:username": "u"}}}), false),
        ("set-operator-missing", Identity, when(&json!({"StringEquals": {"aws:TagKeys": "a"}})), true),
        ("set-operator-missing", Identity, when(&json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}})), false),
        ("set-operator-missing", Identity, when(&json!({"Null": {"aws:TagKeys": "false"}})), false),
        ("for-all-values-allow", Identity, when(&json!({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}})), true),
        ("for-all-values-allow", Identity, when(&json!({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}, "Null": {"aws:TagKeys": "true"}})), true),
        ("for-all-values-allow", Identity, when(&json!({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}, "Null": {"aws:tagkeys": "false"}})), false),
        ("for-all-values-allow", Identity, json!({"Effect": "Deny", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}}), false),
        ("set-operator-single-valued", Identity, when(&json!({"ForAnyValue:StringEquals": {"aws:username": "a"}})), true),
        ("set-operator-single-valued", Identity, when(&json!({"StringEquals": {"aws:username": "a"}})), false),
        ("set-operator-single-valued", Identity, when(&json!({"ForAnyValue:StringEquals": {"other:Key": "a"}})), false),
        ("operator-type", Identity, when(&json!({"StringEquals": {"aws:SourceIp": "203.0.113.0/24"}})), true),
        ("operator-type", Identity, when(&json!({"StringEquals": {"aws:CurrentTime": "2024"}})), true),
        ("operator-type", Identity, when(&json!({"ArnLike": {"aws:PrincipalAccount": "arn:aws:iam::*:root"}})), true),
        ("operator-type", Identity, when(&json!({"NumericLessThan": {"aws:EpochTime": "1", "aws:PrincipalTag/Age": "5"}})), false),
        ("operator-type", Identity, when(&json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:*"}})), false),
        ("unknown-key", Resource, service(&json!({"StringEquals": {"aws:SourceAcount": "111111111111"}})), true),
        ("unknown-key", Resource, service(&json!({"StringEquals": {"svc:Tokn": "t"}})), true),
        ("unknown-key", Identity, when(&json!({"StringEquals": {"aws:PrincipalTag/Team": "a", "AWS:USERNAME": "b"}})), false),
        ("unknown-key", Identity, when(&json!({"StringEquals": {"s3:prefix": "a"}})), false),
    ]
}

#[rustfmt::skip]
fn rows_about_values() -> Vec<Row> {
    vec![
        ("wildcard-in-equals", Identity, when(&json!({"StringEquals": {"aws:username": "a*"}})), true),
        ("wildcard-in-equals", Identity, when(&json!({"StringNotEqualsIgnoreCase": {"aws:username": "a?"}})), true),
        ("wildcard-in-equals", Identity, when(&json!({"StringLike": {"aws:username": "a*"}})), false),
        ("wildcard-in-equals", Identity, when(&json!({"StringEquals": {"aws:username": "a${*}"}})), false),
        ("value-type", Identity, when(&json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "1h"}})), true),
        ("value-type", Identity, when(&json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "${aws:username}"}})), true),
        ("value-type", Identity, when(&json!({"DateLessThan": {"aws:CurrentTime": "2024-02-30"}})), true),
        ("value-type", Identity, when(&json!({"IpAddress": {"aws:SourceIp": ["203.0.113.7", "203.0.113.0/33"]}})), true),
        ("value-type", Identity, when(&json!({"Bool": {"aws:SecureTransport": "yes"}})), true),
        ("value-type", Identity, when(&json!({"Null": {"aws:username": "no"}})), true),
        ("value-type", Identity, when(&json!({"BinaryEquals": {"other:Key": "%"}})), true),
        ("value-type", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "*"}})), true),
        ("value-type", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*"}})), true),
        ("value-type", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}})), false),
        ("value-type", Identity, when(&json!({"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}})), false),
        ("value-type", Identity, when(&json!({"DateLessThan": {"aws:CurrentTime": "2024-02-28T00:00:00Z"}})), false),
        ("value-type", Identity, when(&json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Bool": {"aws:SecureTransport": true}})), false),
        ("variable-in-first-fields", Identity, on("arn:aws:s3:::${aws:username}"), false),
        ("variable-in-first-fields", Identity, on("arn:aws:s3::${aws:PrincipalAccount}:b"), true),
        ("variable-in-first-fields", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:r:${aws:SourceAccount}:t"}})), true),
        ("variable-in-first-fields", Resource, service(&json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:r:111111111111:${aws:username}"}})), false),
        ("empty-list", Identity, json!({"Action": []}), true),
        ("empty-list", Identity, on("arn:aws:s3:::b"), false),
        ("empty-list", Identity, json!({"NotResource": []}), true),
        ("empty-list", Resource, json!({"Principal": {"AWS": []}}), true),
        ("empty-list", Identity, when(&json!({"StringEquals": {"aws:username": []}})), true),
        ("empty-list", Identity, when(&json!({"StringNotEquals": {"aws:username": []}})), true),
        ("empty-list", Trust, json!({"Action": "sts:AssumeRole"}), false),
        ("unknown-action", Identity, json!({"Action": "lambda:InvokeFuncton"}), true),
        ("unknown-action", Identity, json!({"NotAction": ["svc:Get", "svc:Put*"]}), true),
        ("unknown-action", Identity, json!({"Action": ["LAMBDA:get*", "*", "s3:Anything"]}), false),
        ("arn-account", Identity, on("arn:aws:lambda:*:function:orders"), true),
        ("arn-account", Identity, on("arn:aws:lambda:*:*:function:orders"), false),
        ("arn-account", Identity, on("arn:aws:iam::aws:policy/ReadOnlyAccess"), false),
        ("arn-account", Identity, on("arn:aws:s3:::b"), false),
        ("arn-wildcard", Identity, on("arn:*:lambda:us-east-1:111111111111:function:orders"), true),
        ("arn-wildcard", Identity, on("arn:aws:lambda:us-east-1:111111111111:func*:orders"), true),
        ("arn-wildcard", Identity, on("arn:aws:*:us-east-1:111111111111:x"), true),
        ("arn-wildcard", Identity, on("arn:aws:lambda:us-*:*:function:*"), false),
        ("arn-wildcard", Identity, on("arn:aws:lambda:us-east-1:111111111111:*"), false),
        ("short-arn", Identity, on("arn:aws:lambda"), true),
        ("short-arn", ServiceControl, on("arn:aws:lambda:*:*:*"), false),
        ("short-arn", Identity, on("*"), false),
    ]
}

fn rows() -> Vec<Row> {
    [rows_about_principals(), rows_about_keys(), rows_about_values()].concat()
}

#[test]
fn each_rule_fires_where_it_has_to_and_nowhere_else() {
    for (rule, kind, parts, want) in rows() {
        assert_eq!(fires(rule, kind, &parts), want, "{rule} on {parts}");
    }
}

/// Whether `rule` finds something in a whole document.
#[track_caller]
fn check_document(rule: &str, document: &str, want: bool) {
    let found = findings(Identity, document);
    assert_eq!(found.iter().any(|f| f.rule == rule), want, "{rule} in {document}: {found:#?}");
}

const STATEMENT: &str = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}","Condition":{"StringLike":{"aws:username":"${aws:PrincipalTag/a}"}}}"#;

#[test]
#[rustfmt::skip]
fn documents_are_judged_beyond_their_statements() {
    let with = |head: &str| format!(r#"{{{head}"Statement":[{STATEMENT}]}}"#);
    let plain = STATEMENT.replace("${", "{");
    check_document("invalid-json",     "{",                                   true);
    check_document("invalid-json",     &"a".repeat(200_000),                  false);
    check_document("invalid-document", &"a".repeat(200_000),                  true);
    check_document("invalid-document", r#"{"Statement":[],"Statement":[]}"#,  true);
    check_document("invalid-document", r#"{"Version":"2012-10-17"}"#,         true);
    check_document("no-statements",    r#"{"Statement":[]}"#,                 true);
    check_document("no-statements",    &with(""),                             false);
    check_document("no-version",       &with(""),                             true);
    check_document("no-version",       &with(r#""Version":"2008-10-17","#),   false);
    check_document("variables-2008",   &with(""),                             true);
    check_document("variables-2008",   &with(r#""Version":"2008-10-17","#),   true);
    check_document("variables-2008",   &with(r#""Version":"2012-10-17","#),   false);
    check_document("variables-2008",   &with("").replace(STATEMENT, &plain),  false);
}

/// Lint finds an error, at this place, exactly where the document is refused.
#[track_caller]
fn check_refused(kind: DocumentKind, document: &str, place: Option<&str>) {
    let mut found = findings(kind, document);
    found.retain(|finding| finding.severity == Severity::Error);
    let got: Vec<String> = found.iter().map(|finding| finding.spot.text()).collect();
    assert_eq!(got, Vec::from_iter(place), "{document}");
    let long = found.iter().any(|finding| finding.rule == "too-long");
    let parsed = Policy::parse(kind, document);
    assert_eq!(parsed.is_err(), place.is_some() && !long, "{document}");
}

#[test]
#[rustfmt::skip]
fn whatever_is_refused_is_an_error() {
    let allow = |sid: &str, principal: &str, resource: &str| format!(
        r#"{{"Sid":"{sid}",{principal}"Effect":"Allow","Action":"s3:*"{resource}}}"#);
    let all = r#","Resource":"*""#;
    let whole = |head: &str, statements: &[String]| format!(
        r#"{{"Version":"2012-10-17",{head}"Statement":[{}]}}"#, statements.join(","));
    let (own, other) = (allow("a", "", all), allow("b", "", r#","Resource":"arn:aws:s3:::b""#));
    let id = r#""Id":"i","#;
    for kind in [Identity, Boundary, Session, ServiceControl] {
        check_refused(kind, &whole("", &[own.clone(), other.clone()]), None);
        check_refused(kind, &whole(id, std::slice::from_ref(&own)), Some("Id"));
        check_refused(kind, &whole("", &[own.clone(), other.replace("\"b\"", "\"a\"")]), Some("Statement[1] (Sid \"a\")"));
        check_refused(kind, &whole("", &[other.clone(), own.replace("\"a\"", "\"a-\"")]), Some("Statement[1] (Sid \"a-\").Sid"));
    }
    let everyone = r#""Principal":"*","#;
    check_refused(Trust, &whole(id, &[allow("a", everyone, "")]), None);
    check_refused(Trust, &whole("", &[allow("a", everyone, all)]), Some("Statement[0] (Sid \"a\").Resource"));
    check_refused(Resource, &whole(id, &[allow("a-b", everyone, all)]), None);
    check_refused(Resource, &whole("", &[allow("a", everyone, all), allow("a", everyone, all).replace("s3:*", "s3:Get*")]), Some("Statement[1] (Sid \"a\")"));
    check_refused(Resource, &whole("", &[own]), Some("Statement[0] (Sid \"a\")"));
    let full = r#"{"Principal":"*","Effect":"Allow","Action":"*","Resource":"*"}"#.to_owned();
    let deny = full.replace("Allow", "Deny").replace("\"*\",\"Res", "\"s3:*\",\"Res");
    check_refused(ResourceControl, &whole("", std::slice::from_ref(&full)), None);
    check_refused(ResourceControl, &whole("", &[deny, full]), Some("Statement[1].Effect"));
}

#[test]
#[rustfmt::skip]
fn what_is_too_long_is_an_error() {
    #[track_caller]
    fn check(kind: DocumentKind, max: usize, white_space_counts: bool) {
        let principal = if matches!(kind, Resource | Trust | ResourceControl) { r#""Principal":"*","# } else { "" };
        let resource = if kind == Trust { "" } else { r#","Resource":"*""# };
        let of = |space: usize, length: usize| {
            let head = format!(r#"{{{}"Version":"2012-10-17","Statement":[{{{principal}"Effect":"Deny","Action":["s3:"#, " ".repeat(space));
            let tail = format!(r#""]{resource}}}]}}"#);
            format!("{head}{}{tail}", "a".repeat(length - head.len() - tail.len()))
        };
        check_refused(kind, &of(0, max), None);
        check_refused(kind, &of(0, max + 1), Some("the document"));
        check_refused(kind, &of(9, max + 9), white_space_counts.then_some("the document"));
    }
    check(Identity,        6_144,  false);
    check(Boundary,        6_144,  false);
    check(Trust,           2_048,  false);
    check(Session,         2_048,  true);
    check(ServiceControl,  5_120,  true);
    check(ResourceControl, 5_120,  true);
    check(Resource,        20_480, false);
}

#[test]
#[rustfmt::skip]
fn statements_are_judged_together() {
    let on = |arn: &str| json!({"Effect": "Allow", "Action": "s3:*", "Resource": arn});
    let of = |arns: &[&str]| {
        let statements: Vec<Value> = arns.iter().map(|arn| on(arn)).collect();
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    };
    let (a, b, c) = ("arn:aws:s3:::logs-a", "arn:aws:s3:::logs-b", "arn:aws:s3:::logs-c");
    check_document("duplicate",      &of(&[a, a]),                     true);
    check_document("duplicate",      &of(&[a, "arn:aws:s3:::*"]),      false);
    check_document("covered",        &of(&[a, "arn:aws:s3:::*"]),      true);
    check_document("covered",        &of(&[a, b]),                     false);
    check_document("mergeable",      &of(&[a, b]),                     true);
    check_document("mergeable",      &of(&[a]),                        false);
    check_document("wildcard-merge", &of(&[a, b, c]),                  true);
    check_document("wildcard-merge", &of(&[a, b, "arn:aws:s3:::x"]),   false);
}

#[test]
fn every_rule_has_rows_of_both_kinds() {
    let elsewhere = [
        "invalid-json",
        "too-long",
        "no-statements",
        "no-version",
        "variables-2008",
        "duplicate",
        "covered",
        "mergeable",
        "wildcard-merge",
    ]
    .map(|rule| (rule, true));
    let elsewhere = elsewhere.iter().copied().chain(elsewhere.map(|(rule, _)| (rule, false)));
    let tried: BTreeSet<_> = rows().into_iter().map(|(rule, .., fires)| (rule, fires)).collect();
    let tried: BTreeSet<_> = tried.into_iter().chain(elsewhere).collect();
    let rules = RULES.iter().flat_map(|rule| [(rule.code, false), (rule.code, true)]);
    assert_eq!(tried, rules.collect());
}

#[test]
fn what_can_be_read_is_examined_although_other_parts_cannot() {
    let document = json!({"Version": "1", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringIs": {"a": "b"}}},
        {"Sid": "b", "Effect": "Permit", "Action": "*", "Resource": "*"},
        {"Sid": "c", "Effect": "Allow", "Action": [], "Resource": "x"},
    ]});
    let got: Vec<_> = findings(Identity, &document.to_string())
        .into_iter()
        .map(|f| (f.rule, f.spot.text()))
        .collect();
    let got: Vec<_> = got.iter().map(|(rule, spot)| (*rule, spot.as_str())).collect();
    assert_eq!(
        got,
        [
            ("invalid-document", "Version"),
            ("invalid-document", "Statement[0].Condition"),
            ("invalid-document", "Statement[1].Effect"),
            ("invalid-document", "Statement[2] (Sid \"c\").Resource"),
            ("empty-list", "Statement[2] (Sid \"c\").Action"),
        ]
    );
}

#[test]
fn findings_write_themselves_for_programs_and_people() {
    let parts = json!({"Condition": {"StringEquals": {"aws:username": "a*\u{1b}"}}});
    let found = findings(Identity, &document(Identity, &parts).to_string());
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        json!([{
            "rule": "wildcard-in-equals", "severity": "warning", "statement": 0, "sid": "a",
            "element": "Condition.StringEquals.aws:username", "value": "a*\u{1b}",
            "message": "The operator takes * and ? literally.",
            "remedy": "Use StringLike (or StringNotLike), or ${*} if the character is meant.",
        }])
    );
    let plain = findings_text(&found, Style::Plain);
    assert_eq!(
        plain,
        "warning[wildcard-in-equals] Statement[0] (Sid \"a\").Condition.StringEquals.aws:username \
         \"a*\\u{1b}\"\n  The operator takes * and ? literally.\n  remedy: Use StringLike (or \
         StringNotLike), or ${*} if the character is meant.\n0 errors, 1 warning, 0 notes\n"
    );
    let coloured = findings_text(&found, Style::Ansi);
    assert!(coloured.contains("\u{1b}[33mwarning[wildcard-in-equals]\u{1b}[0m"), "{coloured}");
}

#[test]
fn errors_come_first_and_warnings_before_notes() {
    let parts =
        json!({"Sid": "", "Action": [], "Condition": {"StringEquals": {"aws:TagKeys": "a"}}});
    let found = findings(Identity, &document(Identity, &parts).to_string());
    let severities: Vec<_> = found.iter().map(|f| f.severity).collect();
    assert!(severities.is_sorted(), "{severities:?}");
    assert_eq!(severities.first(), Some(&Severity::Error));
}
