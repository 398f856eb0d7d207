//! Commands that mend denials: what they say, that a shell and the AWS command line read them as they
//! are meant, and that running one allows the call.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

use std::process::Command;

use portcullis_iam::PolicyType::{Identity, Resource, Session};
use portcullis_iam::{
    Decision, DocumentKind, MapContext, NoEntities, Policies, Policy, Principal, Request, decide,
    explain,
};
use portcullis_lambda::{
    AddPermissionCommand, Endpoint, FunctionReference, Grant, GrantInput, NARROWING,
    ResourcePolicy, RevisionId, Target,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";
const ALIAS: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders:prod";
const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:topic";

/// A statement with these elements beside the usual ones.
fn statement(principal: &Value, action: &str, resource: &str, condition: Option<Value>) -> Value {
    let mut statement = json!({
        "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource,
    });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

fn command(statement: &Value) -> AddPermissionCommand {
    AddPermissionCommand::for_statement(&statement.to_string())
        .unwrap_or_else(|why| panic!("{why}: {statement}"))
}

// What is written.

#[track_caller]
fn check_line(statement: &Value, want: &str) {
    let line = command(statement).to_string();
    let head = format!("aws lambda add-permission --function-name {FUNCTION} ");
    let line = line.strip_prefix(&head).unwrap_or_else(|| panic!("{line}"));
    let line = line.strip_suffix(" --region us-east-1").unwrap_or_else(|| panic!("{line}"));
    assert_eq!(line, want, "{statement}");
}

#[test]
fn every_parameter_has_its_option() {
    let mut s3 = statement(
        &json!({"Service": "s3.amazonaws.com"}),
        "lambda:InvokeFunction",
        FUNCTION,
        Some(json!({
            "StringEquals": {"AWS:SourceAccount": "111111111111"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        })),
    );
    check_line(
        &s3,
        "--statement-id s3-InvokeFunction-c71b9bcb --action lambda:InvokeFunction \
         --principal s3.amazonaws.com --source-arn arn:aws:s3:::bucket \
         --source-account 111111111111",
    );
    s3["Sid"] = json!("mine");
    s3["Resource"] = json!(ALIAS);
    check_line(
        &s3,
        "--qualifier prod --statement-id mine --action lambda:InvokeFunction \
         --principal s3.amazonaws.com --source-arn arn:aws:s3:::bucket \
         --source-account 111111111111",
    );
}

#[test]
fn an_option_for_each_condition() {
    let everyone = |action: &str, condition: Value| {
        let mut statement = statement(&json!("*"), action, FUNCTION, Some(condition));
        statement["Sid"] = json!("s");
        statement
    };
    let check = |action: &str, condition: Value, want: &str| {
        let want = format!("--statement-id s --action {action} --principal '*' {want}");
        check_line(&everyone(action, condition), &want);
    };
    let (invoke, url) = ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl");
    #[rustfmt::skip]
    let rows = [
        (invoke, "StringEquals", "aws:PrincipalOrgID",           json!("o-a1b2c3d4e5"),    "--principal-org-id o-a1b2c3d4e5"),
        (invoke, "StringEquals", "lambda:EventSourceToken",      json!("amzn1.ask.x"),     "--event-source-token amzn1.ask.x"),
        (invoke, "StringEquals", "lambda:EventSourceToken",      json!("-x"),              "--event-source-token=-x"),
        (invoke, "Bool",         "lambda:InvokedViaFunctionUrl", json!("true"),            "--invoked-via-function-url"),
        (invoke, "Bool",         "lambda:InvokedViaFunctionUrl", json!(true),              "--invoked-via-function-url"),
        (url,    "StringEquals", "lambda:FunctionUrlAuthType",   json!("AWS_IAM"),         "--function-url-auth-type AWS_IAM"),
        (invoke, "stringequals", "aws:sourceaccount",            json!(["111111111111"]),  "--source-account 111111111111"),
        (invoke, "ArnEquals",    "aws:SourceArn",                json!("arn:aws:sns:us-east-1:111111111111:t*"),
            "--source-arn 'arn:aws:sns:us-east-1:111111111111:t*'"),
        (invoke, "ArnLike",      "aws:SourceArn",                json!("arn:aws:s3:::it's $HOME"),
            r"--source-arn 'arn:aws:s3:::it'\''s $HOME'"),
    ];
    for (action, operator, key, value, want) in rows {
        check(action, json!({operator: {key: value}}), want);
    }
}

#[test]
fn an_id_is_of_who_and_what_and_of_all_that_is_granted() {
    let id = |principal: Value, action: &str| {
        let id =
            command(&statement(&principal, action, FUNCTION, None)).input().statement_id.clone();
        let (words, hash) = id.rsplit_once('-').unwrap();
        assert!(hash.len() == 8 && id.len() <= 100, "{id}");
        words.to_owned()
    };
    let user = "arn:aws:iam::111111111111:user/team/al.ice@example";
    assert_eq!(id(json!("*"), "*"), "everyone-all");
    assert_eq!(id(json!({"AWS": user}), "lambda:*"), "aliceexample-all");
    assert_eq!(
        id(json!({"AWS": "222222222222"}), "lambda:GetFunction"),
        "222222222222-GetFunction"
    );
    let long = format!("arn:aws:iam::111111111111:user/{}", "a".repeat(90));
    assert_eq!(id(json!({"AWS": long}), "*"), "a".repeat(40) + "-all");
    let at = |resource| command(&statement(&json!("*"), "*", resource, None)).input().clone();
    assert_eq!(at(FUNCTION), at(FUNCTION));
    assert_ne!(at(FUNCTION).statement_id, at(ALIAS).statement_id);
}

#[test]
fn another_endpoint_is_named() {
    let service = statement(&json!({"Service": "sns.amazonaws.com"}), "*", FUNCTION, None);
    let line = command(&service).with_endpoint_url("http://127.0.0.1:4566").to_string();
    assert!(line.ends_with(" --region us-east-1 --endpoint-url http://127.0.0.1:4566"), "{line}");
}

// What is not written.

#[track_caller]
fn check_none(change: impl FnOnce(&mut Value), want: &str) {
    let mut statement = statement(&json!("*"), "lambda:InvokeFunction", FUNCTION, None);
    change(&mut statement);
    let why = AddPermissionCommand::for_statement(&statement.to_string());
    let why = why.unwrap_err().to_string();
    assert!(why.contains(want), "{why}, expected {want}: {statement}");
}

#[test]
#[rustfmt::skip]
fn what_no_grant_is_has_no_command_and_says_why() {
    let condition = |operator: &str, key: &str, value: Value| json!({operator: {key: value}});
    check_none(|s| *s = json!([]),                                        "not a statement");
    check_none(|s| s["Action"] = json!("InvokeFunction"),                 "not a statement");
    check_none(|s| s["Effect"] = json!("Deny"),                           "only allows");
    check_none(|s| s["Principal"] = json!({"AWS": ["111111111111", "222222222222"]}), "one Principal");
    check_none(|s| s["Principal"] = json!({"AWS": "111111111111", "Service": "s3.amazonaws.com"}), "one Principal");
    check_none(|s| s["Principal"] = json!({"AWS": []}),                   "one Principal");
    check_none(|s| s["Principal"] = json!({"Federated": "x"}),            "type Federated");
    check_none(|s| s["Principal"] = json!({"Service": "s3.example.com"}), "principal was invalid");
    check_none(|s| s["Principal"] = json!({"AWS": "arn:aws-cn:iam::111111111111:root"}), "principal was invalid");
    check_none(|s| s["Action"] = json!(["lambda:InvokeFunction", "lambda:GetFunction"]), "one Action");
    check_none(|s| s["Action"] = json!("lambda:Invoke*"),                 "refuse this");
    check_none(|s| s["Action"] = json!("s3:GetObject"),                   "refuse this");
    check_none(|s| s["Action"] = json!("lambda:CreateFunction"),          "no function whose policy could allow");
    for resource in ["*", "arn:aws:s3:::b", &format!("{FUNCTION}:*"), &format!("{FUNCTION}*"), &format!("{FUNCTION}:"),
                     &format!("{FUNCTION}:${{aws:username}}"), &format!("{FUNCTION}:prod:x"),
                     "arn:aws-cn:lambda:us-east-1:111111111111:function:f"] {
        check_none(|s| s["Resource"] = json!(resource),                   "one function, version or alias");
    }
    check_none(|s| s["Resource"] = json!(format!("{FUNCTION}:$LATEST")),  "adding policies for $LATEST");
    check_none(|s| s["Condition"] = condition("StringEquals", "aws:SourceOrgID", json!("o-1")), "StringEquals on aws:SourceOrgID");
    check_none(|s| s["Condition"] = condition("StringLike", "aws:SourceAccount", json!("1*")), "StringLike on aws:SourceAccount");
    check_none(|s| s["Condition"] = condition("Bool", "lambda:InvokedViaFunctionUrl", json!("false")), "Bool on");
    check_none(|s| s["Condition"] = condition("StringEquals", "aws:SourceAccount", json!(["1", "2"])), "StringEquals on");
    check_none(|s| s["Condition"] = condition("ArnLikeIfExists", "aws:SourceArn", json!(TOPIC)), "ArnLikeIfExists on");
    check_none(|s| s["Condition"] = json!({"ArnLike": {"aws:SourceArn": TOPIC}, "ArnEquals": {"aws:SourceArn": TOPIC}}), "on aws:SourceArn");
    check_none(|s| s["Condition"] = condition("StringEquals", "aws:SourceAccount", json!("1")), "refuse this");
    check_none(|s| s["Condition"] = condition("ArnLike", "aws:SourceArn", json!("arn:*:sns:*:*:t")), "refuse this");
    check_none(|s| s["Condition"] = condition("StringEquals", "lambda:FunctionUrlAuthType", json!("NONE")), "only supported for");
    check_none(|s| {
        let action = s.as_object_mut().unwrap().remove("Action").unwrap();
        s["NotAction"] = action;
    }, "NotAction");
}

// What reads it.

/// The words that a shell makes of a line.
fn by_shell(line: &str) -> Vec<String> {
    let script = format!("printf '%s\\0' {line}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{line}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.strip_suffix('\0').unwrap().split('\0').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_shell_reads_the_words_back(url in "[^\0]{0,12}", tail in "[ -~]{0,12}") {
        let condition = json!({"ArnLike": {"aws:SourceArn": format!("arn:aws:s3:::{}", tail.replace("${", ""))}});
        let command = command(&statement(&json!("*"), "*", FUNCTION, Some(condition)));
        let command = command.with_endpoint_url(url);
        prop_assert_eq!(by_shell(&command.to_string()), command.words());
    }
}

/// What the AWS command line sends for the words: the addressed function and the parameters.
fn sent(words: &[String]) -> (Target, GrantInput) {
    let (head, options) = words.split_at(3);
    assert_eq!(head, ["aws", "lambda", "add-permission"]);
    let (mut input, mut function, mut qualifier) = (GrantInput::default(), None, None);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option.as_str(), None),
        };
        let mut value = || value.clone().or_else(|| options.next().cloned()).unwrap();
        match name {
            "--function-name" => function = Some(value()),
            "--qualifier" => qualifier = Some(value()),
            "--statement-id" => input.statement_id = value(),
            "--action" => input.action = value(),
            "--principal" => input.principal = value(),
            "--source-arn" => input.source_arn = Some(value()),
            "--source-account" => input.source_account = Some(value()),
            "--event-source-token" => input.event_source_token = Some(value()),
            "--principal-org-id" => input.principal_org_id = Some(value()),
            "--function-url-auth-type" => input.function_url_auth_type = Some(value()),
            "--invoked-via-function-url" => input.invoked_via_function_url = Some(true),
            "--region" => assert_eq!(value(), "us-east-1"),
            other => panic!("{other}"),
        }
    }
    (addressed(&function.unwrap(), qualifier.as_deref()), input)
}

