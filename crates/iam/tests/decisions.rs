//! Principals, the decision and its reporting: a table for each rule of iam.md §4, §7 and §8.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use portcullis_iam::Decision::{self, Allowed, ExplicitlyDenied, ImplicitlyDenied};
use portcullis_iam::PolicyType::{
    Boundary, Identity, Resource, ResourceControl, ServiceControl, Session,
};
use portcullis_iam::{
    DocumentKind, MapContext, Policies, Policy, Principal, Request, ResourceRule, decide,
};

const USER: &str = "arn:aws:iam::111111111111:user/team/alice";
const PROVIDER: &str = "arn:aws:iam::111111111111:oidc-provider/idp.example.com";
const FROM_PROVIDER: &str =
    r#""Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/idp.example.com"}"#;
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/worker/s1";
const LINKED: &str = "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForX/s1";
const FEDERATED: &str = "arn:aws:sts::111111111111:federated-user/fred";
const ROOT: &str = "arn:aws:iam::111111111111:root";
const ROLE: &str = "arn:aws:iam::111111111111:role/team/worker";
const LINKED_ROLE: &str =
    "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
const HERE: &str = "111111111111";
const THERE: &str = "222222222222";

/// What one document says: nothing, `*` allowed, or `*` denied.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    Silent,
    Allow,
    Deny,
}
use Says::{Allow, Deny, Silent};

impl Says {
    fn policy(self, kind: DocumentKind) -> Policy {
        let effect = if self == Deny { "Deny" } else { "Allow" };
        let action = if self == Silent { "s3:Nothing" } else { "lambda:*" };
        let principal =
            if kind == DocumentKind::ResourceControl { r#""Principal":"*","# } else { "" };
        let text = format!(
            r#"{{"Statement":{{"Effect":"{effect}",{principal}"Action":"{action}","Resource":"*"}}}}"#
        );
        Policy::parse_unvalidated(kind, &text).unwrap()
    }
}

/// A call and everything that has a say about it.
#[derive(Clone, Copy)]
struct Row<'a> {
    caller: &'a str,
    /// The account of the resource.
    owner: &'a str,
    identity: Says,
    boundary: Option<Says>,
    session: Option<Says>,
    /// By level.
    service_control: Option<&'a [Says]>,
    resource_control: Option<&'a [Says]>,
    /// The Principal part of a resource policy's Allow statement.
    grant: Option<&'a str>,
    /// The same of a Deny statement.
    refusal: Option<&'a str>,
    rule: ResourceRule,
}

const ROW: Row<'_> = Row {
    caller: USER,
    owner: HERE,
    identity: Silent,
    boundary: None,
    session: None,
    service_control: None,
    resource_control: None,
    grant: None,
    refusal: None,
    rule: ResourceRule::Suffices,
};

