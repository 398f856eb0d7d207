//! Conditions and variables, a table for each rule of iam.md §5 and §6.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use portcullis_iam::{
    Decision, DocumentKind, MapContext, Policies, Policy, Principal, Request, decide,
};
use serde_json::{Value, json};

/// A key with no value, one, or a list.
#[derive(Clone, Copy, Debug)]
enum Has<'a> {
    Nothing,
    One(&'a str),
    List(&'a [&'a str]),
}
use Has::{List, Nothing, One};

/// Whether an Allow with the condition `{operator: {"aws:k": values}}` applies to a request whose
/// `aws:k` is `has`. Other keys of the request: `aws:username` = `al*ce`, `aws:list` = `[x]`.
#[track_caller]
fn check(version: &str, operator: &str, values: &Value, has: Has<'_>, want: bool) {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"aws:K": values}}});
    let document = json!({"Version": version, "Statement": statement}).to_string();
    let policy = Policy::parse_unvalidated(DocumentKind::Identity, &document).unwrap();
    let mut context = MapContext::from_iter([("aws:UserName", "al*ce")]);
    context.insert_list("aws:list", ["x".to_owned()]);
    match has {
        Nothing => {}
        One(value) => context.insert("AWS:k", value),
        List(values) => context.insert_list("AWS:k", values.iter().map(|v| (*v).to_owned())),
    }
    let principal = Principal::parse("arn:aws:iam::111111111111:user/a").unwrap();
    let request = Request {
        principal: &principal,
        action: "lambda:Invoke",
        resource: "*",
        resource_account: "111111111111",
        context: &context,
    };
    let got = decide(&request, &Policies { identity: &[&policy], ..Policies::default() });
    assert_eq!(got == Decision::Allowed, want, "{operator} {values} {has:?}");
}

/// A row with one policy value and one request value.
#[track_caller]
fn one(operator: &str, policy: &str, request: &str, want: bool) {
    check("2012-10-17", operator, &json!(policy), One(request), want);
}

