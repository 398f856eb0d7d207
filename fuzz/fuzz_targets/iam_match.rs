//! Wildcards, ARNs and principals: the fast matcher is the plain one, an ARN is its parts, and what
//! is looked up among many is found as if it were alone. The input is two lines: pattern, text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_iam::{
    Arn, Decision, DocumentKind, MapContext, Policies, Policy, Principal, Request, decide, glob,
};
use serde_json::{Value, json};

fuzz_target!(|input: &str| {
    let (pattern, text) = input.split_once('\n').unwrap_or((input, ""));
    assert_eq!(glob(pattern, text), plain(pattern, text), "{pattern:?} on {text:?}");
    check_arn(pattern);
    check_arn(text);
    check_elements(pattern, text);
    check_principal(pattern, text);
});

/// The definition, by dynamic programming: which beginnings of `text` the pattern so far covers.
fn plain(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut covered = vec![false; text.len() + 1];
    covered[0] = true;
    for part in pattern.chars() {
        if part == '*' {
            let first = covered.iter().position(|&is| is).unwrap_or(covered.len());
            covered[first..].fill(true);
            continue;
        }
        for end in (1..covered.len()).rev() {
            covered[end] = covered[end - 1] && (part == '?' || part == text[end - 1]);
        }
        covered[0] = false;
    }
    covered.last() == Some(&true)
}

fn check_arn(text: &str) {
    let is_arn = text.starts_with("arn:") && text.matches(':').count() >= 5;
    let arn = Arn::split(text);
    assert_eq!(arn.is_some(), is_arn, "{text:?}");
    if let Some(arn) = arn {
        assert_eq!(format!("{}:{}", arn.fields().join(":"), arn.resource()), text);
        assert_eq!(format!("{}{}", arn.head(), arn.resource()), text);
    }
    match Principal::parse(text) {
        Ok(principal) => assert_eq!(principal.as_str(), text),
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
}

/// Entries that are made long lists of, which are looked up and not tried.
fn many(first: &str, others: impl Fn(usize) -> String) -> Vec<String> {
    let others = (0..9).map(others);
    others.chain([first.to_owned()]).collect()
}

/// As Action and Resource, alone and among others, a pattern matches field by field what it is.
fn check_elements(pattern: &str, text: &str) {
    let caller = Principal::parse("arn:aws:iam::111111111111:user/alice").expect("a user");
    let lower = |text: &str| text.to_ascii_lowercase();
    let action = plain(&lower(pattern), &lower(text));
    let others = |n| format!("other{n}:{pattern}");
    let actions = many(pattern, others);
    let among = actions.iter().any(|one| plain(&lower(one), &lower(text)));
    let statement = |actions: Value| json!({ "Action": actions, "Resource": "*" });
    assert_eq!(
        allows(&caller, statement(json!(pattern)), text, "*"),
        action,
        "{pattern:?} on {text:?}"
    );
    assert_eq!(
        allows(&caller, statement(json!(actions)), text, "*"),
        among,
        "{pattern:?} on {text:?}"
    );

    let others = |n| format!("arn:aws:other{n}:::{pattern}");
    let resources = many(pattern, others);
    let among = resources.iter().any(|one| covers(one, text));
    let statement = |resources: Value| json!({ "Action": "*", "Resource": resources });
    let alone = covers(pattern, text);
    assert_eq!(
        allows(&caller, statement(json!(pattern)), "a:b", text),
        alone,
        "{pattern:?} on {text:?}"
    );
    assert_eq!(
        allows(&caller, statement(json!(resources)), "a:b", text),
        among,
        "{pattern:?} on {text:?}"
    );
}

/// iam.md §3.3, for patterns without variables.
fn covers(pattern: &str, text: &str) -> bool {
    if !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*') {
        return true;
    }
    let Some(arn) = Arn::split(text) else { return false };
    let mut fields: Vec<&str> = pattern.splitn(6, ':').collect();
    if fields.len() < 6 && (fields[0] != "arn" || fields.len() < 2) {
        return false;
    }
    fields.resize(6, "*");
    let parts = arn.fields().into_iter().chain([arn.resource()]);
    fields.into_iter().zip(parts).all(|(pattern, part)| plain(pattern, part))
}

/// As a principal, a value names a caller alone as it does among others.
fn check_principal(value: &str, caller: &str) {
    let Ok(caller) = Principal::parse(caller) else { return };
    // None of them the caller.
    let nine = caller.account().is_some_and(|account| account.starts_with('9'));
    let account = if nine { "88888888888" } else { "99999999999" };
    let others = |n| format!("arn:aws:iam::{account}{n}:role/other");
    for kind in ["AWS", "Service"] {
        for name in ["Principal", "NotPrincipal"] {
            let statement = |who: Value| json!({ "Action": "*", "Resource": "*", name: { kind: who }, "Effect": "Deny" });
            let denied = |who: Value| decided(&caller, statement(who), DocumentKind::Resource);
            let among = denied(json!(many(value, others)));
            assert_eq!(denied(json!(value)), among, "{kind} {name} {value:?} {caller}");
        }
    }
}

fn allows(caller: &Principal, mut statement: Value, action: &str, resource: &str) -> bool {
    statement["Effect"] = json!("Allow");
    let document = json!({ "Statement": [statement] }).to_string();
    let policy = Policy::parse_unvalidated(DocumentKind::Identity, &document).expect("a policy");
    let context = MapContext::new();
    let account = "111111111111";
    let request = Request {
        principal: caller,
        action,
        resource,
        resource_account: account,
        context: &context,
    };
    decide(&request, &Policies { identity: &[&policy], ..Policies::default() }).is_allowed()
}

fn decided(caller: &Principal, statement: Value, kind: DocumentKind) -> Decision {
    let document = json!({ "Statement": [statement] }).to_string();
    let policy = Policy::parse_unvalidated(kind, &document).expect("a policy");
    let context = MapContext::new();
    let request = Request {
        principal: caller,
        action: "a:b",
        resource: "*",
        resource_account: "111111111111",
        context: &context,
    };
    decide(&request, &Policies { resource: &[&policy], ..Policies::default() })
}
