//! Explanations as a person reads them: one row for each kind of miss and of remedy.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use portcullis_iam::DocumentReference;
use portcullis_iam::analysis::Style;
use portcullis_iam::{
    Bindings, DocumentKind, MapContext, Narrowing, Policies, Policy, PolicyType, Principal,
    Request, explain,
};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";
const NARROWING: [Narrowing; 2] = [
    Narrowing { operator: "ArnLike", key: "AWS:SourceArn", action: None },
    Narrowing { operator: "StringEquals", key: "AWS:SourceAccount", action: None },
];

/// A call of `lambda:InvokeFunction` on the function `orders`.
struct Row<'r> {
    caller: &'r str,
    context: &'r [(&'r str, &'r str)],
    /// Statements.
    identity: Option<&'r str>,
    resource: Option<&'r str>,
}

impl Row<'_> {
    fn told<R>(&self, tell: impl FnOnce(&portcullis_iam::Explanation<'_>) -> R) -> R {
        let parse = |kind, statement: &str| {
            let json = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            Policy::parse(kind, &json).unwrap()
        };
        let identity = self.identity.map(|one| parse(DocumentKind::Identity, one));
        let resource = self.resource.map(|one| parse(DocumentKind::Resource, one));
        let mut context = MapContext::new();
        self.context.iter().for_each(|(key, value)| context.insert(key, *value));
        let request = Request {
            principal: &Principal::parse(self.caller).unwrap(),
            action: "lambda:InvokeFunction",
            resource: FUNCTION,
            resource_account: "111111111111",
            context: &context,
        };
        let (identity, resource): (Vec<_>, Vec<_>) =
            (identity.iter().collect(), resource.iter().collect());
        let policies = Policies { identity: &identity, resource: &resource, ..Policies::default() };
        tell(&explain(&request, &policies, &NARROWING))
    }

    #[track_caller]
    fn check(&self, want: &str) {
        let text = self.told(|told| told.text(Style::Plain));
        let text: Vec<&str> = text.lines().skip(5).collect();
        let want: Vec<&str> =
            want.lines().map(|line| line.strip_prefix("        ").unwrap_or(line)).collect();
        assert_eq!(text.join("\n").trim(), want.join("\n").trim());
    }
}

const S3_GRANT: &str = r#"{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders","Condition":{"StringEquals":{"AWS:SourceAccount":"111111111111"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos/*"}}}"#;

