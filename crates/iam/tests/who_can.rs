//! Who may invoke a function: rows of its policy and of the callers that there are.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests fail by panicking, and rows read better without borrowing"
)]

use portcullis_iam::analysis::{
    Candidate, Document, Entry, GLOBAL_KEYS, Question, Style, WrittenPolicy, who_can, who_can_text,
};
use portcullis_iam::{DocumentKind, MapContext, Principal, ResourceRule};
use serde_json::{Value, json};

const ORDERS: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";
const ALICE: &str = "arn:aws:iam::111111111111:user/alice";
const BOB: &str = "arn:aws:iam::222222222222:user/bob";
const WORKER: &str = "arn:aws:iam::111111111111:role/team/worker";

/// A caller and the statements of its own policy.
type Caller<'a> = (&'a str, Vec<Value>);

fn written(kind: DocumentKind, statements: &[Value]) -> WrittenPolicy {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    WrittenPolicy::parse(kind, &document.to_string()).unwrap()
}

fn ask(statements: &[Value], callers: &[Caller<'_>], rule: ResourceRule) -> Vec<Entry> {
    ask_under(&[], statements, callers, rule)
}

/// With these resource control policies.
fn ask_under(
    control: &[Value],
    statements: &[Value],
    callers: &[Caller<'_>],
    rule: ResourceRule,
) -> Vec<Entry> {
    let control: Vec<_> = control
        .iter()
        .map(|one| written(DocumentKind::ResourceControl, std::slice::from_ref(one)))
        .collect();
    let control: Vec<_> =
        control.iter().map(|policy| [Document { name: "control", policy }]).collect();
    let control: Vec<_> = control.iter().map(<[_; 1]>::as_slice).collect();
    let policy = written(DocumentKind::Resource, statements);
    let documents = [Document { name: ORDERS, policy: &policy }];
    let question = Question {
        action: "lambda:InvokeFunction",
        resource: ORDERS,
        resource_account: "111111111111",
        resource_rule: rule,
        documents: &documents,
        resource_control: &control,
        keys: &MapContext::from_iter([("aws:ResourceTag/Team", "orders")]),
        condition_keys: &GLOBAL_KEYS,
    };
    let principals: Vec<(Principal, WrittenPolicy)> = callers
        .iter()
        .map(|(arn, own)| (Principal::parse(arn).unwrap(), written(DocumentKind::Identity, own)))
        .collect();
    let owned: Vec<_> = principals
        .iter()
        .map(|(principal, policy)| (principal, [Document { name: "own", policy }]))
        .collect();
    who_can(
        &question,
        owned
            .iter()
            .map(|(principal, identity)| Candidate { identity, ..Candidate::new(principal) }),
    )
}

/// An entry in short: whom it is about, and with marks what is not sure about it.
fn short(entry: &Entry) -> String {
    let who = serde_json::to_value(&entry.who).unwrap();
    let mut text = who["id"].as_str().or(who["type"].as_str()).unwrap().to_owned();
    if !entry.ways.iter().any(portcullis_iam::analysis::Way::is_unconditional) {
        text.push_str(" if");
    }
    if !entry.unless.is_empty() {
        text.push_str(" unless");
    }
    for except in &entry.except {
        text.push_str(&format!(" except {except}"));
    }
    text
}

/// Who is listed beside root of the account.
#[track_caller]
fn check(statements: &[Value], callers: &[Caller<'_>], want: &[&str]) {
    let entries = ask(statements, callers, ResourceRule::Suffices);
    let root = "arn:aws:iam::111111111111:root";
    let got: Vec<String> = entries.iter().map(short).collect();
    assert!(got.iter().any(|one| one.starts_with(root)), "{entries:#?}");
    let got: Vec<&str> =
        got.iter().map(String::as_str).filter(|one| !one.starts_with(root)).collect();
    assert_eq!(got, want, "{statements:#?} {entries:#?}");
}

fn allow(principal: Value, condition: Value) -> Value {
    json!({"Sid": "s", "Effect": "Allow", "Principal": principal, "Resource": ORDERS,
           "Action": "lambda:InvokeFunction", "Condition": condition})
}

fn deny(principal: Value, condition: Value) -> Value {
    let mut statement = allow(principal, condition);
    statement["Effect"] = json!("Deny");
    statement
}

fn own(effect: &str, resource: &str, condition: Value) -> Vec<Value> {
    vec![json!({"Effect": effect, "Action": "lambda:Invoke*", "Resource": resource,
                "Condition": condition})]
}

#[test]
fn whom_resource_control_does_not_count_for_is_listed_though_everyone_is_not() {
    let linked =
        "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    let never = json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
    let mut in_part = never.clone();
    in_part["Condition"] = json!({"Bool": {"aws:SecureTransport": "false"}});
    let everyone = [allow(json!("*"), json!({}))];
    let callers = [(linked, Vec::new()), (ALICE, Vec::new())];
    for (control, want) in [
        (vec![], vec!["everyone"]),
        (vec![never], vec![linked]),
        (vec![in_part], vec!["everyone unless", linked]),
    ] {
        let entries = ask_under(&control, &everyone, &callers, ResourceRule::Suffices);
        let got: Vec<String> = entries.iter().map(short).collect();
        let got: Vec<&str> =
            got.iter().map(String::as_str).filter(|one| !one.contains(":root")).collect();
        assert_eq!(got, want, "{control:#?} {entries:#?}");
    }
}

#[test]
#[rustfmt::skip]
fn who_is_let_in_is_listed() {
    let no = || json!({});
    let aws = |value: &str| json!({"AWS": value});
    let s3 = || json!({"Service": "s3.amazonaws.com"});
    let nothing = |arn| vec![(arn, Vec::new())];
    let everything = |arn| vec![(arn, own("Allow", "*", no()))];
    check(&[], &nothing(ALICE), &[]);
    check(&[], &everything(ALICE), &[ALICE]);
    check(&[], &everything(BOB), &[]);
    check(&[], &everything(WORKER), &[WORKER]);
    check(&[allow(json!("*"), no())], &everything(ALICE), &["everyone", ALICE]);
    check(&[allow(json!("*"), no())], &nothing(ALICE), &["everyone"]);
    check(&[allow(aws(ALICE), no())], &nothing(ALICE), &[ALICE]);
    check(&[allow(aws(ALICE), no())], &[], &[ALICE]);
    check(&[allow(aws("111111111111"), no())], &nothing(ALICE), &[]);
    check(&[allow(aws("222222222222"), no())], &nothing(BOB), &["222222222222"]);
    check(&[allow(aws("222222222222"), no())], &everything(BOB), &["222222222222", BOB]);
    check(&[allow(aws("arn:aws:iam::111111111111:role/worker"), no())], &nothing(WORKER), &[WORKER]);
    check(&[allow(aws("arn:aws:iam::111111111111:role/worker"), no())], &[], &["arn:aws:iam::111111111111:role/worker"]);
    check(&[allow(s3(), no())], &[], &["s3.amazonaws.com"]);
    check(&[allow(s3(), json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}))], &[], &["s3.amazonaws.com if"]);
    check(&[allow(json!("*"), json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}))], &nothing(ALICE), &["any-service if"]);
    check(&[allow(json!("*"), json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::*"}}))], &nothing(ALICE), &["any-service if"]);
    check(&[allow(json!("*"), json!({"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}}))], &[], &["any-service if"]);
    check(&[allow(json!("*"), json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}))], &[], &["any-service if"]);
    check(&[allow(json!("*"), json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}))], &[], &["everyone if"]);
    check(&[allow(json!("*"), json!({"StringLike": {"aws:PrincipalOrgID": "?*"}}))], &[], &["everyone if"]);
    check(&[allow(json!("*"), json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}}))], &[], &["everyone if"]);
    check(&[allow(json!("*"), json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}))], &nothing(ALICE), &["o-a1b2c3d4e5 if"]);
    check(&[allow(json!("*"), json!({"StringEquals": {"aws:PrincipalAccount": "222222222222"}}))], &nothing(BOB), &["222222222222 if"]);
    check(&[allow(json!("*"), json!({"ArnEquals": {"aws:PrincipalArn": ALICE}}))], &[(ALICE, Vec::new()), (WORKER, Vec::new())], &["everyone if", ALICE]);
    check(&[allow(json!("*"), json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))], &nothing(ALICE), &["everyone if"]);
    check(&[allow(json!("*"), json!({"StringEquals": {"aws:ResourceTag/Team": "orders"}}))], &[], &["everyone"]);
    check(&[allow(json!("*"), json!({"StringEquals": {"aws:ResourceTag/Team": "other"}}))], &[], &[]);
    check(&[], &[(ALICE, own("Allow", ORDERS, json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})))], &["arn:aws:iam::111111111111:user/alice if"]);
    check(&[], &[(ALICE, own("Allow", "arn:aws:lambda:*:*:function:other", no()))], &[]);
    check(&[], &[(ALICE, own("Allow", "*", json!({"StringEquals": {"aws:username": "bob"}})))], &[]);
}