fn addressed(function: &str, qualifier: Option<&str>) -> Target {
    let (account, region) = ("999999999999".parse().unwrap(), "us-east-1".parse().unwrap());
    let endpoint = Endpoint { account: &account, region: &region };
    let reference = FunctionReference::parse(function).unwrap();
    reference.resolve(qualifier, endpoint).unwrap().check().unwrap()
}

/// The policy after the command is run in a shell, as JSON.
fn run(command: &AddPermissionCommand) -> String {
    assert_eq!(by_shell(&command.to_string()), command.words());
    run_words(command)
}

/// The policy after the words of the command are run.
fn run_words(command: &AddPermissionCommand) -> String {
    let (target, input) = sent(&command.words());
    assert_eq!((&target, &input), (command.target(), command.input()));
    let revision = RevisionId::new(Uuid::nil());
    let grant = Grant::try_from(&input).unwrap();
    ResourcePolicy::add(None, &target, revision, &grant, None, revision, &NoEntities)
        .unwrap()
        .to_json()
}

// What running it does.

/// Running the command for `statement` writes it, and allows `caller`; from another account, once
/// its own policies allow too.
#[track_caller]
fn check_mends(caller: &str, statement: &Value, keys: &[(&str, &str)]) {
    let principal = Principal::parse(caller).unwrap();
    let context = MapContext::from_iter(keys.iter().copied());
    let request = Request {
        principal: &principal,
        action: statement["Action"].as_str().unwrap(),
        resource: statement["Resource"].as_str().unwrap(),
        resource_account: "111111111111",
        context: &context,
    };
    let document = run(&command(statement));
    let resource = Policy::parse(DocumentKind::Resource, &document).unwrap();
    let own = r#"{"Statement":{"Effect":"Allow","Action":"lambda:*","Resource":"*"}}"#;
    let own = Policy::parse(DocumentKind::Identity, own).unwrap();
    let by = |identity: &[&Policy], resource: &[&Policy]| {
        decide(&request, &Policies { identity, resource, ..Policies::default() })
    };
    let other_account = principal.account().is_some_and(|account| account != "111111111111");
    if other_account {
        assert_eq!(by(&[&own], &[]), Decision::ImplicitlyDenied(Resource), "{caller}");
        assert_eq!(by(&[], &[&resource]), Decision::ImplicitlyDenied(Identity), "{caller}");
    } else {
        assert!(!by(&[], &[]).is_allowed(), "{caller}");
    }
    let identity: &[&Policy] = if other_account { &[&own] } else { &[] };
    assert_eq!(by(identity, &[&resource]), Decision::Allowed, "{caller}: {document}");
    let mut written: Value = serde_json::from_str(&document).unwrap();
    let mut written = written["Statement"][0].take();
    written.as_object_mut().unwrap().remove("Sid");
    assert_eq!(&written, statement);
}

