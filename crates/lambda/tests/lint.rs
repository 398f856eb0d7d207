//! Every rule of lint that knows Lambda: rows on which it fires, and rows on which it must not.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use portcullis_iam::DocumentKind;
use portcullis_iam::analysis::{Finding, RULES, Severity};
use portcullis_lambda::{
    CONFUSED_DEPUTY, Facts, LAMBDA_ACTIONS, LAMBDA_KEYS, LAMBDA_RULES, Statement, lint, lint_grant,
};
use serde_json::{Value, json};

const ORDERS: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";

fn findings(statements: &[Value]) -> Vec<Finding> {
    let document = json!({"Version": "2012-10-17", "Id": "default", "Statement": statements});
    let is_called = |arn: &str| arn.starts_with(ORDERS).then(|| arn.ends_with(":prod"));
    let facts = Facts { is_called: &is_called, ..Facts::default() };
    lint(DocumentKind::Resource, &document.to_string(), &facts)
}

/// An Allow for `principal` of `action` on the alias that callers use.
fn allow(principal: &Value, action: &str, condition: &Value) -> Value {
    let resource = format!("{ORDERS}:prod");
    json!({"Sid": "s", "Effect": "Allow", "Principal": principal, "Action": action,
           "Resource": resource, "Condition": condition})
}

fn invoke(principal: &Value, condition: &Value) -> Value {
    allow(principal, "lambda:InvokeFunction", condition)
}

fn by(service: &str, condition: &Value) -> Value {
    invoke(&json!({"Service": service}), condition)
}

fn on(resource: &str) -> Value {
    let mut statement = invoke(&json!({"AWS": "111111111111"}), &json!({}));
    statement["Resource"] = json!(resource);
    statement
}