#[test]
#[rustfmt::skip]
fn what_denies_is_taken_into_account() {
    let no = || json!({});
    let s3 = || json!({"Service": "s3.amazonaws.com"});
    let all = || allow(json!("*"), no());
    let ip = || json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}});
    let everything = |arn| vec![(arn, own("Allow", "*", no()))];
    let except = format!("everyone except {ALICE}");
    check(&[all(), deny(json!({"AWS": ALICE}), no())], &everything(ALICE), &[&except]);
    check(&[all(), deny(json!("*"), ip())], &everything(ALICE), &["everyone unless", "arn:aws:iam::111111111111:user/alice unless"]);
    check(&[allow(s3(), no()), deny(s3(), no())], &[], &[]);
    check(&[allow(s3(), no()), deny(json!({"Service": "sns.amazonaws.com"}), no())], &[], &["s3.amazonaws.com"]);
    check(&[allow(s3(), no()), deny(json!("*"), json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}}))], &[], &[]);
    check(&[allow(json!({"AWS": "222222222222"}), no()), deny(json!({"AWS": BOB}), no())], &[], &["222222222222 except arn:aws:iam::222222222222:user/bob"]);
    check(&[allow(json!({"AWS": "222222222222"}), no()), deny(json!({"AWS": "arn:aws:iam::222222222222:root"}), no())], &[], &[]);
    check(&[], &[(ALICE, [own("Allow", "*", no()), own("Deny", ORDERS, no())].concat())], &[]);
    check(&[], &[(ALICE, [own("Allow", "*", no()), own("Deny", "*", ip())].concat())], &["arn:aws:iam::111111111111:user/alice unless"]);
    let session = "arn:aws:sts::111111111111:assumed-role/worker/night";
    check(&[deny(json!({"AWS": session}), no())], &everything(WORKER), &["arn:aws:iam::111111111111:role/team/worker except arn:aws:sts::111111111111:assumed-role/worker/night"]);
    check(&[allow(json!({"AWS": session}), no())], &[(WORKER, Vec::new())], &[session]);
}

