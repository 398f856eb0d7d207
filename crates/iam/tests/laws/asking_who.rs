//! Laws of the answer who may perform an action: it agrees with the decision.

use portcullis_iam::analysis::{
    Candidate, Document, Entry, GLOBAL_KEYS, Question, Way, Who, WrittenPolicy, who_can,
};
use portcullis_iam::{DocumentKind, MapContext, Principal, ResourceRule};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{decide, generate};

fn read(kind: DocumentKind, list: &Value) -> Vec<WrittenPolicy> {
    let read = |document: &Value| WrittenPolicy::parse(kind, &document.to_string()).unwrap();
    list.as_array().into_iter().flatten().map(read).collect()
}

fn levels(kind: DocumentKind, list: &Value) -> Option<Vec<Vec<WrittenPolicy>>> {
    list.as_array().map(|all| all.iter().map(|level| read(kind, &level["policies"])).collect())
}

fn documents(policies: &[WrittenPolicy]) -> Vec<Document<'_>> {
    policies.iter().map(|policy| Document { name: "document", policy }).collect()
}

fn lent(levels: Option<&Vec<Vec<WrittenPolicy>>>) -> Option<Vec<Vec<Document<'_>>>> {
    levels.map(|all| all.iter().map(|level| documents(level)).collect())
}

/// Who can do what the case asks about; the case's documents belong to `candidate`, if there is one.
fn entries(case: &Value, candidate: Option<&Principal>) -> Vec<Entry> {
    let identity = read(DocumentKind::Identity, &case["identityPolicies"]);
    let boundary = read(DocumentKind::Boundary, &case["permissionBoundaries"]);
    let session = case.get("sessionPolicies").map(|list| read(DocumentKind::Session, list));
    let resource: Vec<Value> = case.get("resourcePolicy").cloned().into_iter().collect();
    let resource = read(DocumentKind::Resource, &Value::from(resource));
    let service = levels(DocumentKind::ServiceControl, &case["serviceControlPolicies"]);
    let control = levels(DocumentKind::ResourceControl, &case["resourceControlPolicies"]);
    let (identity, boundary, resource) =
        (documents(&identity), documents(&boundary), documents(&resource));
    let session = session.as_ref().map(|policies| documents(policies));
    let (service, control) = (lent(service.as_ref()), lent(control.as_ref()).unwrap_or_default());
    let service: Option<Vec<_>> =
        service.as_ref().map(|all| all.iter().map(Vec::as_slice).collect());
    let control: Vec<_> = control.iter().map(Vec::as_slice).collect();
    let question = Question {
        action: case["action"].as_str().unwrap(),
        resource: case["resource"]["arn"].as_str().unwrap(),
        resource_account: case["resource"]["accountId"].as_str().unwrap(),
        resource_rule: ResourceRule::Suffices,
        documents: &resource,
        resource_control: &control,
        keys: &MapContext::new(),
        condition_keys: &GLOBAL_KEYS,
    };
    let candidate = candidate.map(|principal| Candidate {
        principal,
        identity: &identity,
        boundary: &boundary,
        session: session.as_deref(),
        service_control: service.as_deref(),
        keys: None,
    });
    who_can(&question, candidate)
}

/// The case with the condition keys that a call of its principal has (iam.md §9).
fn consistent(mut case: Value) -> Value {
    let principal = case["principal"].as_str().unwrap().to_owned();
    let keys = case["context"].as_object_mut().unwrap();
    keys.retain(|key, _| key != "aws:username");
    if principal.contains(":user/") {
        keys.insert("aws:username".to_owned(), json!(principal.rsplit('/').next()));
    }
    if !principal.ends_with(".amazonaws.com") {
        keys.retain(|key, _| key != "AWS:SourceArn");
    }
    case
}

/// That the entries agree with the decision about a call of `caller`.
fn check(case: &Value, entries: &[Entry], caller: &Principal, sure: bool) {
    let decision = decide(case);
    let fitting: Vec<_> = entries.iter().filter(|entry| entry.may_be(caller)).collect();
    if decision.is_allowed() {
        assert!(!fitting.is_empty(), "nobody is like {caller}: {entries:#?} {case:#}");
        return;
    }
    let about = |entry: &&&Entry| sure && entry.is_unconditional();
    assert!(fitting.iter().find(about).is_none(), "{decision:?}: {entries:#?} {case:#}");
    let open = |entry: &Entry| {
        let plain = entry.unless.is_empty() && entry.except.is_empty();
        entry.who == Who::Everyone && plain && entry.ways.iter().any(Way::is_unconditional)
    };
    let account = caller.account().is_some();
    assert!(account || !entries.iter().any(open), "{decision:?}: {entries:#?} {case:#}");
}

/// Sessions and their roles.
const SESSIONS: [(&str, &str); 3] = [
    (
        "arn:aws:sts::111111111111:assumed-role/worker/s1",
        "arn:aws:iam::111111111111:role/team/worker",
    ),
    ("arn:aws:sts::222222222222:assumed-role/worker/s1", "arn:aws:iam::222222222222:role/worker"),
    (
        "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForX/s1",
        "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn who_is_allowed_is_listed_and_who_is_listed_without_condition_is_allowed(case in generate::case()) {
        let case = consistent(case);
        let caller = crate::common::read::principal(case["principal"].as_str().unwrap());
        let candidate = Some(&caller).filter(|caller| caller.account().is_some());
        check(&case, &entries(&case, candidate), &caller, true);
    }

    #[test]
    fn a_role_stands_for_its_sessions(case in generate::case(), session in 0_usize..3) {
        let (session, role) = SESSIONS[session];
        let mut case = case;
        case["principal"] = json!(session);
        let mut case = consistent(case);
        let caller = Principal::parse(session).unwrap();
        let role = Principal::parse(role).unwrap();
        let session = case.as_object_mut().unwrap().remove("sessionPolicies");
        let entries = entries(&case, Some(&role));
        check(&case, &entries, &caller, true);
        if let Some(session) = session {
            case["sessionPolicies"] = session;
            check(&case, &entries, &caller, false);
        }
    }

    #[test]
    fn root_of_the_resources_account_is_always_asked(case in generate::case()) {
        let mut case = consistent(case);
        let account = case["resource"]["accountId"].as_str().unwrap().to_owned();
        let root = format!("arn:aws:iam::{account}:root");
        case["principal"] = json!(root);
        case.as_object_mut().unwrap().remove("serviceControlPolicies");
        let case = consistent(case);
        check(&case, &entries(&case, None), &Principal::parse(&root).unwrap(), true);
    }
}