/// The rule, the statements, whether the rule fires.
type Row = (&'static str, Vec<Value>, bool);

#[rustfmt::skip]
fn rows_about_sources() -> Vec<Row> {
    let s3 = |condition: Value| vec![by("s3.amazonaws.com", &condition)];
    let (all, alice) = (json!("*"), json!({"AWS": "arn:aws:iam::222222222222:user/alice"}));
    let plain = json!({});
    let skill = json!({"StringEquals": {"lambda:EventSourceToken": "t"}});
    let topic = json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:us-east-1:111111111111:t"}});
    let deny = |mut statement: Value| { statement["Effect"] = json!("Deny"); statement };
    vec![
        ("confused-deputy", s3(json!({})), true),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceArn": "*"}})), true),
        ("confused-deputy", s3(json!({"StringEqualsIfExists": {"AWS:SourceAccount": "111111111111"}})), true),
        ("confused-deputy", s3(json!({"StringNotEquals": {"AWS:SourceAccount": "111111111111"}})), true),
        ("confused-deputy", s3(json!({"Null": {"AWS:SourceArn": "false"}})), true),
        ("confused-deputy", s3(json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})), true),
        ("confused-deputy", vec![by("alexa-appkit.amazon.com", &plain)], true),
        ("confused-deputy", vec![by("alexa-appkit.amazon.com", &skill)], false),
        ("confused-deputy", s3(json!({"StringEquals": {"AWS:SourceAccount": "111111111111"}})), false),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}})), false),
        ("confused-deputy", s3(json!({"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}})), false),
        ("confused-deputy", vec![by("alexa-appkit.amazon.com", &json!({"StringLike": {"lambda:EventSourceToken": "amzn1.ask.skill.*"}}))], true),
        ("confused-deputy", s3(skill.clone()), true),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceAccount": "?*"}})), true),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceAccount": "????????????"}})), true),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceAccount": "1111*"}})), true),
        ("confused-deputy", s3(json!({"StringEquals": {"AWS:SourceAccount": ["111111111111", "${aws:SourceAccount}"]}})), true),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceAccount": "${aws:sourceaccount}"}})), true),
        ("confused-deputy", s3(json!({"StringEquals": {"AWS:SourceAccount": "${aws:SourceAccount, '1'}"}})), true),
        ("confused-deputy", s3(json!({"NumericGreaterThan": {"AWS:SourceAccount": "1"}})), true),
        ("confused-deputy", s3(json!({"StringLike": {"aws:SourceOrgID": "o-*"}})), true),
        ("confused-deputy", s3(json!({"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-*/r-1/*"}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::*"}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b*/key"}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": ["arn:aws:s3:::b", "arn:aws:s3:::?"]}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::${aws:SourceAccount}"}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:us-east-1::*"}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1::*"}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:*:*:*"}})), true),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:us-east-1:11111111111?:t"}})), true),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceArn": "arn:*"}})), true),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceArn": "arn:aws:logs:*:111111111111:*"}})), true),
        ("confused-deputy", s3(json!({"StringEquals": {"AWS:SourceArn": "arn:aws:sns:us-east-1:${aws:SourceAccount}:t"}})), true),
        ("confused-deputy", vec![invoke(&all, &json!({"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}}))], true),
        ("confused-deputy", vec![invoke(&all, &json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}))], true),
        ("confused-deputy", vec![invoke(&all, &json!({"ForAnyValue:StringEquals": {"aws:PrincipalServiceNamesList": "sns.amazonaws.com"}}))], true),
        ("confused-deputy", vec![invoke(&all, &json!({"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com", "aws:SourceAccount": "111111111111"}}))], false),
        ("confused-deputy", vec![invoke(&all, &json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}))], false),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:*:111111111111:*"}})), false),
        ("confused-deputy", s3(json!({"StringLike": {"AWS:SourceArn": "arn:aws:sns:us-east-1:111111111111:*"}})), false),
        ("confused-deputy", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b/*"}})), false),
        ("confused-deputy", s3(json!({"StringEquals": {"AWS:SourceAccount": "${aws:ResourceAccount}"}})), false),
        ("confused-deputy", s3(json!({"StringEquals": {"aws:SourceOrgID": "${aws:ResourceOrgID}"}})), false),
        ("confused-deputy", s3(json!({"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-a1b2c3d4e5/*"}})), false),
        ("confused-deputy", s3(json!({"ForAllValues:StringLike": {"aws:SourceOrgPaths": "o-a1b2c3d4e5/*"}, "Null": {"aws:SourceOrgPaths": "false"}})), false),
        ("confused-deputy", s3(json!({"StringEqualsIfExists": {"AWS:SourceAccount": "111111111111"}, "Null": {"aws:SourceAccount": "false"}})), false),
        ("confused-deputy", vec![invoke(&alice, &plain)], false),
        ("confused-deputy", vec![deny(by("s3.amazonaws.com", &plain))], false),

        ("source-arn-without-account", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}})), true),
        ("source-arn-without-account", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}, "StringEquals": {"AWS:SourceAccount": "111111111111"}})), false),
        ("source-arn-without-account", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}, "StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}})), false),
        ("source-arn-without-account", s3(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}, "StringLike": {"AWS:SourceAccount": "*"}})), true),
        ("source-arn-without-account", vec![by("sns.amazonaws.com", &topic)], false),
    ]
}

#[rustfmt::skip]
fn rows_about_calls() -> Vec<Row> {
    let s3 = |condition: Value| vec![by("s3.amazonaws.com", &condition)];
    let api = |resource: &str| vec![by("apigateway.amazonaws.com", &json!({
        "ArnLike": {"AWS:SourceArn": format!("arn:aws:execute-api:us-east-1:111111111111:{resource}")}}))];
    let (all, alice) = (json!("*"), json!({"AWS": "arn:aws:iam::222222222222:user/alice"}));
    let plain = json!({});
    let skill = json!({"StringEquals": {"lambda:EventSourceToken": "t"}});
    let topic = json!({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:us-east-1:111111111111:t"}});
    let none = json!({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}});
    let url = |who: &Value, kind: &str| allow(who, "lambda:InvokeFunctionUrl", &json!({"StringEquals": {"lambda:FunctionUrlAuthType": kind}}));
    let via = |who: &Value| invoke(who, &json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}));
    let without_action = |mut statement: Value| {
        let action = statement.as_object_mut().unwrap().remove("Action");
        statement["NotAction"] = action.unwrap();
        statement
    };
    let deny = |mut statement: Value| { statement["Effect"] = json!("Deny"); statement };
    vec![
        ("execute-api-source-arn", api("a1b2c3/prod/ANY/orders"), true),
        ("execute-api-source-arn", api("a1b2c3/*/*/{proxy+}"), true),
        ("execute-api-source-arn", api("a1b2c3/GET/orders"), true),
        ("execute-api-source-arn", api("a1b2c3/prod"), true),
        ("execute-api-source-arn", api("a1b2c3"), true),
        ("execute-api-source-arn", api("a1b2c3/*/*/*"), true),
        ("execute-api-source-arn", api("a1b2c3/*/*"), false),
        ("execute-api-source-arn", api("a1b2c3/*"), false),
        ("execute-api-source-arn", api("*"), false),
        ("execute-api-source-arn", api("*/GET/orders"), false),
        ("execute-api-source-arn", api("a1b2c3/prod/GET/orders"), false),
        ("execute-api-source-arn", api("a1b2c3/*/*/orders/*"), false),
        ("execute-api-source-arn", api("a1b2c3/$default/$default"), false),
        ("execute-api-source-arn", vec![by("sns.amazonaws.com", &topic)], false),

        ("url-without-invoke", vec![url(&all, "NONE")], true),
        ("url-without-invoke", vec![url(&all, "NONE"), via(&alice)], true),
        ("url-without-invoke", vec![url(&all, "NONE"), deny(via(&all))], true),
        ("url-without-invoke", vec![url(&all, "NONE"), via(&all)], false),
        ("url-without-invoke", vec![url(&alice, "AWS_IAM"), via(&all)], false),
        ("url-without-invoke", vec![url(&alice, "AWS_IAM"), invoke(&alice, &plain)], false),
        ("url-without-invoke", vec![allow(&alice, "lambda:*", &plain)], false),
        ("invoke-without-url", vec![via(&alice)], true),
        ("invoke-without-url", vec![via(&alice), url(&json!({"AWS": "222222222222"}), "AWS_IAM")], true),
        ("invoke-without-url", vec![via(&all), url(&alice, "AWS_IAM")], false),
        ("invoke-without-url", vec![via(&alice), url(&all, "AWS_IAM")], false),
        ("invoke-without-url", vec![invoke(&alice, &plain)], false),
        ("url-opens-invoke", vec![url(&all, "NONE"), invoke(&all, &plain)], true),
        ("url-opens-invoke", vec![url(&all, "NONE"), via(&all), invoke(&all, &plain)], false),
        ("url-opens-invoke", vec![url(&alice, "AWS_IAM"), invoke(&alice, &plain)], false),
        ("url-opens-invoke", vec![invoke(&all, &plain)], false),

        ("public-url", vec![url(&all, "NONE")], true),
        ("public-url", vec![via(&all)], true),
        ("public-url", vec![url(&all, "AWS_IAM")], false),
        ("public-grant", vec![url(&all, "AWS_IAM")], true),
        ("public-grant", vec![url(&all, "NONE")], false),
        ("public-grant", vec![allow(&all, "lambda:*", &none)], true),
        ("public-grant", vec![without_action(url(&all, "NONE"))], true),
        ("public-grant", vec![invoke(&all, &skill)], false),

        ("address-not-called", vec![on(ORDERS)], true),
        ("address-not-called", vec![on(&format!("{ORDERS}:7"))], true),
        ("address-not-called", vec![on(&format!("{ORDERS}:prod"))], false),
        ("address-not-called", vec![on(&format!("{ORDERS}:*"))], false),
        ("address-not-called", vec![on("arn:aws:lambda:us-east-1:111111111111:function:other")], false),
        ("name-prefix", vec![on(&format!("{ORDERS}*"))], true),
        ("name-prefix", vec![on(&format!("{ORDERS}:*"))], false),
        ("name-prefix", vec![on("arn:aws:lambda:us-east-1:111111111111:function:*")], false),
        ("name-prefix", vec![on("arn:aws:s3:::function:a*")], false),

        ("impossible-condition", vec![invoke(&alice, &none)], true),
        ("impossible-condition", vec![allow(&alice, "lambda:GetFunction", &none)], true),
        ("impossible-condition", vec![invoke(&alice, &json!({"ForAnyValue:StringEquals": {"lambda:Layer": "l"}}))], true),
        ("impossible-condition", vec![invoke(&alice, &json!({"StringNotEquals": {"lambda:VpcIds": "vpc-1"}}))], true),
        ("impossible-condition", vec![allow(&alice, "lambda:GetFunction", &json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}))], true),
        ("impossible-condition", vec![allow(&alice, "lambda:CreateFunction", &json!({"StringEquals": {"lambda:VpcIds": "vpc-1"}}))], false),
        ("impossible-condition", vec![allow(&alice, "lambda:*", &none)], false),
        ("impossible-condition", vec![url(&alice, "AWS_IAM")], false),
        ("impossible-condition", vec![via(&alice)], false),

        ("not-taken", vec![], true),
        ("not-taken", vec![invoke(&alice, &plain)], false),

        ("unknown-action", vec![allow(&alice, "lambda:InvokeFuncton", &plain)], true),
        ("unknown-action", vec![allow(&alice, "lambda:InvokeFunctionUrl", &plain)], false),
        ("unknown-key", s3(json!({"StringEquals": {"lambda:EventSourceTokn": "t"}})), true),
        ("unknown-key", s3(json!({"StringEquals": {"lambda:eventsourcetoken": "t"}})), false),
    ]
}