#[test]
fn running_the_command_writes_the_statement_and_allows_the_call() {
    let (invoke, url) = ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl");
    let source = json!({
        "StringEquals": {"AWS:SourceAccount": "111111111111"},
        "ArnLike": {"AWS:SourceArn": TOPIC},
    });
    let sns = vec![("aws:SourceArn", TOPIC), ("aws:SourceAccount", "111111111111")];
    let (skill, token) = ("alexa-appkit.amazon.com", ("lambda:EventSourceToken", "amzn1.ask.x"));
    let service = |name: &str| json!({"Service": name});
    let aws = |name: &str| json!({"AWS": name});
    let (user, other) =
        ("arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:user/bob");
    let session = "arn:aws:sts::111111111111:assumed-role/worker/s1";
    let equals = |key: &str, value: &str| json!({"StringEquals": {key: value}});
    let (org, auth) = ("aws:PrincipalOrgID", "lambda:FunctionUrlAuthType");
    let through = json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}});
    #[rustfmt::skip]
    let rows = [
        ("sns.amazonaws.com", statement(&service("sns.amazonaws.com"), invoke, FUNCTION, Some(source)), sns),
        (skill,       statement(&service(skill), invoke, ALIAS, Some(equals(token.0, token.1))), vec![token]),
        (user,        statement(&aws(user), invoke, ALIAS, None), vec![]),
        (session,     statement(&aws(session), invoke, &format!("{FUNCTION}:7"), None), vec![]),
        (session,     statement(&aws("arn:aws:iam::111111111111:role/worker"), invoke, FUNCTION, None), vec![]),
        (other,       statement(&aws(other), invoke, FUNCTION, None), vec![]),
        (other,       statement(&aws("arn:aws:iam::222222222222:root"), invoke, FUNCTION, None), vec![]),
        (user,        statement(&json!("*"), invoke, FUNCTION, Some(equals(org, "o-a1b2c3d4e5"))), vec![(org, "o-a1b2c3d4e5")]),
        ("anonymous", statement(&json!("*"), url, FUNCTION, Some(equals(auth, "NONE"))), vec![(auth, "NONE")]),
        ("anonymous", statement(&json!("*"), invoke, FUNCTION, Some(through)), vec![("lambda:InvokedViaFunctionUrl", "true")]),
    ];
    for (caller, statement, keys) in rows {
        check_mends(caller, &statement, &keys);
    }
}