#[track_caller]
fn rows(operator: &str, values: &[&str], rows: &[(Has<'_>, bool)]) {
    for (has, want) in rows {
        check("2012-10-17", operator, &json!(values), *has, *want);
    }
}

#[test]
#[rustfmt::skip]
fn a_missing_key_fails_plain_operators_and_satisfies_negated_ones() {
    for empty in [Nothing, List(&[])] {
        rows("StringEquals",                          &["a"], &[(empty, false)]);
        rows("StringNotEquals",                       &["a"], &[(empty, true)]);
        rows("StringEqualsIfExists",                  &["a"], &[(empty, true)]);
        rows("StringNotEqualsIfExists",               &["a"], &[(empty, true)]);
        rows("ForAllValues:StringEquals",             &["a"], &[(empty, true)]);
        rows("ForAllValues:StringNotEquals",          &["a"], &[(empty, true)]);
        rows("ForAnyValue:StringEquals",              &["a"], &[(empty, false)]);
        rows("ForAnyValue:StringNotEquals",           &["a"], &[(empty, false)]);
        rows("ForAnyValue:StringEqualsIfExists",      &["a"], &[(empty, true)]);
        rows("NotIpAddress",                          &["::/0"], &[(empty, true)]);
        rows("NumericGreaterThan",                    &["1"], &[(empty, false)]);
        rows("ArnNotLike",                            &["arn:aws:s3:::b"], &[(empty, true)]);
        rows("Null",                                  &["true"], &[(empty, true)]);
        rows("Null",                                  &["false"], &[(empty, false)]);
        rows("Null",                                  &["true", "false"], &[(empty, true)]);
        rows("Null",                                  &["maybe"], &[(empty, false)]);
    }
    rows("Null", &["true"],  &[(One(""), false), (One("x"), false), (List(&["x"]), false)]);
    rows("Null", &["FALSE"], &[(One(""), true), (One("x"), true), (List(&["x"]), true)]);
}

#[test]
#[rustfmt::skip]
fn negated_values_are_a_nor_and_plain_ones_an_or() {
    rows("StringEquals",    &["a", "b"], &[(One("a"), true), (One("b"), true), (One("c"), false), (One("A"), false)]);
    rows("StringNotEquals", &["a", "b"], &[(One("a"), false), (One("b"), false), (One("c"), true)]);
    rows("StringEquals",    &[],         &[(One("a"), false), (Nothing, false)]);
    rows("StringNotEquals", &[],         &[(One("a"), true), (Nothing, true)]);
    rows("StringEqualsIfExists", &[],    &[(One("a"), false), (Nothing, true)]);
    rows("ForAllValues:StringEquals", &[], &[(List(&["a"]), false), (Nothing, true)]);
    rows("ForAnyValue:StringEquals", &[],  &[(List(&["a"]), false), (Nothing, false)]);
}

#[test]
#[rustfmt::skip]
fn set_operators_range_over_the_values_of_the_request() {
    let (a, ac, c) = (List(&["a"]), List(&["a", "c"]), List(&["c"]));
    rows("ForAllValues:StringEquals",    &["a", "b"], &[(a, true),  (ac, false), (c, false), (One("a"), true)]);
    rows("ForAnyValue:StringEquals",     &["a", "b"], &[(a, true),  (ac, true),  (c, false), (One("c"), false)]);
    rows("ForAllValues:StringNotEquals", &["a", "b"], &[(a, false), (ac, false), (c, true)]);
    rows("ForAnyValue:StringNotEquals",  &["a", "b"], &[(a, false), (ac, true),  (c, true)]);
    rows("StringEquals",                 &["a", "b"], &[(a, false), (ac, false)]);
    rows("StringNotEquals",              &["a", "b"], &[(a, false), (c, false)]);
}

#[test]
#[rustfmt::skip]
fn strings_compare_as_their_operator_says() {
    one("StringEquals",              "a*",    "a*",   true);
    one("StringEquals",              "a*",    "ab",   false);
    one("StringLike",                "a*",    "ab",   true);
    one("StringLike",                "A*",    "ab",   false);
    one("StringLike",                "a?",    "a",    false);
    one("StringNotLike",             "a*",    "ab",   false);
    one("StringEqualsIgnoreCase",    "ÉCOLE", "école", true);
    one("StringEqualsIgnoreCase",    "ΟΔΟΣ",  "οδος", true);
    one("StringEqualsIgnoreCase",    "ß",     "ss",   false);
    one("StringEqualsIgnoreCase",    "a*",    "ab",   false);
    one("StringNotEqualsIgnoreCase", "ABC",   "abc",  false);
    one("StringEquals",              "",      "",     true);
    one("stringequals",              "a",     "a",    true);
}

#[test]
#[rustfmt::skip]
fn json_scalars_compare_as_their_text() {
    check("2012-10-17", "StringEquals",  &json!(true), One("true"), true);
    check("2012-10-17", "StringEquals",  &json!(3600), One("3600"), true);
    check("2012-10-17", "Bool",          &json!(true), One("TRUE"), true);
    check("2012-10-17", "NumericEquals", &json!(10),   One("10.0"), true);
    let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":1.50}}}}"#;
    let policy = Policy::parse(DocumentKind::Identity, text).unwrap();
    let principal = Principal::parse("arn:aws:iam::111111111111:user/a").unwrap();
    for (value, want) in [("1.50", true), ("1.5", false)] {
        let context = MapContext::from_iter([("aws:username", value)]);
        let request = Request { principal: &principal, action: "a:b", resource: "*", resource_account: "111111111111", context: &context };
        let got = decide(&request, &Policies { identity: &[&policy], ..Policies::default() });
        assert_eq!(got.is_allowed(), want, "{value}");
    }
}

#[test]
#[rustfmt::skip]
fn numbers_and_dates_are_ordered() {
    for (family, low, same, high) in [("Numeric", "9", "10.0", "11"), ("Date", "2023", "1704067200", "2024-01-01T00:00:01Z")] {
        let policy = if family == "Numeric" { "10" } else { "2024-01-01" };
        for (suffix, want) in [
            ("Equals",            [false, true,  false]),
            ("NotEquals",         [true,  false, true]),
            ("LessThan",          [true,  false, false]),
            ("LessThanEquals",    [true,  true,  false]),
            ("GreaterThan",       [false, false, true]),
            ("GreaterThanEquals", [false, true,  true]),
        ] {
            for (request, want) in [low, same, high].into_iter().zip(want) {
                one(&format!("{family}{suffix}"), policy, request, want);
            }
        }
    }
}

#[test]
#[rustfmt::skip]
fn a_type_error_satisfies_neither_the_plain_nor_the_negated_operator() {
    for (plain, negated, good, bad) in [
        ("NumericEquals", "NumericNotEquals", "1", "one"),
        ("DateEquals",    "DateNotEquals",    "2024-01-01", "2024-02-30"),
        ("IpAddress",     "NotIpAddress",     "10.0.0.1", "10.0.0"),
        ("ArnEquals",     "ArnNotEquals",     "arn:aws:s3:::b", "arn:aws:s3:b"),
        ("ArnLike",       "ArnNotLike",       "arn:aws:s3:::b", "*"),
    ] {
        for operator in [plain, negated] {
            one(operator, bad, good, false);
            one(operator, good, bad, false);
        }
        // One bad policy value spoils only the negated operator.
        rows(plain,   &[bad, good], &[(One(good), true)]);
        rows(negated, &[bad, good], &[(One(good), false)]);
    }
    one("NotIpAddress", "10.0.0.0/8", "10.0.0.1/32", false);
    one("Bool", "true", "1", false);
    one("Bool", "yes", "true", false);
    one("BinaryEquals", "QUJD", "ABC", false);
    one("BinaryEquals", "QUJ", "QUJ", false);
    one("NumericEquals", "${aws:username}", "1", false);
}

#[test]
#[rustfmt::skip]
fn the_other_bases_compare_as_documented() {
    one("Bool",         "true",           "TRUE",            true);
    one("Bool",         "false",          "true",            false);
    one("BinaryEquals", "QUJD",           "QUJD",            true);
    one("BinaryEquals", "QUJD",           "QUJE",            false);
    one("IpAddress",    "203.0.113.9/24", "203.0.113.7",     true);
    one("NotIpAddress", "203.0.113.0/24", "203.0.113.7",     false);
    one("NotIpAddress", "203.0.113.0/24", "2001:db8::1",     true);
    one("IpAddress",    "0.0.0.0/0",      "2001:db8::1",     false);
    for operator in ["ArnEquals", "ArnLike"] {
        one(operator, "arn:aws:s3:*:*:bucket",      "arn:aws:s3:::bucket",   true);
        one(operator, "arn:aws:s3:?:?:bucket",      "arn:aws:s3:::bucket",   false);
        one(operator, "arn:aws:s3:::b*/x",          "arn:aws:s3:::b/a:c/x",  true);
        one(operator, "arn:aws:S3:::b",             "arn:aws:s3:::b",        false);
        one(operator, "arn:aws:s3:::b",             "arn:aws:s3:::B",        false);
        one(operator, "arn:aws:*:b",                "arn:aws:s3:::b",        false);
    }
    one("ArnNotLike",   "arn:aws:s3:::b*",  "arn:aws:s3:::bucket",   false);
    one("ArnNotLike",   "arn:aws:s3:::c*",  "arn:aws:s3:::bucket",   true);
}

#[test]
#[rustfmt::skip]
fn variables_are_literal_text_of_single_values() {
    one("StringEquals",  "${aws:username}",            "al*ce",   true);
    one("StringEquals",  "${AWS:UserName}-x",          "al*ce-x", true);
    one("StringLike",    "${aws:username}/*",          "al*ce/x", true);
    one("StringLike",    "${aws:username}",            "alice",   false);
    one("StringEqualsIgnoreCase", "${aws:username}",   "AL*CE",   true);
    one("StringEquals",  "${aws:username, 'x'}",       "x",       false);
    one("StringEquals",  "${aws:none, 'x, y'}",        "x, y",    true);
    one("StringEquals",  "${aws:none, ''}",            "",        true);
    one("StringLike",    "${aws:none, '*'}",           "x",       false);
    one("StringEquals",  "${aws:list}",                "x",       false);
    one("StringEquals",  "${aws:list, 'd'}",           "d",       true);
    one("StringEquals",  "${aws:none}",                "",        false);
    one("StringNotEquals", "${aws:none}",              "x",       true);
    one("StringNotLike", "${aws:none}*",               "x",       true);
    one("ArnNotLike",    "arn:aws:s3:::${aws:none}",   "arn:aws:s3:::x", true);
    one("ArnLike",       "arn:aws:s3:::${aws:username}", "arn:aws:s3:::al*ce", true);
    one("ArnLike",       "arn:aws:s3:::${aws:username}", "arn:aws:s3:::alice", false);
    one("ArnLike",       "arn:aws:${aws:username}:::b", "arn:aws:al*ce:::b", false);
    one("Bool",          "${aws:none, 'true'}",        "true",    true);
    one("Bool",          "${aws:username}",            "true",    false);
    one("StringEquals",  "${*}${?}${$}",               "*?$",     true);
    one("StringLike",    "${*}",                       "x",       false);
    one("StringLike",    "a${?}*",                     "a?b",     true);
    one("StringEquals",  "${$}{x}",                    "${x}",    true);
}

/// The table of iam.md §5.2: in which families `${…}` is a variable, and `*` a wildcard. Where it is
/// not, the text stays as it is, which numbers, dates and addresses are not.
#[test]
#[rustfmt::skip]
fn each_family_takes_variables_and_wildcards_as_its_row_says() {
    #[track_caller]
    fn row(operator: &str, value: &str, variables: bool, pattern: &str, wildcards: bool) {
        one(operator, value, value, true);
        one(operator, &format!("${{aws:none, '{value}'}}"), value, variables);
        one(operator, pattern, value, wildcards);
    }
    //                            value             variables  pattern           wildcards
    row("StringEquals",           "alice",          true,      "a*",             false);
    row("StringEqualsIgnoreCase", "alice",          true,      "a*",             false);
    row("StringLike",             "alice",          true,      "a*",             true);
    row("NumericEquals",          "10",             false,     "1*",             false);
    row("DateEquals",             "2024-01-01",     false,     "2024-*",         false);
    row("Bool",                   "true",           true,      "t*",             false);
    row("BinaryEquals",           "QUJD",           false,     "QUJ*",           false);
    row("IpAddress",              "203.0.113.7",    false,     "203.0.113.*",    false);
    row("ArnEquals",              "arn:aws:s3:::b", false,     "arn:aws:s3:::*", true);
    row("ArnLike",                "arn:aws:s3:::b", false,     "arn:aws:s3:::*", true);
    one("ArnLike", "arn:aws:s3:::${aws:none, 'b'}", "arn:aws:s3:::b", true);
    check("2012-10-17", "Null",   &json!("${aws:none, 'false'}"), One("x"), false);
}

/// The statement that iam.md §5.3 names: Lambda's example, by the definitions.
#[test]
#[rustfmt::skip]
fn all_values_not_like_denies_those_outside_and_those_without() {
    let path = &["o-a/r-b/ou-c/*"][..];
    rows("ForAllValues:StringNotLike", path, &[
        (List(&["o-a/r-b/ou-c/"]), false), (List(&["o-a/r-b/ou-d/"]), true), (Nothing, true),
        (List(&["o-a/r-b/ou-c/", "o-a/r-b/ou-d/"]), false),
    ]);
    rows("ForAnyValue:StringLike", path, &[
        (List(&["o-a/r-b/ou-c/"]), true), (List(&["o-a/r-b/ou-d/"]), false), (Nothing, false),
    ]);
}

#[test]
#[rustfmt::skip]
fn an_operator_without_keys_and_an_empty_condition_hold() {
    let principal = Principal::parse("arn:aws:iam::111111111111:user/a").unwrap();
    for (condition, want) in [
        (json!({}), true),
        (json!({"StringEquals": {}}), true),
        (json!({"StringEquals": {}, "Bool": {"aws:k": "true"}}), false),
        (json!({"StringEquals": {"aws:none": []}}), false),
    ] {
        let statement = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition});
        let policy = Policy::parse(DocumentKind::Identity, &json!({"Statement": statement}).to_string()).unwrap();
        let request = Request { principal: &principal, action: "a:b", resource: "*", resource_account: "111111111111", context: &MapContext::new() };
        let got = decide(&request, &Policies { identity: &[&policy], ..Policies::default() });
        assert_eq!(matches!(got, Decision::ExplicitlyDenied(_)), want, "{condition}");
    }
}

