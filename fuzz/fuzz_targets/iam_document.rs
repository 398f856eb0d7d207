//! Policy documents of every kind: what is accepted decides, and decides the same read without its
//! kind's rules, put together from its statements, in any order, and as its statements one by one.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use portcullis_iam::DocumentKind::{
    Boundary, Identity, Resource, ResourceControl, ServiceControl, Session, Trust,
};
use portcullis_iam::{
    Decision, DocumentKind, MapContext, Policies, Policy, Principal, Request, ResourceRule,
    Statement, decide,
};

fuzz_target!(|json: &str| {
    for kind in [Identity, Resource, Trust, Boundary, Session, ServiceControl, ResourceControl] {
        check(kind, json);
    }
});

fn check(kind: DocumentKind, json: &str) {
    let policy = match Policy::parse(kind, json) {
        Ok(policy) => policy,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains(char::is_control), "an error is one clean line: {text:?}");
            return;
        }
    };
    let mut statements = policy.statements().to_vec();
    let assembled = Policy::assemble(kind, statements.clone()).expect("they were together before");
    statements.reverse();
    let reversed = Policy::assemble(kind, statements).expect("the order does not matter");
    let read = Policy::parse_unvalidated(kind, json).expect("what is valid can be read");
    let alone = |one: &Arc<Statement>| {
        Policy::assemble(kind, vec![one.clone()]).expect("a statement may stand alone")
    };
    let singles: Vec<Policy> = policy.statements().iter().map(alone).collect();
    for (principal, action, resource) in CALLS.iter() {
        let request = Request {
            principal,
            action,
            resource,
            resource_account: "111111111111",
            context: &*CONTEXT,
        };
        let want = decision(&request, &policy);
        for other in [&assembled, &reversed, &read] {
            assert_eq!(decision(&request, other), want, "{kind}: {action} on {resource}");
        }
        let singly = singles.iter().map(|single| weight(decision(&request, single))).max();
        assert_eq!(singly.unwrap_or(weight(want)), weight(want), "{kind}: {action} on {resource}");
    }
}

/// Of what several statements say, the weightiest counts: one Deny, else one Allow.
fn weight(decision: Decision) -> u8 {
    match decision {
        Decision::ImplicitlyDenied(_) => 0,
        Decision::Allowed => 1,
        Decision::ExplicitlyDenied(_) => 2,
    }
}

/// What is decided where `policy` is the one that matters.
fn decision(request: &Request<'_>, policy: &Policy) -> Decision {
    let (pool, base) = (&[policy], Policies { identity: &[&EVERYTHING], ..Policies::default() });
    let policies = match policy.kind() {
        Identity => Policies { identity: pool, ..base },
        Resource => Policies { identity: &[], resource: pool, ..base },
        Trust => Policies { resource: pool, resource_rule: ResourceRule::Required, ..base },
        Boundary => Policies { boundary: pool, ..base },
        Session => Policies { session: Some(pool), ..base },
        ServiceControl => Policies { service_control: Some(&[pool]), ..base },
        ResourceControl => Policies { resource_control: Some(&[pool]), ..base },
    };
    decide(request, &policies)
}

static EVERYTHING: LazyLock<Policy> = LazyLock::new(|| {
    let json = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Policy::parse(Identity, json).expect("a policy")
});

static CONTEXT: LazyLock<MapContext> = LazyLock::new(|| {
    let mut context = MapContext::new();
    for (key, value) in [
        ("aws:SourceArn", "arn:aws:s3:::bucket"),
        ("aws:SourceAccount", "111111111111"),
        ("aws:SourceIp", "203.0.113.7"),
        ("aws:CurrentTime", "2026-01-02T03:04:05Z"),
        ("aws:SecureTransport", "true"),
        ("aws:username", "alice"),
        ("aws:PrincipalTag/team", "red"),
        ("lambda:FunctionUrlAuthType", "NONE"),
    ] {
        context.insert(key, value);
    }
    context.insert_list("aws:TagKeys", ["team".to_owned(), "cost".to_owned()]);
    context
});

type Call = (Principal, &'static str, &'static str);

static CALLS: LazyLock<Vec<Call>> = LazyLock::new(|| {
    const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:f:prod";
    const OBJECT: &str = "arn:aws:s3:::bucket/key";
    let calls = [
        ("arn:aws:iam::111111111111:user/team/alice", "lambda:InvokeFunction", FUNCTION),
        ("arn:aws:iam::111111111111:user/team/alice", "s3:GetObject", OBJECT),
        ("arn:aws:iam::222222222222:user/alice", "lambda:InvokeFunction", FUNCTION),
        ("arn:aws:iam::111111111111:root", "lambda:ListFunctions", "*"),
        ("arn:aws:sts::111111111111:assumed-role/r/s", "lambda:GetPolicy", FUNCTION),
        ("arn:aws:sts::111111111111:federated-user/f", "s3:GetObject", OBJECT),
        ("s3.amazonaws.com", "lambda:InvokeFunction", FUNCTION),
        ("lambda.amazonaws.com", "sts:AssumeRole", "arn:aws:iam::111111111111:role/r"),
        ("anonymous", "lambda:InvokeFunctionUrl", FUNCTION),
    ];
    let parsed = |text| Principal::parse(text).expect("a principal");
    calls.map(|(principal, action, resource)| (parsed(principal), action, resource)).into()
});
