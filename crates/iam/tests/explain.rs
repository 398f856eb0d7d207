//! Explanations as a person reads them: one row for each kind of miss and of remedy.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use portcullis_iam::analysis::Style;
use portcullis_iam::explain::DocumentReference;
use portcullis_iam::{
    DocumentKind, MapContext, Narrowing, Policies, Policy, Principal, Request, explain,
};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";
const NARROWING: [Narrowing; 2] = [
    Narrowing { operator: "ArnLike", key: "AWS:SourceArn" },
    Narrowing { operator: "StringEquals", key: "AWS:SourceAccount" },
];

/// A call of `lambda:InvokeFunction` on the function `orders`.
struct Row<'r> {
    caller: &'r str,
    context: &'r [(&'r str, &'r str)],
    /// Statements.
    identity: Option<&'r str>,
    resource: Option<&'r str>,
}

impl Row<'_> {
    fn told<R>(&self, tell: impl FnOnce(&portcullis_iam::Explanation<'_>) -> R) -> R {
        let parse = |kind, statement: &str| {
            let json = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            Policy::parse(kind, &json).unwrap()
        };
        let identity = self.identity.map(|one| parse(DocumentKind::Identity, one));
        let resource = self.resource.map(|one| parse(DocumentKind::Resource, one));
        let mut context = MapContext::new();
        self.context.iter().for_each(|(key, value)| context.insert(key, *value));
        let request = Request {
            principal: &Principal::parse(self.caller).unwrap(),
            action: "lambda:InvokeFunction",
            resource: FUNCTION,
            resource_account: "111111111111",
            context: &context,
        };
        let (identity, resource): (Vec<_>, Vec<_>) =
            (identity.iter().collect(), resource.iter().collect());
        let policies = Policies { identity: &identity, resource: &resource, ..Policies::default() };
        tell(&explain(&request, &policies, &NARROWING))
    }

    #[track_caller]
    fn check(&self, want: &str) {
        let text = self.told(|told| told.text(Style::Plain));
        let text: Vec<&str> = text.lines().skip(5).collect();
        let want: Vec<&str> =
            want.lines().map(|line| line.strip_prefix("        ").unwrap_or(line)).collect();
        assert_eq!(text.join("\n").trim(), want.join("\n").trim());
    }
}

const S3_GRANT: &str = r#"{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders","Condition":{"StringEquals":{"AWS:SourceAccount":"111111111111"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos/*"}}}"#;