// What an explanation tells to run.

/// A call that the policies do not allow, and the one statement that the function's policy has.
#[derive(Clone, Debug)]
struct Denied {
    caller: &'static str,
    action: &'static str,
    qualifier: &'static str,
    keys: Vec<(&'static str, &'static str)>,
    own: bool,
    granted: Option<&'static str>,
}

fn denied() -> impl Strategy<Value = Denied> {
    let callers = [
        "s3.amazonaws.com",
        "logs.us-east-1.amazonaws.com",
        "alexa-appkit.amazon.com",
        "anonymous",
        "arn:aws:iam::111111111111:user/team/al.ice+b@c",
        "arn:aws:iam::222222222222:user/bob",
        "arn:aws:iam::222222222222:root",
        "arn:aws:sts::111111111111:assumed-role/worker/s1",
        "arn:aws:sts::222222222222:assumed-role/worker/s1",
        "arn:aws:sts::111111111111:federated-user/fred",
    ];
    let keys = [
        ("aws:SourceArn", "arn:aws:s3:::it's $HOME"),
        ("aws:SourceArn", "arn:aws:logs:us-east-1:111111111111:log-group:/x:*"),
        ("aws:SourceArn", "arn:aws:s3:::${aws:username}?"),
        ("aws:SourceAccount", "333333333333"),
        ("aws:PrincipalOrgID", "o-a1b2c3d4e5"),
        ("lambda:EventSourceToken", "-amzn1.ask"),
        ("lambda:FunctionUrlAuthType", "NONE"),
        ("lambda:InvokedViaFunctionUrl", "true"),
    ];
    let statements = [
        r#"{"AWS":"222222222222"}"#,
        r#"{"AWS":"111111111111"}"#,
        r#"{"Service":"sns.amazonaws.com"}"#,
    ];
    let actions = ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "lambda:GetFunction"];
    (
        prop::sample::select(callers.to_vec()),
        prop::sample::select(actions.to_vec()),
        prop::sample::select(vec!["", ":prod", ":7"]),
        prop::sample::subsequence(keys.to_vec(), 0..=4),
        any::<bool>(),
        prop::option::of(prop::sample::select(statements.to_vec())),
    )
        .prop_map(|(caller, action, qualifier, keys, own, granted)| Denied {
            caller,
            action,
            qualifier,
            keys,
            own,
            granted,
        })
}

