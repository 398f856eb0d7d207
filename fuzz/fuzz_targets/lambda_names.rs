//! Function names, qualifiers and grants: a name resolves to what its full form resolves to, and
//! the policy that grants make is one that the policy engine accepts, and reads back.
//!
//! The input is lines: function name, qualifier, and the members of up to four grants, each of them
//! separated by tabs; an empty one is absent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_iam::{DocumentKind, NoEntities, Policy};
use portcullis_lambda::{
    Endpoint, FunctionReference, Grant, GrantInput, Qualifier, RESOURCE_POLICY_BYTES_MAX,
    ResourcePolicy, RevisionId, Target,
};

fuzz_target!(|input: &str| {
    let mut lines = input.split('\n');
    let name = lines.next().unwrap_or_default();
    let qualifier = lines.next().filter(|text| !text.is_empty());
    if let Some(text) = qualifier {
        assert_eq!(Qualifier::parse(text).to_string(), text);
    }
    let Some(target) = resolve(name, qualifier) else { return };
    let mut policy = None;
    for line in lines.take(4) {
        policy = add(policy, &target, line);
    }
});

/// What a name means here; its full form means the same.
fn resolve(name: &str, qualifier: Option<&str>) -> Option<Target> {
    let (account, region) = ("111111111111".parse(), "us-east-1".parse());
    let (account, region) = (account.expect("an account"), region.expect("a region"));
    let endpoint = Endpoint { account: &account, region: &region };
    let reference = FunctionReference::parse(name).ok()?;
    let target = reference.resolve(None, endpoint).ok()?.target().clone();
    let full = FunctionReference::parse(&target.to_string()).expect("a full name is a name");
    let again = full.resolve(None, endpoint).expect("it was short enough");
    assert_eq!(again.target(), &target, "{name}");
    assert_eq!(target.function.as_str().parse().as_ref(), Ok(&target.function));
    let resolution = reference.resolve(qualifier, endpoint).ok()?;
    let target = resolution.target().clone();
    let creatable = resolution.clone().check_creation();
    assert!(creatable.is_err() || resolution.check().is_ok(), "{name}");
    Some(target)
}

fn add(current: Option<ResourcePolicy>, target: &Target, line: &str) -> Option<ResourcePolicy> {
    let revision: RevisionId = "00000000-0000-0000-0000-000000000001".parse().expect("a uuid");
    let Ok(grant) = Grant::try_from(&input(line)) else { return current };
    let added = ResourcePolicy::add(
        current.as_ref(),
        target,
        revision,
        &grant,
        None,
        revision,
        &NoEntities,
    );
    let Ok(policy) = added else { return current };
    let json = policy.to_json();
    assert_eq!(json.len(), policy.size());
    assert!(policy.size() <= RESOURCE_POLICY_BYTES_MAX);
    let parsed = Policy::parse(DocumentKind::Resource, &json);
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {json}"));
    let sid = grant.statement_id().as_str();
    assert_eq!(parsed.statements().last().and_then(|statement| statement.sid()), Some(sid));
    let restored =
        ResourcePolicy::restore(policy.head().clone(), policy.statements().to_vec(), revision);
    assert_eq!(restored.as_ref(), Ok(&policy));
    let removed = ResourcePolicy::remove(Some(&policy), sid, None, revision).expect("it is there");
    assert_eq!(removed.map(|policy| policy.to_json()), current.map(|policy| policy.to_json()));
    Some(policy)
}

fn input(line: &str) -> GrantInput {
    let mut members = line.split('\t');
    let mut next = || members.next().unwrap_or_default().to_owned();
    let (statement_id, action, principal) = (next(), next(), next());
    let mut optional = || Some(next()).filter(|text| !text.is_empty());
    GrantInput {
        statement_id,
        action,
        principal,
        source_arn: optional(),
        source_account: optional(),
        event_source_token: optional(),
        principal_org_id: optional(),
        function_url_auth_type: optional(),
        invoked_via_function_url: optional().map(|text| text == "true"),
    }
}
