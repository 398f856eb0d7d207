//! Principals bound to unique ids: whom they name, and how they are shown.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::borrow::Cow;

use portcullis_iam::{
    Bindings, Decision, DocumentKind, Entities, Identified, MapContext, Policies, Policy,
    Principal, Request, decide,
};

const USER: &str = "arn:aws:iam::111111111111:user/p/alice";
const RENAMED: &str = "arn:aws:iam::111111111111:user/alicia";
const ROLE: &str = "arn:aws:iam::111111111111:role/p/deploy";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/deploy/night";
const OTHER_SESSION: &str = "arn:aws:sts::111111111111:assumed-role/deploy/day";
const FEDERATED: &str = "arn:aws:sts::111111111111:federated-user/susan";
const ALICE: &str = "AIDAAAAAAAAAAAAAAAAAA";
const DEPLOY: &str = "AROAAAAAAAAAAAAAAAAAA";
const LATER: &str = "AROABBBBBBBBBBBBBBBBB";
const LATER_ALICE: &str = "AIDABBBBBBBBBBBBBBBBB";

/// The user and the role, where they are there; under these names.
struct Known {
    user: Option<&'static str>,
    role: bool,
}

impl Entities for Known {
    fn identify(&self, text: &str) -> Identified {
        match text {
            ALICE if self.user.is_some() => Identified::As(ALICE.into()),
            _ if Some(text) == self.user => Identified::As(ALICE.into()),
            ROLE | SESSION | OTHER_SESSION if self.role => Identified::As(DEPLOY.into()),
            _ if text.contains("222222222222") => Identified::Unknown,
            _ => Identified::Nobody,
        }
    }

    fn arn_of(&self, id: &str) -> Option<Cow<'_, str>> {
        match id {
            ALICE => self.user.map(Into::into),
            DEPLOY => self.role.then_some(ROLE.into()),
            _ => None,
        }
    }
}

const THERE: Known = Known { user: Some(USER), role: true };

fn document(principals: &[&str]) -> String {
    let list = serde_json::to_string(principals).unwrap();
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":{list}}},"Action":"lambda:*","Resource":"*"}}]}}"#
    )
}

fn allows(policy: &Policy, caller: &Principal) -> bool {
    let request = Request {
        principal: caller,
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:us-east-1:111111111111:function:f",
        resource_account: "111111111111",
        context: &MapContext::default(),
    };
    let policies = Policies { resource: &[policy], ..Policies::default() };
    decide(&request, &policies) == Decision::Allowed
}

/// Whether `principal`, bound while both are there, allows `caller`, who has `id`; alone and among
/// many, where an index finds it.
#[track_caller]
fn check_named(principal: &str, caller: &str, id: Option<&str>, want: bool) {
    let caller = Principal::parse(caller).unwrap();
    let caller = match caller.kind() {
        portcullis_iam::PrincipalKind::FederatedUser => caller.with_parent(USER).unwrap(),
        _ => caller,
    };
    let caller = match id {
        Some(id) => caller.with_id(id),
        None => caller,
    };
    let strangers: Vec<String> =
        (0..40).map(|number| format!("arn:aws:iam::222222222222:user/u{number}")).collect();
    for others in [&[][..], &strangers] {
        let all: Vec<&str> = others.iter().map(String::as_str).chain([principal]).collect();
        let document = document(&all);
        let bindings = Bindings::of(&document, &THERE).unwrap();
        let policy = Policy::parse_bound(DocumentKind::Resource, &document, &bindings).unwrap();
        assert_eq!(allows(&policy, &caller), want, "{principal} of {} by {caller}", all.len());
    }
}

#[test]
#[rustfmt::skip]
fn a_bound_principal_names_the_id_whatever_its_name() {
    check_named(USER,    USER,          Some(ALICE),       true);
    check_named(USER,    RENAMED,       Some(ALICE),       true);
    check_named(USER,    USER,          Some(LATER_ALICE), false);
    check_named(USER,    USER,          None,              false);
    check_named(ALICE,   USER,          Some(ALICE),       true);
    check_named(ROLE,    SESSION,       Some(DEPLOY),      true);
    check_named(ROLE,    OTHER_SESSION, Some(DEPLOY),      true);
    check_named(ROLE,    SESSION,       Some(LATER),       false);
    check_named(SESSION, SESSION,       Some(DEPLOY),      true);
    check_named(SESSION, OTHER_SESSION, Some(DEPLOY),      false);
    check_named(SESSION, SESSION,       Some(LATER),       false);
    check_named(FEDERATED, FEDERATED,   Some(ALICE),       true);
    check_named("arn:aws:iam::222222222222:user/x", "arn:aws:iam::222222222222:user/y", None, false);
}