fn resource_policy(row: &Row<'_>) -> Option<Policy> {
    let statement = |effect: &str, principal: &str| {
        format!(r#"{{"Effect":"{effect}",{principal},"Action":"lambda:*","Resource":"*"}}"#)
    };
    let allow = row.grant.map(|principal| statement("Allow", principal));
    let deny = row.refusal.map(|principal| statement("Deny", principal));
    let all: Vec<_> = allow.into_iter().chain(deny).collect();
    let text = format!(r#"{{"Statement":[{}]}}"#, all.join(","));
    (!all.is_empty()).then(|| Policy::parse_unvalidated(DocumentKind::Resource, &text).unwrap())
}

fn principal(text: &str) -> Principal {
    let principal = Principal::parse(text).unwrap();
    if text == FEDERATED { principal.with_parent(USER).unwrap() } else { principal }
}

fn decision(row: &Row<'_>, context: &MapContext) -> Decision {
    let levels = |levels: Option<&[Says]>, kind| {
        let level = |says: &Says| vec![says.policy(kind)];
        levels.map(|levels| levels.iter().map(level).collect::<Vec<_>>())
    };
    let service_control = levels(row.service_control, DocumentKind::ServiceControl);
    let resource_control = levels(row.resource_control, DocumentKind::ResourceControl);
    let identity = row.identity.policy(DocumentKind::Identity);
    let boundary = row.boundary.map(|says| says.policy(DocumentKind::Boundary));
    let session = row.session.map(|says| says.policy(DocumentKind::Session));
    let resource = resource_policy(row);
    let boundary: Vec<&Policy> = boundary.iter().collect();
    let session: Option<Vec<&Policy>> = session.as_ref().map(|policy| vec![policy]);
    let resource: Vec<&Policy> = resource.iter().collect();
    let service: Option<Vec<Vec<&Policy>>> = service_control
        .as_ref()
        .map(|all| all.iter().map(|level| level.iter().collect()).collect());
    let service: Option<Vec<&[&Policy]>> =
        service.as_ref().map(|all| all.iter().map(Vec::as_slice).collect());
    let control: Option<Vec<Vec<&Policy>>> = resource_control
        .as_ref()
        .map(|all| all.iter().map(|level| level.iter().collect()).collect());
    let control: Option<Vec<&[&Policy]>> =
        control.as_ref().map(|all| all.iter().map(Vec::as_slice).collect());
    let request = Request {
        principal: &principal(row.caller),
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:us-east-1:111111111111:function:f",
        resource_account: row.owner,
        context,
    };
    let policies = Policies {
        identity: &[&identity],
        boundary: &boundary,
        session: session.as_deref(),
        service_control: service.as_deref(),
        resource: &resource,
        resource_control: control.as_deref(),
        resource_rule: row.rule,
    };
    decide(&request, &policies)
}

#[track_caller]
fn check(row: Row<'_>, want: Decision) {
    assert_eq!(decision(&row, &MapContext::new()), want);
}

/// A Principal element with one AWS value.
fn aws(value: &str) -> String {
    format!(r#""Principal":{{"AWS":"{value}"}}"#)
}

const STAR: &str = r#""Principal":"*""#;
const S3: &str = r#""Principal":{"Service":"s3.amazonaws.com"}"#;

/// Who is covered by which value, and how strongly: a direct grant allows by itself, one to a
/// parent unless it is capped, one to the account with an identity-based allow only.
#[test]
#[rustfmt::skip]
fn principal_values_cover_their_callers() {
    #[track_caller]
    fn covers(principal: &str, caller: &str, alone: bool, capped: bool, with_identity: bool) {
        let row = Row { caller, grant: Some(principal), identity: Silent, session: Some(Allow), ..ROW };
        assert_eq!(decision(&row, &MapContext::new()).is_allowed(), alone, "{principal} {caller}");
        let row_capped = Row { boundary: Some(Silent), ..row };
        assert_eq!(decision(&row_capped, &MapContext::new()).is_allowed(), capped, "{principal} {caller} capped");
        let row_across = Row { identity: Allow, owner: THERE, ..row };
        assert_eq!(decision(&row_across, &MapContext::new()).is_allowed(), with_identity, "{principal} {caller} across");
    }
    //                                                             alone  capped across
    covers(STAR,                                         USER,      true,  true,  true);
    covers(&aws("*"),                                    SESSION,   true,  true,  true);
    covers(&aws("*"),                                    "s3.amazonaws.com", true, true, true);
    covers(&aws("*"),                                    "anonymous", true, true, true);
    covers(&aws(HERE),                                   USER,      false, false, true);
    covers(&aws(ROOT),                                   SESSION,   false, false, true);
    covers(&aws("arn:aws-cn:iam::111111111111:root"),    USER,      false, false, false);
    covers(&aws(THERE),                                  USER,      false, false, false);
    covers(&aws(USER),                                   USER,      true,  true,  true);
    covers(&aws("arn:aws:iam::111111111111:user/alice"), USER,      false, false, false);
    covers(&aws("arn:aws:iam::111111111111:user/team/Alice"), USER, false, false, false);
    covers(&aws(USER),                                   FEDERATED, true,  false, true);
    covers(&aws("arn:aws:iam::111111111111:user/fred"),  FEDERATED, false, false, false);
    covers(&aws(FEDERATED),                              FEDERATED, true,  true,  true);
    covers(&aws(ROLE),                                   SESSION,   true,  false, true);
    covers(&aws("arn:aws:iam::111111111111:role/worker"), SESSION,  true,  false, true);
    covers(&aws("arn:aws:iam::111111111111:role/s1"),    SESSION,   false, false, false);
    covers(&aws("arn:aws:iam::222222222222:role/worker"), SESSION,  false, false, false);
    covers(&aws(SESSION),                                SESSION,   true,  true,  true);
    covers(&aws("arn:aws:sts::111111111111:assumed-role/worker/s2"), SESSION, false, false, false);
    covers(&aws(ROLE),                                   ROLE,      true,  false, true);
    covers(&aws("AROAJQABLZS4A3QDU576Q"),                SESSION,   false, false, false);
    covers(S3,                                           "s3.amazonaws.com", true, true, true);
    covers(S3,                                           "s3.us-east-1.amazonaws.com", false, false, false);
    covers(S3,                                           "anonymous", false, false, false);
    covers(S3,                                           USER,      false, false, false);
    covers(r#""Principal":{"Service":"*"}"#,             "s3.amazonaws.com", false, false, false);
    covers(r#""Principal":{"Federated":"s3.amazonaws.com"}"#, "s3.amazonaws.com", false, false, false);
    covers(FROM_PROVIDER,                                PROVIDER,  true,  true,  true);
    covers(FROM_PROVIDER,                                USER,      false, false, false);
    covers(FROM_PROVIDER,                                "anonymous", false, false, false);
    covers(FROM_PROVIDER,                                "arn:aws:iam::111111111111:oidc-provider/idp.example.com/a", false, false, false);
    covers(&aws(PROVIDER),                               PROVIDER,  false, false, false);
    covers(&aws(HERE),                                   PROVIDER,  false, false, false);
    covers(STAR,                                         PROVIDER,  true,  true,  true);
    covers(r#""Principal":{"AWS":[]}"#,                  USER,      false, false, false);
    covers(r#""NotPrincipal":{"AWS":[]}"#,               USER,      false, false, false);
    covers(&format!(r#""Principal":{{"AWS":["{HERE}","{USER}"]}}"#), USER, true, true, true);
}

#[test]
#[rustfmt::skip]
fn a_denied_account_covers_every_caller_of_it() {
    let refusal = aws(HERE);
    for caller in [USER, SESSION, FEDERATED, ROOT] {
        check(Row { caller, identity: Allow, refusal: Some(&refusal), ..ROW }, ExplicitlyDenied(Resource));
    }
    check(Row { caller: "s3.amazonaws.com", grant: Some(S3), refusal: Some(&refusal), ..ROW }, Allowed);
}

#[test]
#[rustfmt::skip]
fn not_principal_exempts_only_whose_every_layer_is_listed() {
    #[track_caller]
    fn exempts(list: &str, caller: &str, want: bool) {
        let refusal = format!(r#""NotPrincipal":{list}"#);
        let row = Row { caller, identity: Allow, session: Some(Allow), grant: Some(STAR), refusal: Some(&refusal), ..ROW };
        let denied = ExplicitlyDenied(Resource);
        check(row, if want { Allowed } else { denied });
        if Principal::parse(caller).unwrap().account().is_some() && caller != ROOT {
            check(Row { boundary: Some(Allow), ..row }, denied);
        }
    }
    let list = |values: &[&str]| format!(r#"{{"AWS":["{}"]}}"#, values.join(r#"",""#));
    exempts(&list(&[HERE, USER]),              USER,        true);
    exempts(&list(&[ROOT, USER]),              USER,        true);
    exempts(&list(&[USER]),                    USER,        false);
    exempts(&list(&[HERE]),                    USER,        false);
    exempts(&list(&[HERE, ROLE, SESSION]),     SESSION,     true);
    exempts(&list(&[HERE, ROLE]),              SESSION,     false);
    exempts(&list(&[ROLE, SESSION]),           SESSION,     false);
    exempts(&list(&[HERE, SESSION]),           SESSION,     false);
    exempts(&list(&[HERE, FEDERATED]),         FEDERATED,   true);
    exempts(&list(&[HERE]),                    ROOT,        true);
    exempts(&list(&[USER]),                    ROOT,        false);
    exempts(r#""*""#,                          "anonymous", true);
    exempts(&list(&["*"]),                     "anonymous", true);
    exempts(&list(&[HERE]),                    "anonymous", false);
    exempts(r#"{"Service":"s3.amazonaws.com"}"#, "s3.amazonaws.com", true);
    exempts(r#"{"Service":"sns.amazonaws.com"}"#, "s3.amazonaws.com", false);
    exempts("{}",                              USER,        false);
}

/// The table of iam.md §7.3, row by row.
#[test]
#[rustfmt::skip]
fn a_resource_policy_suffices_alone_in_its_account_as_documented() {
    let (user, role, session, federated, account) = (aws(USER), aws(ROLE), aws(SESSION), aws(FEDERATED), aws(HERE));
    let row = |caller, grant, identity, boundary, session| Row { caller, grant: Some(grant), identity, boundary, session, ..ROW };
    let (silent, allow) = (Some(Silent), Some(Allow));
    check(row(USER,      &user,      Silent, silent, None),   Allowed);
    check(row(SESSION,   &role,      Silent, None,   None),   Allowed);
    check(row(SESSION,   &role,      Silent, allow,  allow),  Allowed);
    check(row(SESSION,   &role,      Allow,  silent, None),   ImplicitlyDenied(Boundary));
    check(row(SESSION,   &role,      Allow,  None,   silent), ImplicitlyDenied(Session));
    check(row(SESSION,   &role,      Silent, silent, None),   ImplicitlyDenied(Identity));
    check(row(SESSION,   &session,   Silent, silent, silent), Allowed);
    check(row(FEDERATED, &federated, Silent, silent, silent), Allowed);
    check(row(FEDERATED, &federated, Silent, silent, None),   Allowed);
    check(row(FEDERATED, &user,      Allow,  silent, allow),  ImplicitlyDenied(Boundary));
    check(row(FEDERATED, &user,      Allow,  None,   silent), ImplicitlyDenied(Session));
    check(row(FEDERATED, &user,      Allow,  None,   None),   ImplicitlyDenied(Session));
    check(row(FEDERATED, &user,      Silent, None,   allow),  Allowed);
    for caller in [USER, SESSION, FEDERATED] {
        check(row(caller, STAR,      Silent, silent, silent), Allowed);
        check(row(caller, &account,  Silent, None,   allow),  ImplicitlyDenied(Identity));
        check(row(caller, &account,  Allow,  None,   allow),  Allowed);
        check(row(caller, &account,  Allow,  allow,  allow),  Allowed);
        check(row(caller, &account,  Allow,  silent, allow),  ImplicitlyDenied(Boundary));
    }
    check(Row { caller: ROOT, ..ROW },                        Allowed);
    check(row("s3.amazonaws.com", S3, Silent, silent, silent), Allowed);
    check(Row { service_control: Some(&[Silent]), ..row(USER, &user, Allow, None, None) }, ImplicitlyDenied(ServiceControl));
}

#[test]
#[rustfmt::skip]
fn across_accounts_both_sides_have_to_allow() {
    let (user, account, session) = (aws(USER), aws(HERE), aws(SESSION));
    let across = Row { owner: THERE, ..ROW };
    check(across,                                                                         ImplicitlyDenied(Identity));
    check(Row { identity: Allow, ..across },                                              ImplicitlyDenied(Resource));
    check(Row { identity: Allow, boundary: Some(Silent), ..across },                      ImplicitlyDenied(Resource));
    check(Row { grant: Some(&user), ..across },                                           ImplicitlyDenied(Identity));
    check(Row { grant: Some(STAR), ..across },                                            ImplicitlyDenied(Identity));
    check(Row { identity: Allow, grant: Some(&user), ..across },                          Allowed);
    check(Row { identity: Allow, grant: Some(&account), ..across },                       Allowed);
    check(Row { identity: Allow, grant: Some(&user), boundary: Some(Silent), ..across },  ImplicitlyDenied(Boundary));
    check(Row { caller: SESSION, identity: Allow, grant: Some(&session), session: Some(Silent), ..across }, ImplicitlyDenied(Session));
    check(Row { caller: ROOT, ..across },                                                 ImplicitlyDenied(Resource));
    check(Row { caller: ROOT, grant: Some(&account), ..across },                          Allowed);
    check(Row { caller: FEDERATED, identity: Allow, grant: Some(STAR), ..across },        ImplicitlyDenied(Session));
}

/// The table of iam.md §7.1: a type that does not count is not asked, not even for a Deny.
#[test]
#[rustfmt::skip]
fn each_caller_has_its_types_of_policy() {
    let deny = Some(Deny);
    let level: Option<&[Says]> = Some(&[Deny]);
    let types: [(Row<'_>, _); 5] = [
        (Row { identity: Deny, ..ROW },         Identity),
        (Row { boundary: deny, ..ROW },         Boundary),
        (Row { session: deny, ..ROW },          Session),
        (Row { service_control: level, ..ROW }, ServiceControl),
        (Row { resource_control: level, ..ROW }, ResourceControl),
    ];
    for (caller, counts) in [
        //                    identity boundary session scp    rcp
        (USER,               [true,    true,    true,   true,  true]),
        (SESSION,            [true,    true,    true,   true,  true]),
        (FEDERATED,          [true,    true,    true,   true,  true]),
        (ROLE,               [true,    true,    true,   true,  true]),
        (LINKED,             [true,    false,   false,  false, false]),
        (LINKED_ROLE,        [true,    false,   false,  false, false]),
        (ROOT,               [false,   false,   false,  true,  true]),
        ("s3.amazonaws.com", [false,   false,   false,  false, true]),
        ("anonymous",        [false,   false,   false,  false, true]),
    ] {
        for ((row, kind), counts) in types.iter().zip(counts) {
            let row = Row { caller, grant: Some(STAR), ..*row };
            check(row, if counts { ExplicitlyDenied(*kind) } else { Allowed });
        }
    }
}

#[test]
fn a_role_that_only_has_the_name_of_a_service_linked_one_is_not_exempt() {
    let row = Row { caller: LINKED, identity: Allow, service_control: Some(&[Silent]), ..ROW };
    for (arn, want) in [
        (
            "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
            Allowed,
        ),
        ("arn:aws:iam::111111111111:role/AWSServiceRoleForX", ImplicitlyDenied(ServiceControl)),
        (
            "arn:aws:iam::111111111111:role/x/aws-service-role/AWSServiceRoleForX",
            ImplicitlyDenied(ServiceControl),
        ),
        // A path may have colons.
        (
            "arn:aws:iam::111111111111:role/x:role/aws-service-role/AWSServiceRoleForX",
            ImplicitlyDenied(ServiceControl),
        ),
    ] {
        let context = MapContext::from_iter([("aws:PrincipalArn", arn)]);
        assert_eq!(decision(&row, &context), want, "{arn}");
    }
}

#[test]
#[rustfmt::skip]
fn every_level_has_to_allow_and_no_level_grants() {
    let row = |identity, levels| Row { identity, service_control: Some(levels), ..ROW };
    check(row(Allow, &[Allow, Allow]),   Allowed);
    check(row(Allow, &[Allow, Silent]),  ImplicitlyDenied(ServiceControl));
    check(row(Allow, &[Silent, Allow]),  ImplicitlyDenied(ServiceControl));
    check(row(Allow, &[Allow, Deny]),    ExplicitlyDenied(ServiceControl));
    check(row(Allow, &[Silent, Deny]),   ExplicitlyDenied(ServiceControl));
    check(row(Silent, &[Allow, Allow]),  ImplicitlyDenied(Identity));
    check(row(Allow, &[]),               Allowed);
}

/// The order of iam.md §8, and of aws-lambda.md §9.2 where both halves across accounts are missing.
#[test]
#[rustfmt::skip]
fn of_several_types_the_most_useful_is_named() {
    let all = Row {
        identity: Deny, boundary: Some(Deny), session: Some(Deny), service_control: Some(&[Deny]),
        resource_control: Some(&[Deny]), refusal: Some(STAR), ..ROW
    };
    check(all, ExplicitlyDenied(ServiceControl));
    check(Row { service_control: None, ..all }, ExplicitlyDenied(ResourceControl));
    let all = Row { service_control: None, resource_control: None, ..all };
    check(all, ExplicitlyDenied(Resource));
    check(Row { refusal: None, ..all }, ExplicitlyDenied(Boundary));
    check(Row { refusal: None, boundary: None, ..all }, ExplicitlyDenied(Session));
    let silent = Row { boundary: Some(Silent), session: Some(Silent), owner: THERE, ..ROW };
    check(Row { service_control: Some(&[Silent]), ..silent }, ImplicitlyDenied(ServiceControl));
    check(silent, ImplicitlyDenied(Identity));
    check(Row { identity: Allow, ..silent }, ImplicitlyDenied(Resource));
    check(Row { grant: Some(STAR), ..silent }, ImplicitlyDenied(Identity));
    check(Row { grant: Some(STAR), identity: Allow, ..silent }, ImplicitlyDenied(Boundary));
    check(Row { grant: Some(STAR), identity: Allow, boundary: None, ..silent }, ImplicitlyDenied(Session));
}

#[test]
fn policy_types_are_named_in_the_words_of_aws() {
    let names = [Identity, Resource, Boundary, Session, ServiceControl, ResourceControl];
    let names = names.map(|kind| kind.to_string());
    let want = [
        "identity-based policy",
        "resource-based policy",
        "permissions boundary",
        "session policy",
        "service control policy",
        "resource control policy",
    ];
    assert_eq!(names, want);
}

#[test]
#[rustfmt::skip]
fn where_the_resource_policy_is_required_an_identity_allow_never_suffices() {
    let required = Row { rule: ResourceRule::Required, ..ROW };
    let (user, role, account) = (aws(USER), aws(ROLE), aws(HERE));
    check(required,                                                       ImplicitlyDenied(Resource));
    check(Row { owner: THERE, ..required },                               ImplicitlyDenied(Resource));
    check(Row { identity: Allow, ..required },                            ImplicitlyDenied(Resource));
    check(Row { caller: ROOT, ..required },                               ImplicitlyDenied(Resource));
    check(Row { identity: Allow, grant: Some(S3), ..required },           ImplicitlyDenied(Resource));
    check(Row { grant: Some(&user), ..required },                         Allowed);
    check(Row { grant: Some(STAR), ..required },                          Allowed);
    check(Row { caller: SESSION, grant: Some(&role), ..required },        Allowed);
    check(Row { grant: Some(&account), ..required },                      ImplicitlyDenied(Identity));
    check(Row { identity: Allow, grant: Some(&account), ..required },     Allowed);
    check(Row { identity: Deny, grant: Some(&user), ..required },         ExplicitlyDenied(Identity));
    check(Row { owner: THERE, grant: Some(&user), ..required },           ImplicitlyDenied(Identity));
    check(Row { owner: THERE, identity: Allow, grant: Some(&user), ..required }, Allowed);
}

#[test]
fn a_trust_policy_needs_no_resource_and_names_the_services_that_may_assume() {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole",
        "Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"111111111111"}}}]}"#;
    let trust = Policy::parse(DocumentKind::Trust, trust).unwrap();
    let may = |principal: &str, account: Option<&str>| {
        let context: MapContext =
            account.into_iter().map(|account| ("aws:SourceAccount", account)).collect();
        let request = Request {
            principal: &Principal::parse(principal).unwrap(),
            action: "sts:AssumeRole",
            resource: ROLE,
            resource_account: HERE,
            context: &context,
        };
        let resource_rule = ResourceRule::Required;
        let policies = Policies { resource: &[&trust], resource_rule, ..Policies::default() };
        decide(&request, &policies).is_allowed()
    };
    assert!(may("lambda.amazonaws.com", None));
    assert!(may("lambda.amazonaws.com", Some(HERE)));
    assert!(!may("lambda.amazonaws.com", Some(THERE)));
    assert!(!may("s3.amazonaws.com", None));
    assert!(!may(USER, None));
}

#[test]
#[rustfmt::skip]
fn actions_match_whole_and_in_any_case() {
    #[track_caller]
    fn matches(element: &str, action: &str, want: bool) {
        let text = format!(r#"{{"Statement":{{"Effect":"Allow",{element},"Resource":"*"}}}}"#);
        let policy = Policy::parse(DocumentKind::Identity, &text).unwrap();
        let request = Request {
            principal: &principal(USER), action, resource: "*", resource_account: HERE,
            context: &MapContext::new(),
        };
        let got = decide(&request, &Policies { identity: &[&policy], ..Policies::default() });
        assert_eq!(got.is_allowed(), want, "{element} {action}");
    }
    matches(r#""Action":"*""#,                           "lambda:InvokeFunction",    true);
    matches(r#""Action":"lambda:invokefunction""#,       "lambda:InvokeFunction",    true);
    matches(r#""Action":"LAMBDA:Invoke*""#,              "lambda:InvokeFunction",    true);
    matches(r#""Action":"lambda:Invoke""#,               "lambda:InvokeFunction",    false);
    matches(r#""Action":"lambda:InvokeFunction""#,       "lambda:InvokeFunctionUrl", false);
    matches(r#""Action":"lambda:InvokeFunctio?""#,       "lambda:InvokeFunction",    true);
    matches(r#""Action":["s3:*","lambda:In*ke*tion"]"#,  "lambda:InvokeFunction",    true);
    matches(r#""Action":[]"#,                            "lambda:InvokeFunction",    false);
    matches(r#""NotAction":[]"#,                         "lambda:InvokeFunction",    true);
    matches(r#""NotAction":"LAMBDA:*""#,                 "lambda:InvokeFunction",    false);
    matches(r#""NotAction":"s3:*""#,                     "lambda:InvokeFunction",    true);
    matches(r#""Action":"lambda:*""#,                    &format!("lambda:{}", "x".repeat(5_000)), true);
}

/// iam.md §3.3 and §3.4: which resources an element covers, in an Allow under 2012-10-17. The request
/// has `aws:username` = `alice`.
#[test]
#[rustfmt::skip]
fn resources_are_covered_field_by_field() {
    #[track_caller]
    fn covers(element: &str, resource: &str, want: bool) {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*",{element}}}}}"#);
        let policy = Policy::parse_unvalidated(DocumentKind::Identity, &text).unwrap();
        let context = MapContext::from_iter([("aws:username", "alice")]);
        let request = Request {
            principal: &principal(USER), action: "a:b", resource, resource_account: HERE, context: &context,
        };
        let got = decide(&request, &Policies { identity: &[&policy], ..Policies::default() });
        assert_eq!(got.is_allowed(), want, "{element} {resource}");
        // Among many others the entry covers the same.
        let Some(entry) = element.strip_prefix(r#""Resource":""#) else { return };
        let others: String = (0..9).map(|n| format!(r#""arn:aws:other{n}:::x","#)).collect();
        if !entry.is_empty() && !others.contains(resource) {
            let element = format!(r#""Resource":[{others}"{entry}]"#);
            covers(&element, resource, want);
        }
    }
    let orders = "arn:aws:lambda:us-east-1:111111111111:function:orders";
    let prod = "arn:aws:lambda:us-east-1:111111111111:function:orders:prod";
    let later = "arn:aws:lambda:us-east-1:111111111111:function:orders-2";
    // Rules 1 and 2: a request without a resource.
    for every in ["*", "**", "***"] {
        covers(&format!(r#""Resource":"{every}""#),      "*",    true);
        covers(&format!(r#""Resource":"{every}""#),      orders, true);
        covers(&format!(r#""NotResource":"{every}""#),   "*",    false);
    }
    covers(&format!(r#""Resource":"{orders}""#),         "*",    false);
    covers(r#""Resource":"arn:*:*:*:*:*""#,              "*",    false);
    covers(&format!(r#""NotResource":"{orders}""#),      "*",    true);
    // Rule 3.
    covers(r#""Resource":"arn:aws:lambda:*:function:orders""#,                 orders, false);
    covers(r#""Resource":"arn:aws:lambda:us-east-1:111111111111:*""#,          prod,   true);
    covers(r#""Resource":"arn:aws:lambda:*:*:function:orders""#,               orders, true);
    covers(r#""Resource":"arn:aws:lambda:us-east-?:1111*:function:orders""#,   orders, true);
    covers(r#""Resource":"arn:aws:LAMBDA:us-east-1:111111111111:function:orders""#, orders, false);
    // Rules 4 and 5.
    covers(r#""Resource":"arn:aws:lambda""#,             orders, true);
    covers(r#""Resource":"arn:aws:lambda:us-east-1""#,   orders, true);
    covers(r#""Resource":"arn:aws:s3""#,                 orders, false);
    covers(r#""Resource":"arn""#,                        orders, false);
    covers(r#""Resource":"lambda""#,                     orders, false);
    covers(r#""NotResource":"lambda""#,                  orders, true);
    // Rule 6.
    covers(r#""Resource":"a*:aws:lambda:*:*:function:orders""#, orders, true);
    covers(r#""Resource":"arn:*:lambda:*:*:function:orders""#,  orders, true);
    covers(r#""Resource":"arn:aws:lambda:*:*:functi*:orders""#, orders, true);
    // Rules 7 and 8.
    covers(r#""Resource":"arn:aws:s3:::${aws:username}""#,         "arn:aws:s3:::alice", true);
    covers(r#""Resource":"arn:aws:s3:::${aws:none}""#,             "arn:aws:s3:::",      false);
    covers(r#""NotResource":"arn:aws:s3:::${aws:none}""#,          "arn:aws:s3:::",      true);
    covers(r#""NotResource":"arn:aws:s3:::${aws:username}""#,      "arn:aws:s3:::alice", false);
    covers(r#""Resource":"arn:aws:${aws:username}:::b""#,          "arn:aws:alice:::b",  false);
    covers(r#""NotResource":"arn:aws:${aws:username}:::b""#,       "arn:aws:alice:::b",  true);
    // Empty lists.
    covers(r#""Resource":[]"#,                           orders, false);
    covers(r#""NotResource":[]"#,                        orders, true);
    // Lambda's ARNs.
    covers(&format!(r#""Resource":"{orders}""#),         prod,   false);
    covers(&format!(r#""Resource":"{prod}""#),           orders, false);
    covers(&format!(r#""Resource":"{orders}:*""#),       prod,   true);
    covers(&format!(r#""Resource":"{orders}:*""#),       orders, false);
    covers(&format!(r#""Resource":"{orders}*""#),        orders, true);
    covers(&format!(r#""Resource":"{orders}*""#),        prod,   true);
    covers(&format!(r#""Resource":"{orders}*""#),        later,  true);
    covers(&format!(r#""Resource":"{orders}""#),         &orders.replace("orders", "Orders"), false);
}

#[test]
fn the_strongest_of_several_grants_counts_in_any_order() {
    let grant = |value: &str| {
        let principal = aws(value);
        format!(r#"{{"Effect":"Allow",{principal},"Action":"lambda:*","Resource":"*"}}"#)
    };
    let request = Request {
        principal: &principal(SESSION),
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:us-east-1:111111111111:function:f",
        resource_account: HERE,
        context: &MapContext::new(),
    };
    let silent = Silent.policy(DocumentKind::Boundary);
    for values in [[HERE, ROLE, SESSION], [SESSION, ROLE, HERE], [ROLE, SESSION, HERE]] {
        let documents = values.map(grant);
        let one = format!(r#"{{"Statement":[{}]}}"#, documents.join(","));
        let one = Policy::parse(DocumentKind::Resource, &one).unwrap();
        let many = documents.map(|statement| {
            let text = format!(r#"{{"Statement":{statement}}}"#);
            Policy::parse(DocumentKind::Resource, &text).unwrap()
        });
        let many = many.each_ref();
        for resource in [&[&one][..], &many[..]] {
            let policies = Policies { resource, boundary: &[&silent], ..Policies::default() };
            assert_eq!(decide(&request, &policies), Allowed, "{values:?}");
        }
    }
}
