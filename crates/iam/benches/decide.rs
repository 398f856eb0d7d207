//! How long a decision takes, that it allocates nothing, and what a policy costs to make. Run `cargo bench -p portcullis-iam`.
//!
//! Targets (design.md §5): 250 ns at the median for a typical policy, 2 µs for one of 20 KB.

use std::{fmt::Write as _, sync::Arc};

use divan::{AllocProfiler, Bencher, black_box};
use portcullis_iam::{
    Decision, DocumentKind, MapContext, Policies, Policy, Principal, Request, Statement, decide,
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const ACCOUNT: &str = "111111111111";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";
const USER: &str = "arn:aws:iam::111111111111:user/alice";

fn main() {
    divan::main();
}

fn parse(kind: DocumentKind, text: &str) -> Policy {
    Policy::parse(kind, text).unwrap_or_else(|error| unreachable!("{error}: {text}"))
}

fn caller(text: &str) -> Principal {
    Principal::parse(text).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Measures one decision and demands its outcome.
fn measure(
    bencher: Bencher<'_, '_>,
    principal: &Principal,
    context: &MapContext,
    policies: &Policies<'_>,
    allowed: bool,
) {
    let request = Request {
        principal,
        action: "lambda:InvokeFunction",
        resource: FUNCTION,
        resource_account: ACCOUNT,
        context,
    };
    assert_eq!(decide(&request, policies) == Decision::Allowed, allowed);
    bencher.bench_local(|| decide(black_box(&request), black_box(policies)));
}

fn invoke_by_service(bucket: usize) -> String {
    format!(
        concat!(
            r#"{{"Sid":"s{bucket}","Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"#,
            r#""Action":"lambda:InvokeFunction","Resource":"{FUNCTION}","#,
            r#""Condition":{{"StringEquals":{{"AWS:SourceAccount":"{ACCOUNT}"}},"#,
            r#""ArnLike":{{"AWS:SourceArn":"arn:aws:s3:::bucket-{bucket}"}}}}}}"#
        ),
        bucket = bucket,
        FUNCTION = FUNCTION,
        ACCOUNT = ACCOUNT,
    )
}

/// A function's policy of so many grants to S3, as AddPermission writes them.
fn grants_text(count: usize) -> String {
    let statements: Vec<_> = (0..count).map(invoke_by_service).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn grants(count: usize) -> Policy {
    parse(DocumentKind::Resource, &grants_text(count))
}

/// As many of them as a function's policy may have: 20,480 bytes.
fn full() -> usize {
    (1..).take_while(|count| grants_text(*count).len() <= 20_480).last().unwrap_or_default()
}

fn from_bucket(bucket: usize) -> MapContext {
    MapContext::from_iter([
        ("aws:SourceArn", format!("arn:aws:s3:::bucket-{bucket}")),
        ("aws:SourceAccount", ACCOUNT.to_owned()),
        ("aws:SecureTransport", "true".to_owned()),
    ])
}

fn identity_policy() -> Policy {
    parse(
        DocumentKind::Identity,
        r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"Read","Effect":"Allow","Action":["lambda:Get*","lambda:List*"],"Resource":"*"},
        {"Sid":"Invoke","Effect":"Allow","Action":"lambda:InvokeFunction",
         "Resource":"arn:aws:lambda:*:111111111111:function:*",
         "Condition":{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}},
        {"Sid":"NoDelete","Effect":"Deny","Action":"lambda:Delete*","Resource":"*"}]}"#,
    )
}

fn user_context() -> MapContext {
    MapContext::from_iter([
        ("aws:SourceIp", "203.0.113.7"),
        ("aws:SecureTransport", "true"),
        ("aws:username", "alice"),
        ("aws:PrincipalArn", USER),
    ])
}

/// A user with an identity policy of three statements calls a function that grants to S3.
#[divan::bench]
fn typical_user(bencher: Bencher<'_, '_>) {
    let (identity, resource) = (identity_policy(), grants(1));
    let policies =
        Policies { identity: &[&identity], resource: &[&resource], ..Policies::default() };
    measure(bencher, &caller(USER), &user_context(), &policies, true);
}

/// S3 calls a function with two grants.
#[divan::bench]
fn typical_service(bencher: Bencher<'_, '_>) {
    let resource = grants(2);
    let policies = Policies { resource: &[&resource], ..Policies::default() };
    measure(bencher, &caller("s3.amazonaws.com"), &from_bucket(1), &policies, true);
}

