//! What a document of each kind may say, and what is said about those that are refused.

use portcullis_iam::DocumentKind::{
    self, Boundary, Identity, Resource, ResourceControl, ServiceControl, Session, Trust,
};
use portcullis_iam::{DOCUMENT_BYTES_MAX, Effect, Policy, Statement};

const ALL: [DocumentKind; 7] =
    [Identity, Resource, Trust, Boundary, Session, ServiceControl, ResourceControl];

/// The whole message for `document` as `kind`; `""` if it is accepted.
#[track_caller]
fn check(kind: DocumentKind, document: &str, want: &str) {
    let got = Policy::parse(kind, document).err().map(|error| error.to_string());
    assert_eq!(got.unwrap_or_default(), want, "{kind:?} {document}");
}

/// Checks a document that has one statement of these elements, and the statement alone.
#[track_caller]
fn statement(kind: DocumentKind, elements: &str, want: &str) {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{{{elements}}}]}}"#);
    check(kind, &document, want);
    let alone = Statement::parse(kind, &format!("{{{elements}}}")).err();
    assert_eq!(alone.map(|error| error.to_string()).unwrap_or_default(), want, "{elements} alone");
}

#[test]
#[rustfmt::skip]
fn a_document_has_a_version_and_statements() {
    let ok = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    check(Identity, &format!(r#"{{"Version":"2012-10-17","Statement":[{ok}]}}"#), "");
    check(Identity, &format!(r#"{{"Statement":{ok},"Version":"2008-10-17"}}"#), "");
    check(Identity, &format!(r#" {{ "Statement" : [ {ok} , {ok} ] }} "#), "");
    check(Identity, r#"{"Statement":[]}"#, "");
    check(Identity, "{}", "the element Statement is missing");
    check(Identity, "[]", "has to be an object");
    check(Identity, "null", "has to be an object");
    check(Identity, "", "not valid JSON: EOF while parsing a value at line 1 column 0");
    check(Identity, r#"{"Statement":[]} x"#, "not valid JSON: trailing characters at line 1 column 18");
    check(Identity, r#"{"Statement":null}"#, "Statement[0]: has to be an object");
    check(Identity, r#"{"Statement":[[]]}"#, "Statement[0]: has to be an object");
    check(Identity, r#"{"Statement":"x"}"#, "Statement[0]: has to be an object");
    check(Identity, r#"{"Statement":[],"Statement":[]}"#, r#"the key "Statement" occurs more than once"#);
    check(Identity, r#"{"Statement":[],"statement":[]}"#, r#"unknown element "statement""#);
    check(Identity, r#"{"Statement":[],"Version":"2012-10-18"}"#, r#"Version: "2012-10-18" is not a version; use "2012-10-17" or "2008-10-17""#);
    check(Identity, r#"{"Statement":[],"Version":20121017}"#, "Version: has to be a string");
    check(Identity, r#"{"Statement":[],"Id":"x"}"#, "Id: not an element of this kind of document (identity-based policy)");
    check(Resource, r#"{"Statement":[],"Id":"x"}"#, "");
    check(Resource, r#"{"Statement":[],"Id":null}"#, "Id: has to be a string");
}

#[test]
fn a_document_has_a_size_that_is_read() {
    let document = r#"{"Statement":[]}"#;
    let padded = |size: usize| document.to_owned() + &" ".repeat(size - document.len());
    check(Identity, &padded(DOCUMENT_BYTES_MAX), "");
    let want = "the document has 131073 bytes, more than 131072";
    check(Identity, &padded(DOCUMENT_BYTES_MAX + 1), want);
}

#[test]
#[rustfmt::skip]
fn a_statement_has_known_elements_once() {
    let at = "Statement[0]";
    statement(Identity, r#""Action":"*","Resource":"*""#, &format!("{at}: the element Effect is missing"));
    statement(Identity, r#""Effect":"Allow","Resource":"*""#, &format!("{at}: the element Action is missing"));
    statement(Identity, r#""Effect":"allow","Action":"*","Resource":"*""#, &format!(r#"{at}.Effect: "allow" is not an effect; use "Allow" or "Deny""#));
    statement(Identity, r#""Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*""#, &format!(r#"{at}: the key "Effect" occurs more than once"#));
    statement(Identity, r#""Effect":"Allow","Action":"*","NotAction":"*","Resource":"*""#, &format!("{at}: Action and NotAction exclude each other"));
    statement(Identity, r#""Effect":"Allow","Action":"*","Resource":"*","NotResource":"*""#, &format!("{at}: Resource and NotResource exclude each other"));
    statement(Resource, r#""Effect":"Deny","Action":"*","Resource":"*","Principal":"*","NotPrincipal":"*""#, &format!("{at}: Principal and NotPrincipal exclude each other"));
    statement(Identity, r#""Effect":"Allow","Action":"*","Resource":"*","Conditions":{}"#, &format!(r#"{at}: unknown element "Conditions""#));
    statement(Identity, r#""Effect":"Allow","Action":null,"Resource":"*""#, &format!("{at}.Action: has to be a string or a list of strings"));
    statement(Identity, r#""Effect":"Allow","Action":[["*"]],"Resource":"*""#, &format!("{at}.Action: has to be a string or a list of strings"));
    statement(Identity, r#""Effect":"Allow","Action":"*","Resource":[1]"#, &format!("{at}.Resource: has to be a string or a list of strings"));
    statement(Identity, r#""Effect":"Allow","Action":[],"NotResource":[],"Condition":{}"#, "");
    statement(Identity, r#""Sid":"s3","Effect":"Allow","Action":"x","Resource":"*""#, r#"Statement[0] (Sid "s3").Action: "x" is not an action; use "*" or "service:Name", wildcards only in the name"#);
}

/// One row of iam.md §2.2: what each kind of document says to an element.
#[track_caller]
fn by_kind(elements: &str, accepted: &[DocumentKind]) {
    for kind in ALL {
        let document = format!(r#"{{"Statement":{{{elements}}}}}"#);
        let got = Policy::parse(kind, &document);
        assert_eq!(got.is_ok(), accepted.contains(&kind), "{kind:?} {document} {got:?}");
    }
}

#[test]
#[rustfmt::skip]
fn each_kind_of_document_has_its_elements() {
    let without = [Identity, Boundary, Session, ServiceControl];
    let rest = r#""Action":"lambda:*""#;
    by_kind(&format!(r#""Effect":"Allow","Resource":"*",{rest}"#), &without);
    by_kind(r#""Effect":"Deny","NotResource":"*","NotAction":"s3:*""#, &without);
    by_kind(&format!(r#""Effect":"Allow",{rest}"#), &[]);
    by_kind(&format!(r#""Effect":"Allow","Principal":"*",{rest}"#), &[Trust]);
    by_kind(&format!(r#""Effect":"Allow","Principal":"*","Resource":"*",{rest}"#), &[Resource]);
    by_kind(&format!(r#""Effect":"Deny","Principal":"*","Resource":"*",{rest}"#), &[Resource, ResourceControl]);
    by_kind(&format!(r#""Effect":"Deny","Principal":{{"AWS":"*"}},"Resource":"*",{rest}"#), &[Resource]);
    by_kind(&format!(r#""Effect":"Deny","NotPrincipal":"*","Resource":"*",{rest}"#), &[Resource]);
    by_kind(&format!(r#""Effect":"Allow","NotPrincipal":"*","Resource":"*",{rest}"#), &[]);
    by_kind(&format!(r#""Effect":"Deny","NotPrincipal":"*",{rest}"#), &[]);
    by_kind(r#""Effect":"Deny","Principal":"*","Resource":"*","Action":"*""#, &[Resource]);
    by_kind(r#""Effect":"Allow","Principal":"*","Resource":"*","Action":"*""#, &[Resource, ResourceControl]);
    by_kind(r#""Effect":"Deny","Principal":"*","Resource":"*","NotAction":"s3:*""#, &[Resource]);
}

/// The column "Id" of iam.md §2.2.
#[test]
fn only_a_policy_on_a_resource_or_a_role_has_an_id() {
    for kind in ALL {
        let document = r#"{"Id":"default","Statement":[]}"#;
        let want = matches!(kind, Resource | Trust);
        assert_eq!(Policy::parse(kind, document).is_ok(), want, "{kind:?}");
    }
}

/// The last rows of iam.md §2.2: the whole language for organizations, but what they may not say.
#[test]
#[rustfmt::skip]
fn control_policies_say_what_their_row_lets_them() {
    for elements in [
        r#""Effect":"Allow","NotAction":"iam:*","Resource":"*""#,
        r#""Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b*""#,
        r#""Effect":"Allow","Action":"s3:*Object*","Resource":"arn:*:s3:::b?","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
    ] {
        statement(ServiceControl, elements, "");
    }
    let at = "Statement[0]";
    let rcp = |elements: &str, want: &str| statement(ResourceControl, &format!(r#""Principal":"*","Resource":"*",{elements}"#), want);
    rcp(r#""Effect":"Deny","Action":["s3:*","sts:AssumeRole"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}"#, "");
    rcp(r#""Effect":"Allow","Action":"s3:*""#, &format!("{at}.Effect: a resource control policy only denies; RCPFullAWSAccess is the one exception"));
    rcp(r#""Effect":"Deny","Action":["s3:*","*"]"#, &format!(r#"{at}.Action: a resource control policy must not deny the action "*""#));
    rcp(r#""Effect":"Deny","NotAction":"s3:*""#, &format!("{at}.NotAction: not an element of this kind of document (resource control policy)"));
    let named = r#""Effect":"Deny","Action":"s3:*","Resource":"*","Principal":{"AWS":"111111111111"}"#;
    statement(ResourceControl, named, &format!(r#"{at}.Principal: a resource control policy names only the principal "*""#));
}

#[test]
#[rustfmt::skip]
fn short_arns_are_completed_in_some_kinds_only() {
    let elements = r#""Effect":"Allow","Action":"*","Resource":"arn:aws:lambda""#;
    by_kind(elements, &[Identity, Boundary, ServiceControl]);
    let want = r#"Statement[0].Resource: the ARN "arn:aws:lambda" has fewer than six fields; a session policy does not complete it"#;
    statement(Session, elements, want);
}

#[test]
#[rustfmt::skip]
fn sids_are_unique_and_of_legal_characters() {
    let two = |first: &str, second: &str| format!(
        r#"{{"Statement":[{{"Sid":"{first}","Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"*"}},{{"Sid":"{second}","Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"*"}}]}}"#);
    check(Resource, &two("a", "b"), "");
    check(Resource, &two("", ""), "");
    check(Resource, &two("a", "A"), "");
    check(Resource, &two("a", "a"), r#"Statement[1] (Sid "a"): another statement has the Sid "a""#);
    check(Resource, &two("a", "a-b_C9"), "");
    check(Resource, &two("a", &"x".repeat(100)), "");
    check(Resource, &two("a", "a b"), r#"Statement[1] (Sid "a b").Sid: "a b" is not a Sid; use at most 100 letters, digits, hyphens and underscores"#);
    check(Resource, &two("a", "${a}"), r#"Statement[1] (Sid "${a}").Sid: "${a}" is not a Sid; use at most 100 letters, digits, hyphens and underscores"#);
    check(ResourceControl, &two("a", "a-b"), r#"Statement[1] (Sid "a-b").Sid: "a-b" is not a Sid; use letters and digits"#);
    let long = Policy::parse(Resource, &two("a", &"x".repeat(101))).unwrap_err().to_string();
    assert!(long.len() < 400, "{long}");
}

#[test]
fn actions_have_a_service_and_a_name() {
    for action in
        ["*", "lambda:*", "lambda:Get*", "lambda:?et", "execute-api:Invoke", "s3:*Object*"]
    {
        statement(Identity, &format!(r#""Effect":"Allow","Action":"{action}","Resource":"*""#), "");
    }
    for action in [
        "",
        "**",
        "lambda",
        "lambda:",
        ":Get",
        "*:Get",
        "*:*",
        "lamb?a:Get",
        "a:b:c",
        "a:${b}",
        "a: b",
    ] {
        let want = format!(
            "Statement[0].NotAction: \"{action}\" is not an action; use \"*\" or \"service:Name\", \
             wildcards only in the name"
        );
        let elements =
            format!(r#""Effect":"Allow","NotAction":["s3:*","{action}"],"Resource":"*""#);
        statement(Identity, &elements, &want);
    }
}

#[test]
#[rustfmt::skip]
fn resources_are_arns_and_variables_are_well_formed() {
    let check = |resource: &str, want: &str| {
        let want = if want.is_empty() { String::new() } else { format!("Statement[0].Resource: {want}") };
        statement(Identity, &format!(r#""Effect":"Allow","Action":"*","Resource":"{resource}""#), &want);
    };
    check("*", "");
    check("**", "");
    check("arn:aws:s3:::b/${aws:username}/*", "");
    check("arn:aws:s3:::b/${aws:PrincipalTag/my tag}", "");
    check("arn:aws:s3:::b/${aws:username, 'a, b'}", "");
    check("arn:aws:s3:::b/${*}${?}${$}", "");
    check("arn:aws:s3::${aws:PrincipalAccount}:b", "");
    check("",                  r#""" is not a resource; use "*" or an ARN that begins with "arn:""#);
    check("arn",               r#""arn" is not a resource; use "*" or an ARN that begins with "arn:""#);
    check("a*",                r#""a*" is not a resource; use "*" or an ARN that begins with "arn:""#);
    check("lambda:f",          r#""lambda:f" is not a resource; use "*" or an ARN that begins with "arn:""#);
    check("arn:aws:s3:::${}",  r#"the variable in "arn:aws:s3:::${}" is empty"#);
    check("arn:aws:s3:::${a",  r#"the variable in "arn:aws:s3:::${a" has no closing brace"#);
    check("arn:aws:s3:::${a b}", r#"the variable in "arn:aws:s3:::${a b}" has a blank in its name"#);
    check("arn:aws:s3:::${a, b}", r#"the variable in "arn:aws:s3:::${a, b}" has a default that is not written , 'text'"#);
    check("arn:aws:s3:::${a${b}}", r#"the variable in "arn:aws:s3:::${a${b}}" has a brace, dollar sign or quote in its name"#);
}

#[test]
fn the_old_version_has_no_variables_to_be_malformed() {
    let statement = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${","Condition":{"StringLike":{"k":"${}"}}}"#;
    check(Identity, &format!(r#"{{"Statement":{statement}}}"#), "");
    check(Identity, &format!(r#"{{"Version":"2008-10-17","Statement":{statement}}}"#), "");
}

#[test]
fn principals_are_of_known_types_and_forms() {
    let refused = |principal: &str, want: &str| {
        let elements = format!(r#""Effect":"Allow","Action":"sts:*","Principal":{principal}"#);
        let want =
            if want.is_empty() { String::new() } else { format!("Statement[0].Principal{want}") };
        statement(Trust, &elements, &want);
    };
    for value in [
        "*",
        "123456789012",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:user/a/b",
        "arn:aws:iam::123456789012:role/r",
        "arn:aws-cn:sts::123456789012:assumed-role/r/s",
        "arn:aws:sts::123456789012:federated-user/f",
        "AIDAJQABLZS4A3QDU576Q",
        "AROAJQABLZS4A3QDU576Q",
    ] {
        refused(&format!(r#"{{"AWS":["{value}"]}}"#), "");
    }
    refused(r#""*""#, "");
    refused("{}", "");
    refused(r#"{"AWS":[]}"#, "");
    refused(r#"{"Service":["s3.amazonaws.com","alexa-appkit.amazon.com"]}"#, "");
    refused(r#"{"Federated":"cognito-identity.amazonaws.com","CanonicalUser":"79a59d"}"#, "");
    let aws = "is not a principal; use \"*\", an account id, or the ARN of an account, user, role, \
               role session or federated user";
    for value in [
        "",
        "alice",
        "1234",
        "arn:aws:iam::123456789012:group/g",
        "arn:aws:iam::123456789012:user/${a}",
        "arn:aws:iam::123456789012:user/a b",
        "s3.amazonaws.com",
        "AIDA",
        "arn:aws:s3:::bucket",
    ] {
        refused(&format!(r#"{{"AWS":"{value}"}}"#), &format!(".AWS: \"{value}\" {aws}"));
    }
    for value in ["arn:aws:iam::123456789012:user/*", "12345678901?", "**"] {
        let want = format!(".AWS: a wildcard within a principal is not supported: \"{value}\"");
        refused(&format!(r#"{{"AWS":"{value}"}}"#), &want);
    }
    let want = ".Service: a wildcard within a principal is not supported: \"*\"";
    refused(r#"{"Service":"*"}"#, want);
    let want =
        ".Service: \"s3\" is not a service principal; use a name such as \"s3.amazonaws.com\"";
    refused(r#"{"Service":"s3"}"#, want);
    refused(r#"{"Federated":""}"#, ".Federated: \"\" is not a principal");
    let want = ": unknown principal type \"aws\"; use AWS, Service, Federated or CanonicalUser";
    refused(r#"{"aws":"*"}"#, want);
    let shape = ": has to be \"*\" or an object of principal types";
    refused(r#""arn:aws:iam::123456789012:root""#, shape);
    refused("null", shape);
    refused(r#"["*"]"#, shape);
}

#[test]
#[rustfmt::skip]
fn conditions_have_known_operators_and_distinct_keys() {
    let check = |condition: &str, want: &str| {
        let want = if want.is_empty() { String::new() } else { format!("Statement[0].Condition{want}") };
        let elements = format!(r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{condition}"#);
        statement(Identity, &elements, &want);
    };
    check("{}", "");
    check(r#"{"StringEquals":{}}"#, "");
    check(r#"{"stringequals":{"aws:k":[]}}"#, "");
    check(r#"{"ForAnyValue:StringNotLikeIfExists":{"aws:k":["a",1,true,1.50]}}"#, "");
    check(r#"{"NumericEquals":{"aws:k":"${not a variable"}}"#, "");
    check("[]", ": has to be an object");
    check(r#"{"StringEquals":"x"}"#, ".StringEquals: has to be an object");
    check(r#"{"StringMatches":{}}"#, r#": unknown condition operator "StringMatches""#);
    check(r#"{"NullIfExists":{}}"#, r#": unknown condition operator "NullIfExists""#);
    check(r#"{"StringEquals":{},"StringEquals":{}}"#, r#": the key "StringEquals" occurs more than once"#);
    check(r#"{"StringEquals":{"aws:k":"a","aws:k":"b"}}"#, r#".StringEquals: the key "aws:k" occurs more than once"#);
    check(r#"{"StringEquals":{"aws:k":"a","AWS:K":"b"}}"#, r#".StringEquals: the key "AWS:K" occurs more than once, in different case"#);
    check(r#"{"StringEquals":{"aws:k":null}}"#, ".StringEquals.aws:k: has to be a string, number or boolean, or a list of them");
    check(r#"{"StringEquals":{"aws:k":[["a"]]}}"#, ".StringEquals.aws:k: has to be a string, number or boolean, or a list of them");
    check(r#"{"StringEquals":{"aws:k":{"a":"b"}}}"#, ".StringEquals.aws:k: has to be a string, number or boolean, or a list of them");
    check(r#"{"StringEquals":{"aws:principaltag":"a"}}"#, r#".StringEquals: the key "aws:principaltag" has to name a tag: aws:principaltag/key"#);
    check(r#"{"StringEquals":{"aws:RequestTag/":"a"}}"#, r#".StringEquals: the key "aws:RequestTag" has to name a tag: aws:RequestTag/key"#);
    check(r#"{"StringEquals":{"aws:k":"${"}}"#, r#".StringEquals.aws:k: the variable in "${" has no closing brace"#);
}

#[test]
fn statements_tell_their_sid_and_effect_in_order() {
    let policy = Policy::parse(
        Identity,
        r#"{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
                         {"Effect":"Deny","Action":"*","Resource":"*"}]}"#,
    )
    .unwrap();
    let got: Vec<_> = policy.statements().iter().map(|s| (s.sid(), s.effect())).collect();
    assert_eq!(got, [(Some("a"), Effect::Allow), (None, Effect::Deny)]);
    assert_eq!(policy.kind(), Identity);
}

#[test]
fn an_error_tells_syntax_from_meaning() {
    assert!(Policy::parse(Identity, "{").unwrap_err().is_syntax());
    let error = Policy::parse(Identity, r#"{"Statement":[{}]}"#).unwrap_err();
    assert!(!error.is_syntax());
    assert_eq!(error.place(), "Statement[0]");
}

/// The whole message for the statements put together as `kind`; `""` if they may be.
#[track_caller]
fn check_assembled(kind: DocumentKind, statements: &[(DocumentKind, &str)], want: &str) {
    let each = statements.iter().map(|(kind, json)| Statement::parse(*kind, json));
    let got = each.collect::<Result<_, _>>().and_then(|all| Policy::assemble(kind, all));
    let got = got.err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(got, want, "{kind:?} {statements:?}");
}

#[test]
#[rustfmt::skip]
fn statements_are_assembled_if_they_are_legal_together() {
    let named = r#"{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}"#;
    let unnamed = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    check_assembled(Identity, &[], "");
    check_assembled(Identity, &[(Identity, unnamed), (Identity, named), (Identity, unnamed)], "");
    check_assembled(Identity, &[(Identity, named), (Identity, named)], r#"Statement[1] (Sid "a"): another statement has the Sid "a""#);
    check_assembled(Identity, &[(Identity, named), (Session, unnamed)], "Statement[1]: compiled for another kind of document (session policy)");
    let full = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    check_assembled(ResourceControl, &[(ResourceControl, full)], "");
    check_assembled(ResourceControl, &[(ResourceControl, deny), (ResourceControl, deny)], "");
    let want = "Statement[1].Effect: a resource control policy only denies; RCPFullAWSAccess is the one exception";
    check_assembled(ResourceControl, &[(ResourceControl, deny), (ResourceControl, full)], want);
}