#[test]
fn a_condition_that_missed_is_told_with_where_it_parts() {
    let source =
        [("aws:SourceArn", "arn:aws:s3:::photos-old"), ("aws:SourceAccount", "111111111111")];
    Row { caller: "s3.amazonaws.com", context: &source, identity: None, resource: Some(S3_GRANT) }.check(
        r#"
        service control policy  not asked: it does not limit services
        resource control policy not asked: none for the resource's account
        resource-based policy   silent
        identity-based policy   not asked: a service has none
        permissions boundary    not asked: it does not limit services
        session policy          not asked: it does not limit services

        Nearest: statement "s3" of resource-based policy 1 would allow it, but for one part
          condition ArnLike AWS:SourceArn
            expected  arn:aws:s3:::photos/*
            actual    arn:aws:s3:::photos-old
            they part at byte 19: /* | -old

        To allow it, add to a resource-based policy:
          {"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos-old"},"StringEquals":{"AWS:SourceAccount":"111111111111"}}}
        "#,
    );
}

#[test]
fn a_key_that_is_missing_is_told_so() {
    let source = [("aws:SourceArn", "arn:aws:s3:::photos/x")];
    let row = Row {
        caller: "s3.amazonaws.com",
        context: &source,
        identity: None,
        resource: Some(S3_GRANT),
    };
    let text = row.told(|told| told.text(Style::Plain));
    assert!(text.contains("  condition StringEquals AWS:SourceAccount\n    expected  111111111111\n    actual    (not in the request)\n"), "{text}");
}

#[test]
fn one_account_has_two_ways_and_two_accounts_have_one() {
    let alice = "arn:aws:iam::111111111111:user/alice";
    Row { caller: alice, context: &[], identity: None, resource: None }.check(
        r#"
        service control policy  not asked: none for the caller's account
        resource control policy not asked: none for the resource's account
        resource-based policy   silent
        identity-based policy   silent
        permissions boundary    not asked: the caller has none
        session policy          not asked: none was passed

        To allow it, add to an identity-based policy:
          {"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders"}

        Or add to a resource-based policy:
          {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/alice"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders"}
        "#,
    );
    let bob = "arn:aws:iam::222222222222:user/bob";
    let own = r#"{"Effect":"Allow","Action":"lambda:*","Resource":"*"}"#;
    let delegated = r#"{"Sid":"other","Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"lambda:InvokeFunction","Resource":"*"}"#;
    Row { caller: bob, context: &[], identity: Some(own), resource: Some(delegated) }.check(
        r#"
        service control policy  not asked: none for the caller's account
        resource control policy not asked: none for the resource's account
        resource-based policy   silent
        identity-based policy   allows
          allows: statement 1 of identity-based policy 1
        permissions boundary    not asked: the caller has none
        session policy          not asked: none was passed

        Nearest: statement "other" of resource-based policy 1 would allow it, but for one part
          principal
            expected  AWS 333333333333
            actual    arn:aws:iam::222222222222:user/bob

        To allow it, add to a resource-based policy:
          {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/bob"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders"}
        "#,
    );
}

/// Of what is silent a boundary alone is in the way where the resource lets the session's role in.
#[test]
fn what_is_silent_and_not_needed_is_not_to_be_added() {
    let parse = |kind, statement: &str| {
        Policy::parse(kind, &format!(r#"{{"Statement":{statement}}}"#)).unwrap()
    };
    let grant = |to: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{to}"}},"Action":"lambda:*","Resource":"*"}}"#
        );
        parse(DocumentKind::Resource, &statement)
    };
    let other =
        parse(DocumentKind::Boundary, r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    let check = |to: &str, want: &[PolicyType]| {
        let request = Request {
            principal: &Principal::parse("arn:aws:sts::111111111111:assumed-role/r/s").unwrap(),
            action: "lambda:InvokeFunction",
            resource: FUNCTION,
            resource_account: "111111111111",
            context: &MapContext::new(),
        };
        let (resource, boundary) = ([&grant(to)], [&other]);
        let policies = Policies { resource: &resource, boundary: &boundary, ..Policies::default() };
        let told = explain(&request, &policies, &[]);
        let ways = told.ways.iter();
        let ways: Vec<Vec<PolicyType>> =
            ways.map(|way| way.grants.iter().map(|one| one.policy_type).collect()).collect();
        assert_eq!(ways, [want], "{to}");
    };
    check("arn:aws:iam::111111111111:role/r", &[PolicyType::Boundary]);
    check("111111111111", &[PolicyType::Identity, PolicyType::Boundary]);
}

#[test]
fn a_grant_means_the_same_in_the_document_that_it_goes_into() {
    // It has to name a bucket with a star in its name, which only a variable can.
    for (version, statements, want) in [
        ("2012-10-17", S3_GRANT, 1),
        ("2012-10-17", "", 1),
        ("2008-10-17", S3_GRANT, 0),
        ("2008-10-17", "", 0),
    ] {
        let json = format!(r#"{{"Version":"{version}","Statement":[{statements}]}}"#);
        let policy = Policy::parse(DocumentKind::Resource, &json).unwrap();
        let mut context = MapContext::new();
        context.insert("aws:SourceArn", "arn:aws:s3:::b*");
        let request = Request {
            principal: &Principal::parse("s3.amazonaws.com").unwrap(),
            action: "lambda:InvokeFunction",
            resource: FUNCTION,
            resource_account: "111111111111",
            context: &context,
        };
        let policies = Policies { resource: &[&policy], ..Policies::default() };
        let told = explain(&request, &policies, &NARROWING);
        assert_eq!(told.ways.len(), want, "{version}: {:?}", told.ways);
    }
}

#[test]
fn a_session_is_granted_by_its_role_with_the_path_that_the_request_tells() {
    let context = [("aws:PrincipalArn", "arn:aws:iam::222222222222:role/team/worker")];
    let session = "arn:aws:sts::222222222222:assumed-role/worker/night";
    let row = Row { caller: session, context: &context, identity: None, resource: None };
    let principals = row.told(|told| {
        let grants = told.ways.iter().flat_map(|way| &way.grants);
        grants.filter_map(|grant| grant.principal.clone()).collect::<Vec<_>>()
    });
    assert_eq!(principals, [("AWS", "arn:aws:iam::222222222222:role/team/worker".to_owned())]);
}

#[test]
fn a_deny_is_named_and_no_grant_pretended() {
    let deny = r#"{"Sid":"no","Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"*"}"#;
    let root = "arn:aws:iam::111111111111:root";
    let row = Row { caller: root, context: &[], identity: None, resource: Some(deny) };
    row.check(
        r#"
        service control policy  not asked: none for the caller's account
        resource control policy not asked: none for the resource's account
        resource-based policy   denies
          denies: statement "no" of resource-based policy 1
        identity-based policy   not asked: the root user needs none
        permissions boundary    not asked: it does not limit the root user
        session policy          not asked: it does not limit the root user

        To allow it, change or remove what denies: no grant outweighs a Deny.
        "#,
    );
    let first = row.told(|told| told.text(Style::Plain).lines().next().unwrap().to_owned());
    assert_eq!(first, "Denied by statement \"no\" of resource-based policy 1");
}

#[test]
fn documents_have_the_names_that_they_are_given() {
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let alice = "arn:aws:iam::111111111111:user/alice";
    let row = Row { caller: alice, context: &[], identity: Some(allow), resource: None };
    let text = row.told(|told| {
        let name = |at: DocumentReference| Some(format!("policy {}", at.document));
        told.clone().named(name).text(Style::Plain)
    });
    assert!(
        text.starts_with(
            "Allowed by statement 1 of policy 0\n  caller    arn:aws:iam::111111111111:user/alice\n"
        ),
        "{text}"
    );
    assert!(text.contains("  allows: statement 1 of policy 0\n"), "{text}");
}

#[test]
fn json_has_the_fields_that_are_documented() {
    let source = [("aws:SourceArn", "arn:aws:s3:::other")];
    let row = Row {
        caller: "s3.amazonaws.com",
        context: &source,
        identity: None,
        resource: Some(S3_GRANT),
    };
    let json = row.told(|told| serde_json::to_value(told).unwrap());
    assert_eq!(json["decision"], "ImplicitlyDenied");
    assert_eq!(json["policy_type"], "resource-based policy");
    assert_eq!(json["nearest"]["sid"], "s3");
    assert_eq!(json["nearest"]["written"]["Effect"], "Allow");
    let miss = &json["nearest"]["misses"][0];
    assert_eq!(miss["part"], "condition");
    assert_eq!(miss["operator"], "StringEquals");
    assert_eq!(miss["actual"], serde_json::Value::Null);
    let other = &json["nearest"]["misses"][1];
    assert_eq!(other["parting"]["at"], 13);
    assert_eq!(
        json["ways"][0]["grants"][0]["statement"]["Principal"]["Service"],
        "s3.amazonaws.com"
    );
    assert_eq!(json["trace"][2]["verdict"], "silent");
}

/// What is said of the one part of an Allow that misses.
#[track_caller]
fn check_miss(statement: &str, context: &[(&str, &str)], want: &[&str]) {
    let statement = statement.replace("FUNCTION", FUNCTION);
    let caller = "arn:aws:iam::111111111111:user/alice";
    let row = Row { caller, context, identity: Some(&statement), resource: None };
    let text = row.told(|told| told.text(Style::Plain));
    let nearest = text.lines().skip_while(|line| !line.starts_with("Nearest: ")).skip(1);
    let nearest: Vec<_> = nearest.take_while(|line| !line.is_empty()).map(str::trim).collect();
    let nearest: Vec<_> =
        nearest.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(nearest, want, "{statement}");
}

#[test]
fn every_part_that_misses_is_told_with_what_was_expected_and_what_there_is() {
    let of = |action: &str, resource: &str| format!(r#"{{"Effect":"Allow",{action},{resource}}}"#);
    let function = r#""Resource":"FUNCTION""#;
    #[rustfmt::skip]
    let rows: [(String, &[&str]); 9] = [
        (of(r#""Action":"lambda:InvokeFunctionUrl""#, function),
         &["action", "expected lambda:InvokeFunctionUrl", "actual lambda:InvokeFunction", "they part at byte 21: Url | its end"]),
        (of(r#""Action":["lambda:Get*","LAMBDA:invokeA*"]"#, function),
         &["action", "expected lambda:Get* or LAMBDA:invokeA*", "actual lambda:InvokeFunction", "they part at byte 13: A* | Function"]),
        (of(r#""NotAction":"lambda:*""#, function),
         &["action", "expected anything but lambda:*", "actual lambda:InvokeFunction"]),
        (of(r#""Action":[]"#, function),
         &["action", "expected (nothing is listed)", "actual lambda:InvokeFunction"]),
        (of(r#""Action":"*""#, r#""Resource":"FUNCTION:prod""#),
         &["resource", "expected FUNCTION:prod", "actual FUNCTION", "they part at byte 53: :prod | its end"]),
        (of(r#""Action":"*""#, r#""Resource":"arn:aws:lambda:*:222222222222:function:*""#),
         &["resource", "expected arn:aws:lambda:*:222222222222:function:*", "actual FUNCTION", "they part at byte 25: 222222222222:function:* | 111111111111:function:orders"]),
        (of(r#""Action":"*""#, r#""NotResource":"arn:aws:lambda:*""#),
         &["resource", "expected anything but arn:aws:lambda:*", "actual FUNCTION"]),
        (of(r#""Action":"*""#, r#""Resource":"arn:aws:lambda:*:*:function:${aws:username}""#),
         &["resource", "expected arn:aws:lambda:*:*:function:${aws:username}", "actual FUNCTION", "note ${aws:username} has no value in this request"]),
        (of(r#""Action":"*""#, r#""Resource":"arn:aws:lambda:${aws:region}:*:function:*""#),
         &["resource", "expected arn:aws:lambda:${aws:region}:*:function:*", "actual FUNCTION", "note arn:aws:lambda:${aws:region}:*:function:*: variables work in the last field only"]),
    ];
    for (statement, want) in rows {
        let want: Vec<_> = want.iter().map(|line| line.replace("FUNCTION", FUNCTION)).collect();
        check_miss(&statement, &[], &want.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn every_condition_that_misses_is_told_with_why_it_cannot_hold() {
    let context = [
        ("aws:SourceIp", "203.0.113.7"),
        ("aws:username", "alice"),
        ("aws:SourceArn", "arn:aws:execute-api:us-east-1:111111111111:api/prod/POST/orders"),
        ("aws:TagKeys", "a"),
        ("AWS:tagkeys", "b"),
        ("aws:k", "3x"),
    ];
    #[rustfmt::skip]
    let rows: [(&str, &str, &str, &[&str]); 17] = [
        ("ArnLike", "aws:SourceArn", r#""arn:aws:execute-api:us-east-1:111111111111:api/*/GET/*""#,
         &["expected arn:aws:execute-api:us-east-1:111111111111:api/*/GET/*", "actual arn:aws:execute-api:us-east-1:111111111111:api/prod/POST/orders",
           "they part at byte 52: GET/* | POST/orders"]),
        ("ArnLike", "aws:SourceArn", r#""arn:aws:execute-api:*""#,
         &["expected arn:aws:execute-api:*", "actual arn:aws:execute-api:us-east-1:111111111111:api/prod/POST/orders",
           "note \"arn:aws:execute-api:*\" is not an ARN with its six fields"]),
        ("ArnLike", "aws:username", r#""arn:aws:s3:::b""#,
         &["expected arn:aws:s3:::b", "actual alice", "note \"alice\" is not an ARN with its six fields"]),
        ("StringEquals", "aws:username", r#"["bob","al*"]"#,
         &["expected bob or al*", "actual alice", "they part at byte 2: * | ice", "note StringEquals has no wildcards; StringLike has"]),
        ("StringEquals", "aws:username", r#""Alice""#,
         &["expected Alice", "actual alice", "note they differ in case only"]),
        ("StringLike", "aws:username", r#""alice-${aws:none}""#,
         &["expected alice-${aws:none}", "actual alice", "note ${aws:none} has no value in this request"]),
        ("StringLike", "aws:username", r#""${aws:k}?""#,
         &["expected ${aws:k}?", "actual alice"]),
        ("StringEqualsIgnoreCase", "aws:username", r#""ALINA""#,
         &["expected ALINA", "actual alice", "they part at byte 3: NA | ce"]),
        ("StringNotEquals", "aws:username", r#"["alice","bob"]"#,
         &["expected anything but alice or bob", "actual alice"]),
        ("StringEquals", "aws:TagKeys", r#""a""#,
         &["expected a", "actual a, b", "note the key has a list; ForAnyValue: and ForAllValues: compare one"]),
        ("ForAllValues:StringEquals", "aws:TagKeys", r#""a""#,
         &["expected a", "actual a, b"]),
        ("StringEquals", "aws:none", r#""a""#,
         &["expected a", "actual (not in the request)"]),
        ("NumericLessThan", "aws:k", r#""3""#,
         &["expected 3", "actual 3x", "note \"3x\" is not a number"]),
        ("Bool", "aws:k", r#""true""#,
         &["expected true", "actual 3x", "note \"3x\" is not true or false"]),
        ("IpAddress", "aws:SourceIp", r#""198.51.100.0/24""#,
         &["expected 198.51.100.0/24", "actual 203.0.113.7"]),
        ("NotIpAddress", "aws:SourceIp", r#"["198.51.100.0/24","localhost"]"#,
         &["expected anything but 198.51.100.0/24 or localhost", "actual 203.0.113.7", "note \"localhost\" is not an IP address or range"]),
        ("Null", "aws:none", r#""false""#,
         &["expected false", "actual (not in the request)"]),
    ];
    for (operator, key, values, want) in rows {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"{operator}":{{"{key}":{values}}}}}}}"#
        );
        let part = format!("condition {operator} {key}");
        let want: Vec<&str> = [part.as_str()].into_iter().chain(want.iter().copied()).collect();
        check_miss(&statement, &context, &want);
    }
}

#[test]
fn the_conditions_by_which_a_deny_applies_are_told() {
    let deny = r#"{"Sid":"office","Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24","192.0.2.0/24"]},"StringNotEquals":{"aws:none":"x"}}}"#;
    let caller = "arn:aws:iam::111111111111:user/alice";
    let context = [("aws:SourceIp", "203.0.113.7")];
    let row = Row { caller, context: &context, identity: Some(deny), resource: None };
    let text = row.told(|told| told.text(Style::Plain));
    let want = r#"
identity-based policy   denies
  denies: statement "office" of identity-based policy 1
    as NotIpAddress aws:SourceIp 198.51.100.0/24 or 192.0.2.0/24 holds: 203.0.113.7
    as StringNotEquals aws:none x holds: (not in the request)
"#;
    assert!(text.contains(want), "{text}");
}

#[test]
fn a_grant_that_lets_in_more_than_the_call_is_told_with_a_warning() {
    let source = [("aws:SourceArn", "arn:aws:s3:::b")];
    let warned = |caller, context| {
        let row = Row { caller, context, identity: None, resource: None };
        row.told(|told| told.text(Style::Plain).contains("\n  careful: "))
    };
    assert!(warned("s3.amazonaws.com", &[]));
    assert!(warned("anonymous", &[]));
    assert!(!warned("s3.amazonaws.com", &source));
    assert!(!warned("arn:aws:iam::111111111111:user/alice", &[]));
}

/// A log or a terminal is not made to say something by what a document or a request holds.
#[test]
fn a_text_of_others_stays_on_its_line_and_is_not_obeyed() {
    let evil = "a\u{1b}[2J\nAllowed\u{9b}";
    let context = [("aws:k\u{1b}", evil), ("aws:SourceArn", evil)];
    let condition = r#""Condition":{"StringEquals":{"aws:k\u001b":["a\u001b[2K\n"],"aws:l":"\r"}}"#;
    let of = |effect: &str| {
        format!(
            r#"{{"Effect":"{effect}","Principal":"*","Action":"lambda:*","Resource":"*",{condition}}}"#
        )
    };
    let deny = of("Deny").replace("StringEquals", "StringNotEquals");
    for statement in [of("Allow"), deny] {
        let row = Row {
            caller: "s3.amazonaws.com",
            context: &context,
            identity: None,
            resource: Some(&statement),
        };
        let text = row.told(|told| {
            let told = told.clone().named(|_| Some(evil.to_owned()));
            told.with_commands(|_| Some(evil.to_owned())).text(Style::Plain)
        });
        assert!(text.contains(r"a\u{1b}[2J\nAllowed\u{9b}"), "{text}");
        assert!(!text.contains(|one: char| one.is_control() && one != '\n'), "{text:?}");
        assert!(!text.contains("\nAllowed"), "{text}");
    }
}

/// The level at which a service control policy is missing is the one that is looked into.
#[test]
fn the_nearest_of_levels_is_at_one_that_is_silent() {
    let parse = |statements: &str| {
        let json = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Policy::parse(DocumentKind::ServiceControl, &json).unwrap()
    };
    let root = parse(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},
           {"Sid":"near","Effect":"Allow","Action":"lambda:*","Resource":"*","Condition":{"Bool":{"aws:none":"true"}}}"#,
    );
    let unit = parse(r#"{"Sid":"far","Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    let (root, unit) = ([&root], [&unit]);
    let levels: [&[&Policy]; 2] = [&root, &unit];
    let request = Request {
        principal: &Principal::parse("arn:aws:iam::111111111111:user/alice").unwrap(),
        action: "lambda:InvokeFunction",
        resource: FUNCTION,
        resource_account: "111111111111",
        context: &MapContext::new(),
    };
    let policies = Policies { service_control: Some(&levels), ..Policies::default() };
    let told = explain(&request, &policies, &NARROWING);
    let nearest = told.nearest.as_ref().unwrap().reference;
    assert_eq!((nearest.document.level, nearest.sid), (Some(1), Some("far")));
    let text = told.text(Style::Plain);
    assert!(text.contains("nothing allows at level 1, where 0 is the root\n"), "{text}");
    assert!(!text.contains("nothing allows at level 0,"), "{text}");
}

/// What is missed by a caller of this unique id where a statement names `named`, bound to an id.
fn homonym(named: [&str; 2], caller: &str, id: Option<&str>) -> (serde_json::Value, String) {
    let [name, bound] = named;
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["arn:aws:iam::111111111111:user/eve","{name}"]}},"Action":"*","Resource":"{FUNCTION}"}}]}}"#
    );
    let bindings = Bindings::from_iter([(name.into(), bound.into())]);
    let policy = Policy::parse_bound(DocumentKind::Resource, &text, &bindings).unwrap();
    let principal = Principal::parse(caller).unwrap();
    let request = Request {
        principal: &id.map_or_else(|| principal.clone(), |id| principal.clone().with_id(id)),
        action: "lambda:InvokeFunction",
        resource: FUNCTION,
        resource_account: "111111111111",
        context: &MapContext::new(),
    };
    let policies = Policies { resource: &[&policy], ..Policies::default() };
    let told = explain(&request, &policies, &NARROWING);
    let json = serde_json::to_value(&told).unwrap();
    let miss = json.pointer("/nearest/misses/0").cloned().unwrap_or_default();
    (miss, told.text(Style::Plain))
}

/// Source: iam.md §4.1.
#[test]
#[rustfmt::skip]
fn whoever_has_the_name_of_another_is_told_both_ids() {
    let user = "arn:aws:iam::111111111111:user/team/alice";
    let role = "arn:aws:iam::111111111111:role/team/deploy";
    let session = "arn:aws:sts::111111111111:assumed-role/deploy/night";
    let rows = [
        ([user, "AIDAOLD"],    user,    Some("AIDANEW"), true),
        ([user, "AIDAOLD"],    user,    None,            true),
        ([role, "AROAOLD"],    session, Some("AROANEW"), true),
        ([session, "AROAOLD"], session, Some("AROANEW"), true),
        // Of another name, or by the id itself: what is written tells enough.
        ([user, "AIDAOLD"],    "arn:aws:iam::111111111111:user/alice", Some("AIDANEW"), false),
        ([role, "AROAOLD"],    "arn:aws:sts::111111111111:assumed-role/other/night", Some("AROANEW"), false),
        ([session, "AROAOLD"], "arn:aws:sts::111111111111:assumed-role/deploy/day", Some("AROANEW"), false),
        (["AIDAAAAAAAAAAAAAAAAAA", "AIDAAAAAAAAAAAAAAAAAA"], user, Some("AIDANEW"), false),
    ];
    for (named, caller, id, is_homonym) in rows {
        let (miss, text) = homonym(named, caller, id);
        assert_eq!(miss["part"], "principal", "{named:?} {caller}");
        if !is_homonym {
            assert_eq!(miss.get("homonym"), None, "{named:?} {caller}");
            continue;
        }
        let want = serde_json::json!({"principal": named[0], "expected_id": named[1], "actual_id": id});
        assert_eq!(miss["homonym"], want);
        let lines = format!(
            "    expected id  {}\n    actual id    {}\n    note      {} was made anew: ",
            named[1], id.unwrap_or("(not known)"), named[0]
        );
        assert!(text.contains(&lines), "{text}");
    }
    let (allowed, _) = homonym([user, "AIDAOLD"], user, Some("AIDAOLD"));
    assert_eq!(allowed, serde_json::Value::Null);
}