/// Lists that are long are looked up; they match what they match when they are short.
#[test]
#[rustfmt::skip]
fn a_value_matches_among_many_as_it_does_alone() {
    let others = |n| match n % 4 {
        0 => format!("other{n}*"), 1 => format!("*other{n}"), 2 => format!("${{aws:none, 'other{n}'}}"), _ => format!("other{n}"),
    };
    for (operator, value, request, want) in [
        ("StringEquals",    "alice",                    "alice",              true),
        ("StringEquals",    "al*",                      "alice",              false),
        ("StringLike",      "al*",                      "alice",              true),
        ("StringLike",      "*ce",                      "alice",              true),
        ("StringLike",      "*li*",                     "alice",              true),
        ("StringLike",      "${aws:username}?",         "al*ce!",             true),
        ("StringLike",      "é*É",                      "éÉ",                 true),
        ("StringLike",      "?",                        "É",                  true),
        ("StringLike",      "",                         "",                   true),
        ("StringNotLike",   "al*",                      "alice",              false),
        ("StringNotEquals", "bob",                      "alice",              true),
        ("ArnLike",         "arn:aws:s3:*:*:b*/x",      "arn:aws:s3:::b/a:c/x", true),
        ("ArnLike",         "arn:*:s3:::${aws:username}", "arn:aws:s3:::al*ce", true),
        ("ArnNotEquals",    "arn:aws:s3:::b",           "arn:aws:s3:::c",     false), // others are no ARNs
        ("IpAddress",       "203.0.113.0/24",           "203.0.113.7",        true),
        ("NumericEquals",   "7",                        "7.0",                true),
    ] {
        let many: Vec<String> = (0..20).map(others).chain([value.to_owned()]).collect();
        check("2012-10-17", operator, &json!(many), One(request), want);
        for set in ["ForAllValues", "ForAnyValue"] {
            check("2012-10-17", &format!("{set}:{operator}"), &json!(many), List(&[request, request]), want);
        }
    }
}