/// S3 calls a function whose policy is full of grants to S3 for other buckets.
#[divan::bench]
fn full_of_near_misses(bencher: Bencher<'_, '_>) {
    let resource = grants(full());
    let policies = Policies { resource: &[&resource], ..Policies::default() };
    measure(bencher, &caller("s3.amazonaws.com"), &from_bucket(800), &policies, false);
}

/// The last grant of a full policy is the one.
#[divan::bench]
fn last_of_a_full_policy(bencher: Bencher<'_, '_>) {
    let count = full();
    let resource = grants(count);
    let policies = Policies { resource: &[&resource], ..Policies::default() };
    measure(bencher, &caller("s3.amazonaws.com"), &from_bucket(count - 1), &policies, true);
}

/// A user calls a function whose policy is full of grants to a service.
#[divan::bench]
fn full_for_others(bencher: Bencher<'_, '_>) {
    let (identity, resource) = (identity_policy(), grants(full()));
    let policies =
        Policies { identity: &[&identity], resource: &[&resource], ..Policies::default() };
    measure(bencher, &caller(USER), &user_context(), &policies, true);
}

/// An identity policy of 80 statements about as many functions, the last of which allows.
#[divan::bench]
fn eighty_functions(bencher: Bencher<'_, '_>) {
    let statement = |name: &str| {
        let resource = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}");
        format!(r#"{{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"{resource}"}}"#)
    };
    let others: String = (0..79).map(|index| statement(&format!("f{index}")) + ",").collect();
    let text = format!(r#"{{"Statement":[{others}{}]}}"#, statement("orders"));
    let identity = parse(DocumentKind::Identity, &text);
    let policies = Policies { identity: &[&identity], ..Policies::default() };
    measure(bencher, &caller(USER), &user_context(), &policies, true);
}

/// An identity policy that allows all but 80 resources, each denied by a statement of its own.
#[divan::bench]
fn deny_list(bencher: Bencher<'_, '_>) {
    let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    for index in 0..80 {
        let resource = format!("arn:aws:lambda:*:*:function:${{aws:username}}-{index}-*");
        let _ = write!(text, r#"{{"Effect":"Deny","Action":"lambda:*","Resource":"{resource}"}},"#);
    }
    text.push_str(r#"{"Effect":"Allow","Action":"*","Resource":"*"}]}"#);
    let identity = parse(DocumentKind::Identity, &text);
    let policies = Policies { identity: &[&identity], ..Policies::default() };
    measure(bencher, &caller(USER), &user_context(), &policies, true);
}

/// Reading and compiling a full policy.
#[divan::bench]
fn parse_full(bencher: Bencher<'_, '_>) {
    let text = grants_text(full());
    bencher.bench(|| parse(DocumentKind::Resource, &text));
}

fn statement(text: &str) -> Arc<Statement> {
    let parsed = Statement::parse(DocumentKind::Resource, text);
    parsed.unwrap_or_else(|error| unreachable!("{error}: {text}"))
}

fn assemble(statements: &[Arc<Statement>]) -> Policy {
    let policy = Policy::assemble(DocumentKind::Resource, statements.to_vec());
    policy.unwrap_or_else(|error| unreachable!("{error}"))
}

/// Reading and compiling one statement: what a grant adds to a policy that is compiled.
#[divan::bench]
fn parse_statement(bencher: Bencher<'_, '_>) {
    let text = invoke_by_service(1);
    bencher.bench(|| statement(&text));
}

/// A full policy from statements that are compiled, with conditions of one kind.
#[divan::bench]
fn assemble_full(bencher: Bencher<'_, '_>) {
    let statements: Vec<_> = (0..full()).map(|n| statement(&invoke_by_service(n))).collect();
    bencher.bench(|| assemble(&statements));
}

/// The same where neighbours have nothing in common.
#[divan::bench]
fn assemble_mixed(bencher: Bencher<'_, '_>) {
    let mixed = |n: usize| {
        let text = invoke_by_service(n).replace("s3.amazonaws", &format!("s{n}.amazonaws"));
        if n.is_multiple_of(2) {
            text
        } else {
            text.replace("AWS:SourceAccount", "aws:PrincipalOrgID")
        }
    };
    let statements: Vec<_> = (0..full()).map(|n| statement(&mixed(n))).collect();
    bencher.bench(|| assemble(&statements));
}