fn rows() -> Vec<Row> {
    [rows_about_sources(), rows_about_calls()].concat()
}

#[test]
fn each_rule_fires_where_it_has_to_and_nowhere_else() {
    for (rule, statements, want) in rows() {
        let found = findings(&statements);
        let fires = found.iter().any(|finding| finding.rule == rule);
        assert_eq!(fires, want, "{rule} on {statements:#?}: {found:#?}");
    }
}

#[test]
fn every_rule_has_rows_of_both_kinds() {
    let tried: BTreeSet<_> = rows().into_iter().map(|(rule, _, fires)| (rule, fires)).collect();
    for rule in LAMBDA_RULES {
        let both = [true, false].iter().all(|fires| tried.contains(&(rule.code, *fires)));
        assert!(both, "{rule:?}");
    }
}

#[test]
fn codes_are_unique() {
    let codes: Vec<_> = RULES.iter().chain(LAMBDA_RULES).map(|rule| rule.code).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "{codes:?}");
    for key in &LAMBDA_KEYS {
        let known = |action: &&str| LAMBDA_ACTIONS.contains(action);
        assert!(key.actions.is_none_or(|all| all.iter().all(known)), "{key:?}");
    }
    let keys = LAMBDA_KEYS.iter().map(|key| key.name);
    assert_eq!(keys.clone().collect::<BTreeSet<_>>().len(), keys.count());
}