#[test]
#[rustfmt::skip]
fn the_old_version_has_no_variables() {
    for version in ["2008-10-17", "2012-10-17"] {
        let new = version == "2012-10-17";
        check(version, "StringEquals", &json!("${aws:username}"), One("${aws:username}"), !new);
        check(version, "StringEquals", &json!("${aws:username}"), One("al*ce"), new);
        check(version, "StringLike",   &json!("${*}"), One("${anything}"), !new);
        check(version, "StringLike",   &json!("${*}"), One("*"), new);
    }
}

#[test]
fn tags_that_differ_only_in_case_are_one_key_with_two_values() {
    let mut context = MapContext::new();
    context.insert("aws:PrincipalTag/Team", "a");
    context.insert("aws:PrincipalTag/team", "a");
    let got = portcullis_iam::Context::get(&context, "aws:principaltag/team");
    assert_eq!(got, Some(portcullis_iam::Value::Multiple(vec!["a".into(), "a".into()].into())));
}

#[test]
fn all_operators_and_keys_have_to_hold() {
    let mut condition = serde_json::Map::new();
    for index in 0..20 {
        condition.insert(format!("aws:k{index}"), json!("v"));
    }
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "StringEquals": condition.clone(), "StringLike": condition,
    }});
    let document = json!({"Statement": statement}).to_string();
    let policy = Policy::parse(DocumentKind::Identity, &document).unwrap();
    let principal = Principal::parse("arn:aws:iam::111111111111:user/a").unwrap();
    for wrong in [None, Some(0), Some(7), Some(8), Some(19)] {
        let value = |index| if Some(index) == wrong { "w" } else { "v" };
        let context: MapContext =
            (0..20).map(|index| (format!("aws:K{index}"), value(index))).collect();
        let request = Request {
            principal: &principal,
            action: "a:b",
            resource: "*",
            resource_account: "111111111111",
            context: &context,
        };
        let got = decide(&request, &Policies { identity: &[&policy], ..Policies::default() });
        assert_eq!(got.is_allowed(), wrong.is_none(), "{wrong:?}");
    }
}