impl Denied {
    /// What the function's policy says already.
    fn granted(&self, resource: &str) -> Vec<Policy> {
        let statement = |principal: &str| {
            let principal: Value = serde_json::from_str(principal).unwrap();
            statement(&principal, self.action, resource, None)
        };
        let document = |statement| json!({"Version": "2012-10-17", "Statement": [statement]});
        let parse = |document: Value| Policy::parse(DocumentKind::Resource, &document.to_string());
        self.granted.map(|one| parse(document(statement(one))).unwrap()).into_iter().collect()
    }

    /// What the caller's own policies say already.
    fn own(&self) -> Vec<Policy> {
        let all = r#"{"Statement":{"Effect":"Allow","Action":"lambda:*","Resource":"*"}}"#;
        let all = self.own.then(|| Policy::parse(DocumentKind::Identity, all).unwrap());
        all.into_iter().collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn doing_all_that_an_explanation_tells_allows_the_call(denied in denied()) {
        let principal = Principal::parse(denied.caller).unwrap();
        let resource = format!("{FUNCTION}{}", denied.qualifier);
        let context = MapContext::from_iter(denied.keys.iter().copied());
        let request = Request {
            principal: &principal,
            action: denied.action,
            resource: &resource,
            resource_account: "111111111111",
            context: &context,
        };
        let (mut own, mut granted) = (denied.own(), denied.granted(&resource));
        let decide_by = |own: &[Policy], granted: &[Policy]| {
            let (own, granted) = (Vec::from_iter(own), Vec::from_iter(granted));
            let policies = Policies { identity: &own, resource: &granted, ..Policies::default() };
            (decide(&request, &policies), explain(&request, &policies, &NARROWING).ways)
        };
        let (decision, ways) = decide_by(&own, &granted);
        prop_assert_eq!(ways.is_empty(), decision.is_allowed());
        // A session's policies are made with it, and by nobody later.
        let doable = ways.into_iter().filter(|way| way.grants.iter().all(|one| one.policy_type != Session));
        for way in doable {
            let before = (own.clone(), granted.clone());
            for grant in way.grants {
                if grant.policy_type == Resource {
                    let command = AddPermissionCommand::for_statement(&grant.statement).unwrap();
                    granted.push(Policy::parse(DocumentKind::Resource, &run_words(&command)).unwrap());
                } else {
                    let document = json!({"Version": "2012-10-17", "Statement": [
                        serde_json::from_str::<Value>(&grant.statement).unwrap(),
                    ]});
                    own.push(Policy::parse(DocumentKind::Identity, &document.to_string()).unwrap());
                }
            }
            prop_assert_eq!(decide_by(&own, &granted).0, Decision::Allowed);
            (own, granted) = before;
        }
    }
}