#[test]
fn confused_deputies_come_before_errors() {
    let broken = json!({"Sid": "not legal", "Effect": "Allow", "Principal": "*", "Action": "*"});
    let found = findings(&[broken, by("s3.amazonaws.com", &json!({}))]);
    let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules.first(), Some(&"confused-deputy"), "{rules:?}");
    assert!(rules.contains(&"invalid-document"), "{rules:?}");
}

/// What lint says about a statement as AddPermission writes it.
fn grant(statement: &Value) -> Vec<Finding> {
    lint_grant(&Statement::from_json(&statement.to_string()).unwrap(), &Facts::default())
}

#[test]
fn a_grant_is_judged_alone() {
    let open = grant(&by("s3.amazonaws.com", &json!({"Bool": {"aws:SecureTransport": "true"}})));
    let [finding] = open.as_slice() else { panic!("{open:#?}") };
    assert_eq!((finding.rule, finding.severity), (CONFUSED_DEPUTY.code, Severity::Warning));
    assert_eq!(finding.spot.text(), "Sid \"s\".Principal.Service \"s3.amazonaws.com\"");
    let account = json!({"AWS": "arn:aws:iam::222222222222:root"});
    let half = allow(&account, "lambda:InvokeFunctionUrl", &json!({}));
    assert_eq!(grant(&half), [], "its other half may be on its way");
}
