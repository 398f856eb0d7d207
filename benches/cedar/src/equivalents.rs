//! The shapes as Cedar's policies: the same statements, one policy each.
//!
//! A caller is an entity that is in its account; an action is in those groups that wildcards name;
//! a condition tests that its key is there, as IAM's do by themselves.

use cedar_policy::{Context, Entities, EntityUid, PolicySet, Request};

use crate::shapes::{ACCOUNT, FUNCTION, USER, nth};

/// A policy set and the request that it decides.
pub(crate) struct Equivalent {
    pub(crate) policies: PolicySet,
    pub(crate) request: Request,
    pub(crate) entities: Entities,
}

/// The equivalent of a shape, where Cedar has one.
pub(crate) fn of(shape: &str) -> Option<Equivalent> {
    let (user, s3) = (format!("User::\"{USER}\""), service("s3"));
    let function = format!("resource == Function::\"{FUNCTION}\"");
    let one = format!("permit(principal == {user}, {INVOKE}, {function});");
    let to_s3 = format!("permit(principal == {s3}, {INVOKE}, {function});");
    let buckets = || many(72, bucket_grant);
    let (policies, caller, context) = match shape {
        "one_statement" => (one, user, of_user()),
        "one_grant" => (to_s3, s3, of_source("arn:aws:s3:::bucket-1")),
        "typical_user" => (own() + &five_grants(), user, of_user()),
        "typical_service" => (five_grants(), s3, of_source("arn:aws:s3:::bucket-1")),
        "typical_stranger" => (five_grants(), service("sns"), of_source("arn:aws:s3:::bucket-1")),
        "full_by_bucket" => (buckets(), s3, of_source("arn:aws:s3:::bucket-60")),
        "full_by_bucket_missing" => (buckets(), s3, of_source("arn:aws:s3:::bucket-800")),
        "full_by_bucket_user" => (own() + &buckets(), user, of_user()),
        "full_by_principal" => {
            let role =
                |n| format!("permit(principal in Role::\"caller-{n}\", {INVOKE}, {function});");
            (many(89, role), "Session::\"caller-7/s\"".to_owned(), of_source(""))
        }
        "full_deny_words" => (deny_words(), user, of_user()),
        _ => return None,
    };
    Some(equivalent(&policies, &caller, &context))
}

const INVOKE: &str = "action == Action::\"lambda:InvokeFunction\"";

fn service(name: &str) -> String {
    format!("Service::\"{name}.amazonaws.com\"")
}

fn many(count: usize, policy: impl Fn(usize) -> String) -> String {
    (0..count).map(policy).collect()
}

fn equivalent(policies: &str, caller: &str, context: &str) -> Equivalent {
    let entities = format!(
        r#"[{{"uid":{{"type":"User","id":"{USER}"}},"attrs":{{}},"parents":[{{"type":"Account","id":"{ACCOUNT}"}}]}},
            {{"uid":{{"type":"Session","id":"caller-7/s"}},"attrs":{{}},"parents":[{{"type":"Role","id":"caller-7"}}]}},
            {{"uid":{{"type":"Action","id":"lambda:InvokeFunction"}},"attrs":{{}},
              "parents":[{{"type":"Action","id":"lambda:*"}}]}},
            {{"uid":{{"type":"Function","id":"{FUNCTION}"}},"attrs":{{"arn":"{FUNCTION}"}},"parents":[]}}]"#
    );
    let uid = |text: &str| text.parse::<EntityUid>().expect("an entity");
    let request = Request::new(
        uid(caller),
        uid("Action::\"lambda:InvokeFunction\""),
        uid(&format!("Function::\"{FUNCTION}\"")),
        Context::from_json_str(context, None).expect("a context"),
        None,
    );
    Equivalent {
        policies: policies.parse().unwrap_or_else(|error| panic!("{error}: {policies}")),
        request: request.expect("a request"),
        entities: Entities::from_json_str(&entities, None).expect("entities"),
    }
}

fn of_user() -> String {
    format!(
        r#"{{"sourceIp":{{"__extn":{{"fn":"ip","arg":"203.0.113.7"}}}},"secureTransport":true,
            "username":"alice","principalArn":"{USER}","requestedRegion":"us-east-1"}}"#
    )
}

fn of_source(arn: &str) -> String {
    format!(r#"{{"sourceArn":"{arn}","sourceAccount":"{ACCOUNT}","secureTransport":true}}"#)
}

/// What the user may.
fn own() -> String {
    let user = format!("principal == User::\"{USER}\"");
    format!(
        r#"permit({user}, action in [Action::"lambda:Get*", Action::"lambda:List*"], resource);
        permit({user}, {INVOKE}, resource)
        when {{ resource.arn like "arn:aws:lambda:*:111111111111:function:*"
            && context has secureTransport && context.secureTransport
            && context has sourceIp && context.sourceIp.isInRange(ip("203.0.113.0/24")) }};
        forbid({user}, action in Action::"lambda:Delete*", resource);"#
    )
}

fn bucket_grant(n: usize) -> String {
    let arn = format!(r#"context.sourceArn like "arn:aws:s3:::bucket-{n}""#);
    grant(
        &format!("principal == {}", service("s3")),
        INVOKE,
        &format!(
            r#"context has sourceAccount && context.sourceAccount == "{ACCOUNT}" && context has sourceArn && {arn}"#
        ),
    )
}

fn grant(principal: &str, action: &str, condition: &str) -> String {
    format!(
        "permit({principal}, {action}, resource == Function::\"{FUNCTION}\") when {{ {condition} }};"
    )
}

fn five_grants() -> String {
    let source = |name: &str, pattern: &str| {
        let condition = format!("context has sourceArn && context.sourceArn like \"{pattern}\"");
        grant(&format!("principal == {}", service(name)), INVOKE, &condition)
    };
    let route = "arn:aws:execute-api:us-east-1:111111111111:a1b2c3d4e5/*/GET/orders1";
    let organization = r#"context has principalOrgId && context.principalOrgId == "o-a1b2c3d4e5""#;
    let url = r#"context has functionUrlAuthType && context.functionUrlAuthType == "NONE""#;
    [
        bucket_grant(1),
        source("apigateway", route),
        source("events", "arn:aws:events:us-east-1:111111111111:rule/nightly"),
        grant("principal in Account::\"222222222222\"", INVOKE, organization),
        grant("principal", "action == Action::\"lambda:InvokeFunctionUrl\"", url),
    ]
    .concat()
}

/// The list of names that are denied, and all else allowed.
fn deny_words() -> String {
    let user = format!("principal == User::\"{USER}\"");
    let words = ["payments", "mailers", "returns", "reports", "admin", "audit", "trades"];
    let deny = |n: usize| {
        let pattern =
            format!("arn:aws:lambda:*:*:function:{}-{}-*", nth(&words, n), nth(&words, n / 7));
        format!(
            "forbid({user}, action in Action::\"lambda:*\", resource) when {{ resource.arn like \"{pattern}\" }};"
        )
    };
    many(197, deny) + &format!("permit({user}, action, resource);")
}