#[test]
fn a_grant_to_a_user_reaches_its_federated_sessions_as_far_as_an_account_does() {
    let document = document(&[USER]);
    let deny = document.replace("Allow", "Deny");
    let caller = Principal::parse(FEDERATED).unwrap().with_parent(USER).unwrap();
    for (id, want) in [(ALICE, true), (LATER_ALICE, false)] {
        let bindings = Bindings::of(&deny, &THERE).unwrap();
        let policy = Policy::parse_bound(DocumentKind::Resource, &deny, &bindings).unwrap();
        let all = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let [identity, session] = [DocumentKind::Identity, DocumentKind::Session]
            .map(|kind| Policy::parse(kind, all).unwrap());
        let policies = Policies {
            resource: &[&policy],
            identity: &[&identity],
            session: Some(&[&session]),
            ..Policies::default()
        };
        let caller = caller.clone().with_id(id);
        let request = Request {
            principal: &caller,
            action: "lambda:InvokeFunction",
            resource: "arn:aws:lambda:us-east-1:111111111111:function:f",
            resource_account: "111111111111",
            context: &MapContext::default(),
        };
        assert_eq!(decide(&request, &policies) != Decision::Allowed, want, "{id}");
    }
}

/// What binding a principal gives: an id, nothing, or the refusal.
#[track_caller]
fn check_bound(known: &Known, principal: &str, want: Result<Option<&str>, &str>) {
    let text = document(&["*", principal]);
    let got = Bindings::of(&text, known);
    let got = got.as_ref().map(|bindings| bindings.get(principal)).map_err(ToString::to_string);
    assert_eq!(got, want.map_err(str::to_owned), "{principal}");
}

#[test]
#[rustfmt::skip]
fn a_principal_is_bound_refused_or_left_a_name() {
    let gone = Known { user: None, role: false };
    let refusal = format!(r#"Invalid principal in policy: "AWS":"{USER}""#);
    check_bound(&THERE, USER,    Ok(Some(ALICE)));
    check_bound(&THERE, ALICE,   Ok(Some(ALICE)));
    check_bound(&THERE, SESSION, Ok(Some(DEPLOY)));
    check_bound(&gone,  USER,    Err(&refusal));
    check_bound(&gone,  ALICE,   Err(&refusal.replace(USER, ALICE)));
    check_bound(&gone,  SESSION, Ok(None));
    check_bound(&gone,  "111111111111", Ok(None));
    check_bound(&gone,  "arn:aws:iam::111111111111:root", Ok(None));
    check_bound(&gone,  FEDERATED, Ok(None));
    check_bound(&gone,  "arn:aws:iam::222222222222:user/x", Ok(None));
}

/// How a document that was bound while both were there is shown to one who knows `known`.
#[track_caller]
fn check_shown(known: &Known, document: &str, want: &str) {
    let bindings = Bindings::of(document, &THERE).unwrap();
    assert_eq!(bindings.show(document, known), want);
    let live = bindings.iter().all(|(_, id)| known.arn_of(id).is_some());
    assert_eq!(bindings.all_live(known), live);
}

#[test]
#[rustfmt::skip]
fn a_document_shows_its_principals_as_they_are_now_and_nothing_else_changes() {
    let written = format!(
        r#"{{ "Statement": [ {{"Effect":"Allow", "Principal" : {{"AWS": ["{ROLE}" , "{USER}"], "Service":"s3.amazonaws.com"}},
           "Action":"sts:AssumeRole", "Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{USER}"}}}} }},
           {{"Effect":"Deny","NotPrincipal":{{"AWS":"\u0061rn:aws:iam::111111111111:user/p/alice"}},"Action":"*"}} ] }}"#
    );
    check_shown(&THERE, &written, &written);
    let gone = Known { user: None, ..THERE };
    let shown = written.replacen(USER, ALICE, 1).replace(r"\u0061rn:aws:iam::111111111111:user/p/alice", ALICE);
    check_shown(&gone, &written, &shown);
    let renamed = Known { user: Some(RENAMED), ..THERE };
    check_shown(&renamed, &written, &shown.replace(ALICE, RENAMED));
    let quoting = Known { user: Some(r#"arn:aws:iam::111111111111:user/x","Q":"\\/a"#), ..THERE };
    check_shown(&quoting, &written, &shown.replace(ALICE, r#"arn:aws:iam::111111111111:user/x\",\"Q\":\"\\\\/a"#));
    let role = Known { role: false, ..THERE };
    check_shown(&role, &written, &written.replacen(ROLE, DEPLOY, 1));
    let sessions = document(&[SESSION]);
    check_shown(&role, &sessions, &sessions.replace(SESSION, DEPLOY));
    check_shown(&THERE, &sessions, &sessions);
    check_shown(&gone, "no document", "no document");
}
