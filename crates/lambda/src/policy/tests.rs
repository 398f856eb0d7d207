//! The laws of resource policies: what a grant writes, what is refused, in which order.

use portcullis_iam::{
    Decision, Identified, MapContext, NoEntities, Policies, Policy, Principal, Request,
    ResourceRule, decide,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{FunctionArn, GrantInput, LayerGrantInput};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn function() -> FunctionArn {
    ARN.parse().unwrap()
}

fn whole() -> Target {
    Target::unqualified(function())
}

fn revision(number: u128) -> RevisionId {
    RevisionId::new(Uuid::from_u128(number))
}

fn input(sid: &str, principal: &str) -> GrantInput {
    GrantInput {
        statement_id: sid.into(),
        action: "lambda:InvokeFunction".into(),
        principal: principal.into(),
        ..GrantInput::default()
    }
}

fn grant(input: &GrantInput) -> Grant {
    input.try_into().unwrap()
}

/// Adds to `current` with fresh revision 2, while the function itself is at revision 1.
fn add(
    current: Option<&ResourcePolicy>,
    input: &GrantInput,
) -> Result<ResourcePolicy, LambdaError> {
    ResourcePolicy::add(
        current,
        &whole(),
        revision(1),
        &grant(input),
        None,
        revision(2),
        &NoEntities,
    )
}

fn policy(inputs: &[GrantInput]) -> ResourcePolicy {
    let start = add(None, &inputs[0]).unwrap();
    inputs[1..].iter().fold(start, |policy, input| add(Some(&policy), input).unwrap())
}

#[track_caller]
fn check_statement(target: &Target, input: &GrantInput, want: &str) {
    let added = ResourcePolicy::add(
        None,
        target,
        revision(1),
        &grant(input),
        None,
        revision(2),
        &NoEntities,
    );
    let policy = added.unwrap();
    let json = policy.statements()[0].json();
    assert_eq!(json, want.replace("ARN", ARN));
    let read = Statement::from_json(json).unwrap();
    assert_eq!(read, policy.statements()[0]);
}

#[test]
#[rustfmt::skip]
fn statements_are_those_that_aws_recorded() {
    let bucket = || Some("arn:aws:s3:::bucket".to_owned());
    let owner = || Some("123456789012".to_owned());
    check_statement(&whole(),
        &GrantInput { source_arn: bucket(), ..input("s3", "s3.amazonaws.com") },
        r#"{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}"#);
    check_statement(&whole(),
        &GrantInput { source_account: owner(), ..input("wilcard", "*") },
        r#"{"Sid":"wilcard","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"}}}"#);
    check_statement(&whole(), &input("account-id", "111122223333"),
        r#"{"Sid":"account-id","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:InvokeFunction","Resource":"ARN"}"#);
    check_statement(&whole(),
        &GrantInput {
            action: "lambda:InvokeFunctionUrl".into(), source_arn: bucket(), source_account: owner(),
            principal_org_id: Some("o-1234567890".into()), function_url_auth_type: Some("NONE".into()),
            ..input("urlPermission", "*")
        },
        r#"{"Sid":"urlPermission","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"ARN","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012","lambda:FunctionUrlAuthType":"NONE","aws:PrincipalOrgID":"o-1234567890"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}"#);
    check_statement(&whole(),
        &GrantInput { event_source_token: Some("amzn1.ask.skill.xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx".into()), ..input("alexaSkill", "*") },
        r#"{"Sid":"alexaSkill","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"StringEquals":{"lambda:EventSourceToken":"amzn1.ask.skill.xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"}}}"#);
    check_statement(&whole(),
        &GrantInput { invoked_via_function_url: Some(true), ..input("FunctionURLInvokeAllowPublicAccess", "*") },
        r#"{"Sid":"FunctionURLInvokeAllowPublicAccess","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}"#);
}

#[test]
fn the_order_of_conditions_is_fixed() {
    let all = GrantInput {
        source_arn: Some("arn:aws:s3:::b".into()),
        source_account: Some("123456789012".into()),
        event_source_token: Some("t".into()),
        principal_org_id: Some("o-1234567890".into()),
        invoked_via_function_url: Some(true),
        ..input("all", "*")
    };
    check_statement(
        &whole(),
        &all,
        r#"{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012","lambda:EventSourceToken":"t","aws:PrincipalOrgID":"o-1234567890"},"Bool":{"lambda:InvokedViaFunctionUrl":"true"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}"#,
    );
}

#[test]
fn the_resource_is_what_the_policy_is_attached_to() {
    for qualifier in ["7", "prod"] {
        let target = Target::qualified(function(), Qualifier::parse(qualifier));
        let want = r#"{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN:Q"}"#;
        check_statement(&target, &input("s", "*"), &want.replace('Q', qualifier));
    }
}

#[test]
fn not_via_url_is_no_condition() {
    let no = GrantInput { invoked_via_function_url: Some(false), ..input("s", "*") };
    let other = GrantInput { action: "lambda:*".into(), ..no.clone() };
    assert_eq!(add(None, &no), add(None, &input("s", "*")));
    assert!(add(None, &other).is_ok());
}

#[track_caller]
fn check_principal(given: &str, element: Option<&str>) {
    let got = add(None, &input("s", given));
    match element {
        None => assert_eq!(got, Err(InvalidParameter::Principal.into()), "{given}"),
        Some(element) => {
            let json = got.unwrap().to_json();
            assert!(json.contains(&format!(r#""Principal":{element},"Action""#)), "{json}");
        }
    }
}

#[test]
#[rustfmt::skip]
fn principals_are_written_as_aws_writes_them() {
    check_principal("*",                             Some(r#""*""#));
    check_principal("s3.amazonaws.com",              Some(r#"{"Service":"s3.amazonaws.com"}"#));
    check_principal("logs.us-east-1.amazonaws.com",  Some(r#"{"Service":"logs.us-east-1.amazonaws.com"}"#));
    check_principal("ec2.amazonaws.com.cn",          Some(r#"{"Service":"ec2.amazonaws.com.cn"}"#));
    check_principal("alexa-appkit.amazon.com",       Some(r#"{"Service":"alexa-appkit.amazon.com"}"#));
    check_principal("111122223333",                  Some(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#));
    for arn in ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/alice",
                "arn:aws:iam::111122223333:role/path/r", "arn:aws:sts::111122223333:assumed-role/R/S",
                "arn:aws:sts::111122223333:federated-user/bob"] {
        check_principal(arn, Some(&format!(r#"{{"AWS":"{arn}"}}"#)));
    }
}

#[test]
fn the_partition_of_an_account_is_the_functions() {
    let china: FunctionArn =
        ARN.replace("aws", "aws-cn").replace("us-east-1", "cn-north-1").parse().unwrap();
    let target = Target::unqualified(china);
    let account = grant(&input("s", "111122223333"));
    let policy =
        ResourcePolicy::add(None, &target, revision(1), &account, None, revision(2), &NoEntities);
    let principal = policy.unwrap().statements()[0].principal();
    assert_eq!(principal.as_deref(), Some("arn:aws-cn:iam::111122223333:root"));
}

#[test]
#[rustfmt::skip]
fn other_principals_are_invalid() {
    for given in ["invalid.nonaws.com", "amazonaws.com", ".amazonaws.com", "S3.amazonaws.com", "s3..amazonaws.com",
                  "s3.amazonaws.com.", "s3.amazonaws.com.cn.cn", "*.amazonaws.com", "evil.amazonaws.com.example",
                  "1111222233334", "11112222333", "**", "alice", "AIDAEXAMPLE",
                  "arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:user/", "arn:aws:iam::*:root",
                  "arn:aws:iam::111122223333:group/g", "arn:aws:iam::111122223333:role", "arn:aws:iam::111122223333:root/x",
                  "arn:aws:iam:us-east-1:111122223333:root", "arn:aws-cn:iam::111122223333:root",
                  "arn:aws:sts::111122223333:assumed-role/R", "arn:aws:sts::111122223333:assumed-role/R/S/T",
                  "arn:aws:s3:::bucket", "arn:aws:iam::111122223333:user/${aws:username}"] {
        check_principal(given, None);
    }
}

#[track_caller]
fn check_refusal(input: &GrantInput, want: impl Into<LambdaError>) {
    assert_eq!(add(None, input), Err(want.into()));
}

#[test]
fn parameters_go_with_their_action_only() {
    for action in ["lambda:InvokeFunction", "lambda:*", "*"] {
        let url = GrantInput {
            action: action.into(),
            function_url_auth_type: Some("NONE".into()),
            ..input("s", "*")
        };
        check_refusal(&url, InvalidParameter::UrlAuthTypeAction);
    }
    for action in ["lambda:InvokeFunctionUrl", "lambda:*", "*"] {
        let via = GrantInput {
            action: action.into(),
            invoked_via_function_url: Some(true),
            ..input("s", "*")
        };
        check_refusal(&via, InvalidParameter::InvokedViaUrlAction);
    }
}

#[test]
#[rustfmt::skip]
fn combinations_that_aws_accepts_are_accepted() {
    let account = || Some("123456789012".to_owned());
    let token = || Some("a.b_c-d".to_owned());
    for accepted in [
        GrantInput { source_account: account(), ..input("s", "arn:aws:iam::111122223333:role/r") },
        GrantInput { event_source_token: token(), ..input("s", "events.amazonaws.com") },
        GrantInput { event_source_token: token(), principal_org_id: Some("o-1234567890".into()), ..input("s", "*") },
        GrantInput { event_source_token: token(), source_account: account(), source_arn: Some("arn:aws:s3:::b".into()), ..input("s", "*") },
        GrantInput { action: "lambda:*".into(), ..input("s", "111122223333") },
        GrantInput { action: "*".into(), ..input("s", "111122223333") },
        GrantInput { action: "lambda:FooBar".into(), ..input("s", "111122223333") },
    ] {
        assert!(add(None, &accepted).is_ok(), "{accepted:?}");
    }
}

#[test]
#[rustfmt::skip]
fn the_shape_of_each_parameter_is_checked() {
    let text = |text: &str| Some(text.to_owned());
    let base = || input("s", "*");
    for bad in [
        input("example.com", "*"), input("", "*"), input(&"a".repeat(101), "*"), input("s", ""), input("s", "a b"),
        GrantInput { action: "s3:GetObject".into(), ..base() },
        GrantInput { action: "lambda:Invoke*".into(), ..base() },
        GrantInput { action: "lambda:".into(), ..base() },
        GrantInput { source_arn: text("bucket"), ..base() },
        GrantInput { source_arn: text("arn:aws:s3::bucket"), ..base() },
        GrantInput { source_arn: text("arn:aws:s3:mars::b"), ..base() },
        GrantInput { source_arn: text("arn:aws:s3::12:b"), ..base() },
        GrantInput { source_arn: text("arn:aws:s3:::a\nb"), ..base() },
        GrantInput { source_account: text("12345"), ..base() },
        GrantInput { event_source_token: text(""), ..base() },
        GrantInput { event_source_token: text("a b"), ..base() },
        GrantInput { event_source_token: Some("t".repeat(257)), ..base() },
        GrantInput { principal_org_id: text("o-short"), ..base() },
        GrantInput { principal_org_id: text("o-UPPERCASE1"), ..base() },
        GrantInput { function_url_auth_type: text("none"), ..base() },
    ] {
        assert!(Grant::try_from(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_source_that_the_policy_language_does_not_admit_is_refused() {
    let open = GrantInput { source_arn: Some("arn:aws:s3:::${aws:x".into()), ..input("s", "*") };
    let error = add(None, &open).unwrap_err();
    assert!(
        matches!(error, LambdaError::InvalidParameter(InvalidParameter::Statement(_))),
        "{error}"
    );
}

#[test]
fn latest_has_no_policy() {
    let latest = Target::qualified(function(), Qualifier::Latest);
    let refused = Err(InvalidParameter::LatestPolicy.into());
    let added = ResourcePolicy::add(
        None,
        &latest,
        revision(1),
        &grant(&input("s", "*")),
        Some("x"),
        revision(2),
        &NoEntities,
    );
    assert_eq!(added, refused);
}

#[test]
fn a_used_id_is_refused_even_for_the_same_statement() {
    let policy = policy(&[input("s3", "*")]);
    let conflict = Conflict::StatementExists("s3".parse().unwrap());
    assert_eq!(add(Some(&policy), &input("s3", "*")), Err(conflict.into()));
}

#[track_caller]
fn check_revision_rule(current: Option<&ResourcePolicy>, expected: Option<RevisionId>, fits: bool) {
    let text = expected.map(|revision| revision.to_string());
    let grant = grant(&input("new", "*"));
    let expected = text.as_deref();
    let got = ResourcePolicy::add(
        current,
        &whole(),
        revision(1),
        &grant,
        expected,
        revision(9),
        &NoEntities,
    );
    assert_eq!(got.is_ok(), fits, "{expected:?}");
    if let Err(error) = got {
        assert_eq!(error, StaleRevision::Policy.into());
    }
}

#[test]
fn the_revision_is_the_policys_or_while_there_is_none_the_resources() {
    let policy = policy(&[input("old", "*")]);
    check_revision_rule(None, None, true);
    check_revision_rule(None, Some(revision(1)), true);
    check_revision_rule(None, Some(revision(7)), false);
    check_revision_rule(Some(&policy), None, true);
    check_revision_rule(Some(&policy), Some(revision(2)), true);
    check_revision_rule(Some(&policy), Some(revision(1)), false);
}

#[test]
fn refusals_come_in_the_order_of_aws() {
    let full = policy(&[input("s", "*")]);
    let bad = grant(&input("s", "invalid.nonaws.com"));
    let stale = ResourcePolicy::add(
        Some(&full),
        &whole(),
        revision(1),
        &bad,
        Some("x"),
        revision(3),
        &NoEntities,
    );
    assert_eq!(stale, Err(StaleRevision::Policy.into()));
    let used = ResourcePolicy::add(
        Some(&full),
        &whole(),
        revision(1),
        &bad,
        None,
        revision(3),
        &NoEntities,
    );
    assert_eq!(used, Err(Conflict::StatementExists("s".parse().unwrap()).into()));
    let huge = GrantInput {
        source_arn: Some(format!("arn:aws:s3:::{}", "b".repeat(200_000))),
        ..input("t", "invalid.nonaws.com")
    };
    assert_eq!(add(Some(&full), &huge), Err(InvalidParameter::Principal.into()));
    let huge = GrantInput { principal: "*".into(), ..huge };
    let error = add(Some(&full), &huge).unwrap_err();
    assert!(matches!(error, LambdaError::PolicyTooLong { size: 200_000.. }), "{error}");
}

#[test]
fn a_policy_of_exactly_20480_bytes_fits() {
    let sized = |length: usize| GrantInput {
        source_arn: Some(format!("arn:aws:s3:::{}", "b".repeat(length))),
        ..input("s", "*")
    };
    let fill = RESOURCE_POLICY_BYTES_MAX - add(None, &sized(0)).unwrap().size();
    assert_eq!(add(None, &sized(fill)).unwrap().to_json().len(), RESOURCE_POLICY_BYTES_MAX);
    assert_eq!(add(None, &sized(fill + 1)), Err(LambdaError::PolicyTooLong { size: 20481 }));
}

#[test]
fn the_document_is_compact_and_keeps_the_order() {
    let policy = policy(&[input("b", "*"), input("a", "*")]);
    let statement = |sid: &str| {
        r#"{"Sid":"SID","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN"}"#
            .replace("ARN", ARN)
            .replace("SID", sid)
    };
    let want = format!(
        r#"{{"Version":"2012-10-17","Id":"default","Statement":[{},{}]}}"#,
        statement("b"),
        statement("a")
    );
    assert_eq!(policy.to_json(), want);
}

#[track_caller]
fn check_removal(
    current: Option<&ResourcePolicy>,
    sid: &str,
    expected: Option<&str>,
    want: impl Into<LambdaError>,
) {
    let got = ResourcePolicy::remove(current, sid, expected, revision(3));
    assert_eq!(got, Err(want.into()));
}

#[test]
fn what_is_not_there_cannot_be_removed() {
    let policy = policy(&[input("s", "*")]);
    check_removal(None, "s", None, NotFound::NoPolicy);
    check_removal(Some(&policy), "t.t", None, NotFound::Statement("t.t".into()));
    check_removal(Some(&policy), "s", Some("wrong"), StaleRevision::Policy);
}

#[test]
fn the_policy_goes_with_its_last_statement() {
    let policy = policy(&[input("s", "*")]);
    let current = policy.revision().to_string();
    let gone = ResourcePolicy::remove(Some(&policy), "s", Some(&current), revision(3));
    assert_eq!(gone, Ok(None));
}

#[test]
fn a_removal_knows_whom_it_takes_from() {
    let url = GrantInput {
        action: "lambda:InvokeFunctionUrl".into(),
        function_url_auth_type: Some("AWS_IAM".into()),
        ..input("s", "111122223333")
    };
    let statement = policy(&[url]).statements()[0].clone();
    assert_eq!(statement.principal().as_deref(), Some("arn:aws:iam::111122223333:root"));
    assert_eq!(statement.function_url_auth_type().as_deref(), Some("AWS_IAM"));
    let statement = policy(&[input("s", "s3.amazonaws.com")]).statements()[0].clone();
    assert_eq!(statement.principal().as_deref(), Some("s3.amazonaws.com"));
    assert_eq!(statement.function_url_auth_type(), None);
}

#[test]
#[rustfmt::skip]
fn only_the_elements_of_a_statement_are_a_stored_statement() {
    for bad in ["", "{}", "[]", "null",
        r#"{"Sid":"s","Principal":"*","Action":"*","Resource":"r"}"#,
        r#"{"Sid":["s"],"Effect":"Allow","Principal":"*","Action":"*","Resource":"r"}"#,
        r#"{"Sid":"s","Effect":"Allow","Principal":"*","Action":"*","Resource":"r","More":"*"}"#,
        r#"{"Sid":"s","Effect":"Allow","Principal":"*","Action":"*","Resource":"r"},{}"#] {
        assert!(Statement::from_json(bad).is_err(), "{bad}");
    }
}

fn inputs() -> impl Strategy<Value = GrantInput> {
    let principal = prop_oneof![
        Just("*"),
        Just("s3.amazonaws.com"),
        Just("222222222222"),
        Just("arn:aws:iam::123456789012:user/u")
    ];
    let flag = any::<bool>;
    let parts = ("[a-zA-Z0-9_-]{1,20}", principal, flag(), flag(), flag(), flag(), flag());
    parts.prop_map(|(sid, principal, arn, account, token, org, url)| GrantInput {
        source_arn: arn.then(|| "arn:aws:s3:::bucket*".into()),
        source_account: account.then(|| "123456789012".into()),
        event_source_token: token.then(|| "token".into()),
        principal_org_id: org.then(|| "o-1234567890".into()),
        invoked_via_function_url: url.then_some(true),
        ..input(&sid, principal)
    })
}

fn contexts() -> impl Strategy<Value = MapContext> {
    let keys = [
        ("aws:SourceArn", "arn:aws:s3:::bucket1"),
        ("aws:SourceAccount", "123456789012"),
        ("lambda:EventSourceToken", "token"),
        ("aws:PrincipalOrgID", "o-1234567890"),
        ("lambda:InvokedViaFunctionUrl", "true"),
    ];
    proptest::collection::vec(0..3u8, keys.len()).prop_map(move |states| {
        let mut context = MapContext::new();
        for ((key, value), state) in keys.iter().zip(states) {
            match state {
                0 => {}
                1 => context.insert(key, *value),
                _ => context.insert(key, "other"),
            }
        }
        context
    })
}

/// Whether the policy alone admits the call.
fn admits(policy: &ResourcePolicy, caller: &str, context: &MapContext) -> bool {
    let policy = Policy::parse(DocumentKind::Resource, &policy.to_json()).unwrap();
    let principal = Principal::parse(caller).unwrap();
    let request = Request {
        principal: &principal,
        action: "lambda:InvokeFunction",
        resource: ARN,
        resource_account: "123456789012",
        context,
    };
    let identity =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let identity = Policy::parse(DocumentKind::Identity, identity).unwrap();
    // A caller of another account, with all that its own account can give.
    let own = [&identity];
    let foreign = caller.contains("222222222222");
    let policies = Policies {
        identity: if foreign { &own } else { &[] },
        boundary: &[],
        session: None,
        service_control: None,
        resource: &[&policy],
        resource_control: None,
        resource_rule: ResourceRule::Suffices,
    };
    decide(&request, &policies) == Decision::Allowed
}

const CALLERS: [&str; 4] = [
    "arn:aws:iam::123456789012:user/u",
    "arn:aws:iam::222222222222:user/u",
    "s3.amazonaws.com",
    "anonymous",
];

/// The input without one of its conditions.
fn wider(input: &GrantInput, which: usize) -> GrantInput {
    let mut wider = input.clone();
    match which {
        0 => wider.source_arn = None,
        1 => wider.source_account = None,
        2 => wider.event_source_token = None,
        3 => wider.principal_org_id = None,
        _ => wider.invoked_via_function_url = None,
    }
    wider
}

#[test]
fn a_grant_admits_whom_it_names() {
    let plain = MapContext::new();
    let principals = ["arn:aws:iam::123456789012:user/u", "222222222222", "s3.amazonaws.com", "*"];
    for (caller, principal) in CALLERS.into_iter().zip(principals) {
        assert!(admits(&policy(&[input("s", principal)]), caller, &plain), "{caller}");
        assert!(!admits(&policy(&[input("s", "333333333333")]), caller, &plain), "{caller}");
    }
}

proptest! {
    #[test]
    fn a_parameter_never_widens_a_grant(
        input in inputs(), context in contexts(), which in 0..5usize, caller in 0..CALLERS.len(),
    ) {
        let narrow = admits(&policy(std::slice::from_ref(&input)), CALLERS[caller], &context);
        let wide = admits(&policy(&[wider(&input, which)]), CALLERS[caller], &context);
        prop_assert!(!narrow || wide);
    }

    #[test]
    fn adding_then_removing_leaves_all_but_the_revision(
        inputs in proptest::collection::vec(inputs(), 1..6), extra in inputs(),
    ) {
        let unique = |index: usize, input: &GrantInput| GrantInput { statement_id: format!("n{index}"), ..input.clone() };
        let inputs: Vec<_> = inputs.iter().enumerate().map(|(i, input)| unique(i, input)).collect();
        let before = policy(&inputs);
        let extra = unique(99, &extra);
        let with = add(Some(&before), &extra).unwrap();
        prop_assert_eq!(&with.statements()[..inputs.len()], before.statements(), "order is kept");
        let after = ResourcePolicy::remove(Some(&with), "n99", None, revision(8)).unwrap().unwrap();
        prop_assert_eq!(after.statements(), before.statements());
        prop_assert_eq!(after.revision(), revision(8));
    }

    #[test]
    fn whatever_a_grant_writes_is_a_valid_policy_of_the_size_it_says(
        input in inputs(), source in "[\\PC--\u{2028}\u{2029}]{0,30}",
    ) {
        let source_arn = Some(format!("arn:aws:s3:::{source}"));
        let input = GrantInput { source_arn, ..input };
        if let Ok(policy) = add(None, &input) {
            let json = policy.to_json();
            prop_assert_eq!(json.len(), policy.size());
            prop_assert!(Policy::parse(DocumentKind::Resource, &json).is_ok());
            let value: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(value.to_string(), json, "compact, and read back the same");
        } else {
            prop_assert!(source.contains("${"), "only an open variable is refused");
        }
    }
}

/// Knows one user by its ARN and id, or nobody.
struct Alice(bool);

const ALICE: (&str, &str) = ("arn:aws:iam::123456789012:user/alice", "AIDAJQABLZS4A3QDU576Q");

impl Entities for Alice {
    fn identify(&self, text: &str) -> Identified {
        match text == ALICE.0 && self.0 {
            true => Identified::As(ALICE.1.into()),
            false => Identified::Nobody,
        }
    }

    fn arn_of(&self, id: &str) -> Option<Cow<'_, str>> {
        (id == ALICE.1 && self.0).then_some(ALICE.0.into())
    }
}

#[test]
fn a_grant_is_to_whom_it_names_when_it_is_made() {
    let add = |current: Option<&ResourcePolicy>, input: &GrantInput, entities: &dyn Entities| {
        let (target, grant) = (whole(), grant(input));
        ResourcePolicy::add(current, &target, revision(1), &grant, None, revision(2), entities)
    };
    let to_alice = |sid| input(sid, ALICE.0);
    let nobody: LambdaError = InvalidParameter::Principal.into();
    assert_eq!(add(None, &to_alice("s"), &Alice(false)), Err(nobody.clone()));
    let policy = add(None, &to_alice("s"), &Alice(true)).unwrap();
    assert_eq!(policy.statements()[0].unique_id(), Some(ALICE.1));
    assert_eq!(policy.shown(&Alice(true)), policy.to_json());
    assert!(policy.to_json().contains(ALICE.0), "as it was answered");

    // Once she is gone, she is shown as her id, and in the way of every other grant but one that has
    // another fault, which is told first.
    let id = policy.to_json().replace(ALICE.0, ALICE.1);
    assert_eq!(policy.shown(&Alice(false)), id);
    for sid in ["s2", "s3"] {
        assert_eq!(add(Some(&policy), &input(sid, "*"), &Alice(false)), Err(nobody.clone()));
    }
    let used = Conflict::StatementExists("s".parse().unwrap());
    assert_eq!(add(Some(&policy), &input("s", "*"), &Alice(false)), Err(used.into()));
    assert!(add(Some(&policy), &input("s2", "*"), &Alice(true)).is_ok());
}

fn layer_grant(sid: &str) -> LayerGrant {
    let (statement_id, principal) = (sid.to_owned(), "111122223333".to_owned());
    LayerGrant::try_from(LayerGrantInput { statement_id, principal, organization_id: None })
        .unwrap()
}

#[test]
fn a_layer_version_has_no_revision_to_expect_but_that_of_its_policy() {
    let version: LayerVersionArn =
        "arn:aws:lambda:us-east-1:123456789012:layer:l:1".parse().unwrap();
    let add = |current: Option<&ResourcePolicy>, sid: &str, expected: Option<&str>, fresh| {
        ResourcePolicy::add_to_layer(current, &version, &layer_grant(sid), expected, fresh)
    };
    let of = |number| revision(number).to_string();
    let stale = StaleRevision::LayerPolicy;
    assert_eq!(
        stale.to_string(),
        "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API \
         to retrieve the latest Revision Id"
    );
    assert_eq!(add(None, "a", Some(&of(2)), revision(2)), Err(stale.into()));
    let policy = add(None, "a", None, revision(2)).unwrap();
    assert_eq!(
        policy.to_json(),
        r#"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:us-east-1:123456789012:layer:l:1"}]}"#
    );
    assert_eq!(add(Some(&policy), "b", Some(&of(1)), revision(3)), Err(stale.into()));
    let used = Conflict::StatementExists("a".parse().unwrap());
    assert_eq!(add(Some(&policy), "a", Some(&of(2)), revision(3)), Err(used.into()));
    assert_eq!(add(Some(&policy), "b", Some(&of(2)), revision(3)).unwrap().statements().len(), 2);
    let remove = |expected: &str| {
        ResourcePolicy::remove_from_layer(Some(&policy), "a", Some(expected), revision(3))
    };
    assert_eq!(remove(&of(1)), Err(stale.into()));
    assert_eq!(remove(&of(2)), Ok(None));
}

/// A whole document, in which `ARN` stands for the function.
fn whole_document(json: &str) -> Result<ResourcePolicy, LambdaError> {
    ResourcePolicy::document(&json.replace("ARN", ARN), revision(9))
}

#[test]
fn a_whole_document_is_kept_but_for_its_white_space() {
    let policy = whole_document(
        r#"{ "Version" : "2012-10-17", "Statement" : [
            { "Sid" : "a-b", "Effect" : "Deny", "NotPrincipal" : { "AWS" : "111122223333" },
              "Action" : [ "lambda:InvokeFunction", "lambda:GetFunction" ], "Resource" : "ARN*" },
            { "Effect" : "Allow", "Principal" : { "AWS" : [ "111122223333", "444455556666" ],
              "Service" : "s3.amazonaws.com" }, "Action" : "lambda:*", "Resource" : [ "ARN" ],
              "Condition" : { "StringLike" : { "aws:PrincipalTag/t" : [ "x", "y z" ] } } } ] }"#,
    )
    .unwrap();
    let want = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a-b","Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":["lambda:InvokeFunction","lambda:GetFunction"],"Resource":"ARN*"},{"Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"],"Service":"s3.amazonaws.com"},"Action":"lambda:*","Resource":["ARN"],"Condition":{"StringLike":{"aws:PrincipalTag/t":["x","y z"]}}}]}"#;
    assert_eq!(policy.to_json(), want.replace("ARN", ARN));
    assert_eq!(policy.to_json().len(), policy.size());
    let named = |at: usize| policy.statements()[at].principals().into_iter().collect::<Vec<_>>();
    assert_eq!(named(0), ["*"], "whom it leaves out is nobody to be named");
    assert_eq!(named(1), ["111122223333", "444455556666", "s3.amazonaws.com"]);
}

#[test]
fn grants_are_added_to_a_whole_document_and_taken_from_it_by_their_ids() {
    let deny =
        r#"{"Sid":"no","Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"ARN"}"#;
    let head = r#"{"Version":"2008-10-17","Id":"mine","Statement":["#;
    let policy = whole_document(&format!("{head}{deny}]}}")).unwrap();
    assert_eq!(
        add(Some(&policy), &input("no", "*")),
        Err(Conflict::StatementExists("no".parse().unwrap()).into())
    );
    let added = add(Some(&policy), &input("more", "*")).unwrap();
    assert!(added.to_json().starts_with(&format!("{head}{deny},").replace("ARN", ARN)));
    let rest = ResourcePolicy::remove(Some(&added), "no", None, revision(3)).unwrap().unwrap();
    assert!(rest.to_json().starts_with(head) && rest.statements().len() == 1);
    assert_eq!(ResourcePolicy::remove(Some(&rest), "more", None, revision(4)), Ok(None));
}

#[track_caller]
fn check_no_document(json: &str, why: &str) {
    let error = whole_document(json).unwrap_err().to_string();
    assert!(error.starts_with("The policy is not a valid resource policy: "), "{error}");
    assert!(error.contains(why), "{json}: {error}");
}

#[test]
#[rustfmt::skip]
fn what_the_engine_would_not_decide_by_is_no_document() {
    let with = |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let allow = r#"{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"ARN"}"#;
    assert!(whole_document(&with(allow)).is_ok());
    check_no_document("", "JSON");
    check_no_document("[]", "");
    check_no_document(r#"{"Version":"2012-10-17"}"#, "Statement");
    check_no_document(&with(""), "");
    check_no_document(&with(&format!("{allow},{allow}")), "Sid");
    check_no_document(&with(&allow.replace(r#""Principal":"*","#, "")), "Principal");
    check_no_document(&with(&allow.replace(r#","Resource":"ARN""#, "")), "Resource");
    check_no_document(&with(&allow.replace("Allow", "Maybe")), "Maybe");
    check_no_document(&with(&allow.replace("\"Sid\"", "\"Side\"")), "Side");
    check_no_document(&with(allow).replace("2012-10-17", "2012"), "2012");
    check_no_document(&with(allow).replace("\"Version\"", "\"version\""), "version");
}

#[test]
fn a_whole_document_replaces_what_its_revision_says() {
    let (old, new) = (policy(&[input("s", "*")]), policy(&[input("t", "*")]));
    let put = |current, target: &Target, expected: Option<String>| {
        let expected = expected.as_deref();
        ResourcePolicy::put(current, target, revision(1), &new, expected, revision(7), &NoEntities)
    };
    let stale = LambdaError::from(StaleRevision::Policy);
    let replaced = put(Some(&old), &whole(), Some(revision(2).to_string())).unwrap();
    assert_eq!((replaced.statements(), replaced.revision()), (new.statements(), revision(7)));
    assert_eq!(put(Some(&old), &whole(), Some(revision(1).to_string())), Err(stale.clone()));
    assert!(put(None, &whole(), Some(revision(1).to_string())).is_ok());
    assert_eq!(put(None, &whole(), Some(revision(2).to_string())), Err(stale.clone()));
    let latest = Target::qualified(function(), Qualifier::Latest);
    assert_eq!(put(None, &latest, None), Err(InvalidParameter::LatestPolicy.into()));
    assert_eq!(ResourcePolicy::check_deletion(None, None), Err(NotFound::Resource.into()));
    assert_eq!(ResourcePolicy::check_deletion(Some(&old), None), Ok(()));
    assert_eq!(ResourcePolicy::check_deletion(Some(&old), Some("x")), Err(stale));
}

#[test]
#[rustfmt::skip]
fn a_whole_document_is_about_actions_on_the_function_that_it_is_put_on() {
    let prod = Target::qualified(function(), Qualifier::parse("prod"));
    let put = |target: &Target, action: &str, resource: &str| {
        let json = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":{action},"Resource":{resource}}}]}}"#);
        let document = whole_document(&json).unwrap();
        ResourcePolicy::put(None, target, revision(1), &document, None, revision(7), &NoEntities)
    };
    let rows = [
        (&whole(), r#""lambda:InvokeFunction""#, r#""ARN""#, true),
        (&whole(), r#"["*","LAMBDA:get*"]"#, r#"["ARN","ARN:prod","ARN:*"]"#, true),
        (&whole(), r#""lambda:InvokeFunctionUrl""#, r#""ARN""#, true),
        (&whole(), r#""s3:GetObject""#, r#""ARN""#, false),
        (&whole(), r#""lambda:GetLayerVersion""#, r#""ARN""#, false),
        (&whole(), r#"["lambda:InvokeFunction","lambda:CreateEventSourceMapping"]"#, r#""ARN""#, false),
        (&whole(), r#""lambda:Nothing*""#, r#""ARN""#, false),
        (&whole(), r#""lambda:*""#, r#""*""#, false),
        (&whole(), r#""lambda:*""#, r#""ARN*""#, false),
        (&whole(), r#""lambda:*""#, r#"["ARN","ARN2"]"#, false),
        (&prod, r#""lambda:*""#, r#""ARN:prod""#, true),
        (&prod, r#""lambda:*""#, r#""ARN:*""#, true),
        (&prod, r#""lambda:*""#, r#""ARN""#, false),
        (&prod, r#""lambda:*""#, r#""ARN:other""#, false),
    ];
    for (target, action, resource, legal) in rows {
        let done = put(target, action, resource);
        assert_eq!(done.is_ok(), legal, "{target} {action} {resource}: {done:?}");
        let refused = done.err().is_none_or(|why| why.to_string().starts_with("The policy is not a valid resource policy: "));
        assert!(refused, "{action} {resource}");
    }
}

#[test]
fn a_whole_document_is_about_whom_it_names_when_it_is_put() {
    let document = whole_document(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":{{"AWS":["{}","111122223333"]}},"Action":"*","Resource":"ARN"}}]}}"#,
        ALICE.0
    ))
    .unwrap();
    let put = |entities: &dyn Entities| {
        let (target, fresh) = (whole(), revision(7));
        ResourcePolicy::put(None, &target, revision(1), &document, None, fresh, entities)
    };
    assert_eq!(put(&Alice(false)), Err(InvalidParameter::Principal.into()));
    let policy = put(&Alice(true)).unwrap();
    assert_eq!(policy.statements()[0].bindings().get(ALICE.0), Some(ALICE.1));
    assert_eq!(policy.shown(&Alice(true)), policy.to_json());
    assert_eq!(policy.shown(&Alice(false)), policy.to_json().replace(ALICE.0, ALICE.1));
}

proptest! {
    #[test]
    fn what_grants_have_written_is_a_whole_document(
        inputs in proptest::collection::vec(inputs(), 1..6),
    ) {
        let grown = inputs.iter().fold(None, |policy: Option<ResourcePolicy>, input| {
            add(policy.as_ref(), input).ok().or(policy)
        });
        if let Some(policy) = grown {
            let read = ResourcePolicy::document(&policy.to_json(), policy.revision());
            prop_assert_eq!(read, Ok(policy));
        }
    }
}