#[test]
fn a_condition_that_missed_is_told_with_where_it_parts() {
    let source =
        [("aws:SourceArn", "arn:aws:s3:::photos-old"), ("aws:SourceAccount", "111111111111")];
    Row { caller: "s3.amazonaws.com", context: &source, identity: None, resource: Some(S3_GRANT) }.check(
        r#"
        service control policy  none
        resource control policy none
        resource-based policy   silent
        identity-based policy   does not concern this caller
        permissions boundary    none
        session policy          none

        Nearest: statement "s3" of resource-based policy 1 would allow it, but for one part
          condition ArnLike AWS:SourceArn
            expected  arn:aws:s3:::photos/*
            actual    arn:aws:s3:::photos-old
            they part at byte 19: /* | -old

        To allow it, add to a resource-based policy:
          {"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos-old"},"StringEquals":{"AWS:SourceAccount":"111111111111"}}}
        "#,
    );
}

#[test]
fn a_key_that_is_missing_is_told_so() {
    let source = [("aws:SourceArn", "arn:aws:s3:::photos/x")];
    let row = Row {
        caller: "s3.amazonaws.com",
        context: &source,
        identity: None,
        resource: Some(S3_GRANT),
    };
    let text = row.told(|told| told.text(Style::Plain));
    assert!(text.contains("  condition StringEquals AWS:SourceAccount\n    expected  111111111111\n    actual    (not in the request)\n"), "{text}");
}

#[test]
fn one_account_has_two_ways_and_two_accounts_have_one() {
    let alice = "arn:aws:iam::111111111111:user/alice";
    Row { caller: alice, context: &[], identity: None, resource: None }.check(
        r#"
        service control policy  none
        resource control policy none
        resource-based policy   silent
        identity-based policy   silent
        permissions boundary    none
        session policy          none

        To allow it, add to an identity-based policy:
          {"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders"}

        Or add to a resource-based policy:
          {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/alice"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders"}
        "#,
    );
    let bob = "arn:aws:iam::222222222222:user/bob";
    let own = r#"{"Effect":"Allow","Action":"lambda:*","Resource":"*"}"#;
    let delegated = r#"{"Sid":"other","Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"lambda:InvokeFunction","Resource":"*"}"#;
    Row { caller: bob, context: &[], identity: Some(own), resource: Some(delegated) }.check(
        r#"
        service control policy  none
        resource control policy none
        resource-based policy   silent
        identity-based policy   allows
          allows: statement 1 of identity-based policy 1
        permissions boundary    none
        session policy          none

        Nearest: statement "other" of resource-based policy 1 would allow it, but for one part
          principal
            expected  AWS 333333333333
            actual    arn:aws:iam::222222222222:user/bob

        To allow it, add to a resource-based policy:
          {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/bob"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders"}
        "#,
    );
}

#[test]
fn a_session_is_granted_by_its_role_with_the_path_that_the_request_tells() {
    let context = [("aws:PrincipalArn", "arn:aws:iam::222222222222:role/team/worker")];
    let session = "arn:aws:sts::222222222222:assumed-role/worker/night";
    let row = Row { caller: session, context: &context, identity: None, resource: None };
    let principals = row.told(|told| {
        let grants = told.ways.iter().flat_map(|way| &way.grants);
        grants.filter_map(|grant| grant.principal.clone()).collect::<Vec<_>>()
    });
    assert_eq!(principals, [("AWS", "arn:aws:iam::222222222222:role/team/worker".to_owned())]);
}

#[test]
fn a_deny_is_named_and_no_grant_pretended() {
    let deny = r#"{"Sid":"no","Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"*"}"#;
    let root = "arn:aws:iam::111111111111:root";
    let row = Row { caller: root, context: &[], identity: None, resource: Some(deny) };
    row.check(
        r#"
        service control policy  none
        resource control policy none
        resource-based policy   denies
          denies: statement "no" of resource-based policy 1
        identity-based policy   does not concern this caller
        permissions boundary    none
        session policy          none

        To allow it, change or remove what denies: no grant outweighs a Deny.
        "#,
    );
    let first = row.told(|told| told.text(Style::Plain).lines().next().unwrap().to_owned());
    assert_eq!(first, "Denied: a resource-based policy denies it");
}

#[test]
fn documents_have_the_names_that_they_are_given() {
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let alice = "arn:aws:iam::111111111111:user/alice";
    let row = Row { caller: alice, context: &[], identity: Some(allow), resource: None };
    let text = row.told(|told| {
        let name = |at: DocumentReference| Some(format!("policy {}", at.document));
        told.clone().named(name).text(Style::Plain)
    });
    assert!(
        text.starts_with("Allowed\n  caller    arn:aws:iam::111111111111:user/alice\n"),
        "{text}"
    );
    assert!(text.contains("  allows: statement 1 of policy 0\n"), "{text}");
}

#[test]
fn json_has_the_fields_that_are_documented() {
    let source = [("aws:SourceArn", "arn:aws:s3:::other")];
    let row = Row {
        caller: "s3.amazonaws.com",
        context: &source,
        identity: None,
        resource: Some(S3_GRANT),
    };
    let json = row.told(|told| serde_json::to_value(told).unwrap());
    assert_eq!(json["decision"], "ImplicitlyDenied");
    assert_eq!(json["policy_type"], "resource-based policy");
    assert_eq!(json["nearest"]["sid"], "s3");
    assert_eq!(json["nearest"]["written"]["Effect"], "Allow");
    let miss = &json["nearest"]["misses"][0];
    assert_eq!(miss["part"], "condition");
    assert_eq!(miss["operator"], "StringEquals");
    assert_eq!(miss["actual"], serde_json::Value::Null);
    let other = &json["nearest"]["misses"][1];
    assert_eq!(other["parting"]["at"], 13);
    assert_eq!(
        json["ways"][0]["grants"][0]["statement"]["Principal"]["Service"],
        "s3.amazonaws.com"
    );
    assert_eq!(json["trace"][2]["verdict"], "silent");
}