#[test]
fn root_is_listed_unless_it_is_denied_or_a_grant_is_required() {
    let root = "arn:aws:iam::111111111111:root";
    let listed =
        |statements: &[Value], rule| ask(statements, &[], rule).iter().any(|e| short(e) == root);
    assert!(listed(&[], ResourceRule::Suffices));
    let denied = [deny(json!({"AWS": "111111111111"}), json!({}))];
    assert!(!listed(&denied, ResourceRule::Suffices));
    assert!(!listed(&[], ResourceRule::Required));
    assert!(listed(&[allow(json!({"AWS": "111111111111"}), json!({}))], ResourceRule::Required));
}

#[test]
fn entries_write_themselves_for_programs_and_people() {
    let source = json!({"ArnLike": {"AWS:SourceArn": ["arn:aws:s3:::a", "arn:aws:s3:::b"]}});
    let statements = [
        allow(json!({"Service": "s3.amazonaws.com"}), source),
        deny(json!("*"), json!({"Bool": {"aws:SecureTransport": "false"}})),
    ];
    let entries =
        ask(&statements, &[(ALICE, own("Allow", "*", json!({})))], ResourceRule::Suffices);
    let unless = json!([{"document": ORDERS, "statement": 1, "sid": "s",
                         "conditions": ["Bool aws:SecureTransport \"false\""]}]);
    assert_eq!(
        serde_json::to_value(&entries).unwrap(),
        json!([
            {
                "who": {"type": "service", "id": "s3.amazonaws.com"}, "own_policies": "known",
                "ways": [{"needs": [{"policy_type": "resource-based policy", "any_of": [{
                    "document": ORDERS, "statement": 0, "sid": "s",
                    "conditions": ["ArnLike AWS:SourceArn \"arn:aws:s3:::a\" or \"arn:aws:s3:::b\""],
                }]}]}],
                "unless": unless,
            },
            {
                "who": {"type": "root", "id": "arn:aws:iam::111111111111:root"},
                "own_policies": "known", "ways": [{"needs": []}], "unless": unless,
            },
            {
                "who": {"type": "principal", "id": ALICE}, "own_policies": "known",
                "ways": [{"needs": [{"policy_type": "identity-based policy", "any_of": [
                    {"document": "own", "statement": 0},
                ]}]}],
                "unless": unless,
            },
        ])
    );
    let unless = format!(
        "  unless Statement[1] (Sid \"s\") of {ORDERS}, if Bool aws:SecureTransport \"false\"\n"
    );
    assert_eq!(
        who_can_text(&entries, Style::Plain),
        format!(
            "s3.amazonaws.com\n  by resource-based policy: Statement[0] (Sid \"s\") of {ORDERS}, \
             if ArnLike AWS:SourceArn \"arn:aws:s3:::a\" or \"arn:aws:s3:::b\"\n{unless}\
             arn:aws:iam::111111111111:root (root of the resource's account)\n{unless}\
             {ALICE}\n  by identity-based policy: Statement[0] of own\n{unless}"
        )
    );
    assert_eq!(who_can_text(&[], Style::Plain), "nobody\n");
}
