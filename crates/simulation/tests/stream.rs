//! A stream of cases: each is answered, in order, by its expected decision or by what is wrong.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::cell::RefCell;
use std::io::{self, Read, Write};

use portcullis_iam::explain::MissingGrant;
use portcullis_simulation::{Explainer, LINE_BYTES_MAX, Settings, Summary, Validation, simulate};
use serde_json::{Value, json};

const EDGE: &str = include_str!("../../iam/tests/cases/edge.jsonl");
const GENERATED: &[u8] = include_bytes!("../../iam/tests/cases/generated-1500.jsonl.gz");

fn run(input: &[u8], validation: Validation) -> (Vec<Value>, Summary) {
    run_with(input, &Settings { validation, explainer: None })
}

fn run_with(input: &[u8], settings: &Settings<'_>) -> (Vec<Value>, Summary) {
    let mut output = Vec::new();
    let summary = simulate(input, &mut output, settings).unwrap();
    let answers = std::str::from_utf8(&output).unwrap().lines();
    (answers.map(|line| serde_json::from_str(line).unwrap()).collect(), summary)
}

/// A case that is allowed, with `changes` put in; `null` takes a field out.
fn case(changes: &Value) -> String {
    let mut case = json!({
        "principal": "arn:aws:iam::111111111111:user/alice",
        "action": "lambda:InvokeFunction",
        "resource": {"arn": "arn:aws:lambda:us-east-1:111111111111:function:f", "accountId": "111111111111"},
        "context": {},
        "identityPolicies": [{"name": "p", "policy": document("Allow")}],
    });
    for (name, value) in changes.as_object().unwrap() {
        case[name] = value.clone();
    }
    case.to_string()
}

fn document(effect: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": "*", "Resource": "*"}]})
}

#[track_caller]
fn check_decided(case: &str, want: &str) {
    let (answers, summary) = run(case.as_bytes(), Validation::Grammar);
    assert_eq!(answers, [json!({"id": 1, "decision": want})], "{case}");
    assert_eq!(summary, Summary { cases: 1, ..Summary::default() }, "{case}");
}

#[track_caller]
fn check_refused(line: impl AsRef<[u8]>, want: &str) {
    let line = line.as_ref();
    let shown = String::from_utf8_lossy(&line[..line.len().min(500)]);
    let (answers, summary) = run(line, Validation::Grammar);
    assert_eq!(answers.len(), 1, "{shown}");
    assert_eq!(answers[0]["decision"], "ImplicitlyDenied", "{shown}");
    let error = answers[0]["error"].as_str().unwrap();
    assert!(error.contains(want), "{shown}: {error}");
    assert!(error.starts_with("line 1, "), "{shown}: {error}");
    assert_eq!((summary.refused, summary.first_refusal.as_deref()), (1, Some(error)), "{shown}");
}

#[test]
fn every_case_is_decided_as_expected_and_in_order() {
    let mut lines = EDGE.to_owned();
    flate2::read::GzDecoder::new(GENERATED).read_to_string(&mut lines).unwrap();
    let cases: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (answers, summary) = run(lines.as_bytes(), Validation::Grammar);
    let want: Vec<_> =
        cases.iter().map(|case| json!({"id": case["id"], "decision": case["expected"]})).collect();
    assert_eq!(answers, want);
    assert_eq!(summary, Summary { cases: 1625, refused: 0, first_refusal: None });
}

#[test]
#[rustfmt::skip]
fn every_field_has_its_say() {
    let (allow, deny) = (document("Allow"), document("Deny"));
    let cross = json!({"arn": "arn:aws:lambda:us-east-1:222222222222:function:f", "accountId": "222222222222"});
    let grant = json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}});
    let denies = json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "lambda:*", "Resource": "*"}});
    let level = |policies: Value| json!([{"orgIdentifier": "r-root", "policies": policies}]);
    let rows = [
        (json!({}),                                                            "Allowed"),
        (json!({"context": null}),                                             "Allowed"),
        (json!({"note": "x", "tags": [], "expected": "y"}),                    "Allowed"),
        (json!({"identityPolicies": null}),                                    "ImplicitlyDenied"),
        (json!({"identityPolicies": [allow, {"policy": deny}]}),               "ExplicitlyDenied"),
        (json!({"identityPolicies": [], "resourcePolicy": grant}),             "Allowed"),
        (json!({"resource": cross}),                                           "ImplicitlyDenied"),
        (json!({"resource": cross, "resourcePolicy": grant}),                  "Allowed"),
        (json!({"permissionBoundaries": [{"name": "b", "policy": allow}]}),    "Allowed"),
        (json!({"permissionBoundaries": [{"name": "b", "policy": deny}]}),     "ExplicitlyDenied"),
        (json!({"sessionPolicies": [allow]}),                                  "Allowed"),
        (json!({"sessionPolicies": []}),                                       "ImplicitlyDenied"),
        (json!({"serviceControlPolicies": level(json!([{"policy": allow}]))}), "Allowed"),
        (json!({"serviceControlPolicies": level(json!([]))}),                  "ImplicitlyDenied"),
        (json!({"serviceControlPolicies": []}),                                "Allowed"),
        (json!({"resourceControlPolicies": level(json!([denies]))}),            "ExplicitlyDenied"),
        (json!({"principal": "s3.amazonaws.com", "resourcePolicy": grant}),    "Allowed"),
        (json!({"principal": "anonymous"}),                                    "ImplicitlyDenied"),
        (json!({"resource": {"arn": "*", "accountId": "111111111111"}}),       "Allowed"),
    ];
    for (changes, want) in rows {
        check_decided(&case(&changes), want);
    }
}

#[test]
#[rustfmt::skip]
fn a_context_value_is_a_scalar_or_a_list_of_them() {
    let rows = [
        ("StringEquals",              json!("7"),          json!("7"),             "Allowed"),
        ("NumericEquals",             json!("7"),          json!(7.0),             "Allowed"),
        ("Bool",                      json!(true),         json!(true),            "Allowed"),
        ("StringEquals",              json!("7"),          json!(["7"]),           "ImplicitlyDenied"),
        ("ForAnyValue:StringEquals",  json!("7"),          json!([false, 7, "x"]), "Allowed"),
        ("ForAllValues:StringEquals", json!("7"),          json!([7, "8"]),        "ImplicitlyDenied"),
        ("Null",                      json!("true"),       json!(null),            "Allowed"),
        ("Null",                      json!("true"),       json!([]),              "Allowed"),
        ("StringEquals",              json!("\u{e9}\"\n"), json!("\u{e9}\"\n"),    "Allowed"),
    ];
    for (operator, expected, value, want) in rows {
        let mut policy = document("Allow");
        policy["Statement"][0]["Condition"] = json!({operator: {"test:KEY": expected}});
        check_decided(&case(&json!({"context": {"test:key": value}, "identityPolicies": [policy]})), want);
    }
    let twice = json!({"context": {"test:key": "7", "test:Key": "8"}});
    check_decided(&case(&twice), "Allowed");
}

#[test]
#[rustfmt::skip]
fn what_cannot_be_read_is_denied_and_says_where_and_why() {
    let policy = |policy: Value| case(&json!({"identityPolicies": [document("Allow"), policy]}));
    let context = |value: Value| case(&json!({"context": {"a:b": value}}));
    check_refused("{",                                            "column 1: not valid JSON: EOF while parsing");
    check_refused("[]",                                           "has to be an object");
    check_refused("null",                                         "has to be an object");
    check_refused("{} {}",                                        "column 4: not valid JSON: trailing characters");
    check_refused("{}",                                           "resource: is missing");
    check_refused(b"{\"id\":\"\xff\"}",                           "not UTF-8 after 7 bytes");
    check_refused(case(&json!({"principal": null})),              "principal: is missing");
    check_refused(case(&json!({"principal": "alice"})),           "principal: \"alice\" is not a principal");
    check_refused(case(&json!({"principal": 7})),                 "principal: has to be a string");
    check_refused(case(&json!({"action": null})),                 "action: is missing");
    check_refused(case(&json!({"action": "lambda:*"})),           "action: has to be service:Name");
    check_refused(case(&json!({"action": ""})),                   "action: has to be service:Name");
    check_refused(case(&json!({"resource": {"arn": "*"}})),       "resource: accountId is missing");
    check_refused(case(&json!({"resource": {"arn": "f", "accountId": "111111111111"}})), "resource.arn: has to be");
    check_refused(case(&json!({"resource": {"arn": "*", "accountId": "1"}})), "resource.accountId: has to be");
    check_refused(case(&json!({"id": {}})),                       "id: has to be a string or a number");
    check_refused(context(json!({})),                             "context.a:b: has to be a string, a number");
    check_refused(context(json!([[]])),                           "context.a:b: has to be a string, a number");
    check_refused(context(json!([null])),                         "context.a:b: has to be a string, a number");
    check_refused(r#"{"context":{"a":"1","a":"2"},"principal":"anonymous","action":"a:b","resource":{"arn":"*","accountId":"111111111111"}}"#, "context.a: occurs more than once");
    check_refused(r#"{"action":"a:b","action":"a:c"}"#,           "the key \"action\" occurs more than once");
    check_refused(case(&json!({"serviceControlPolicy": []})),     "serviceControlPolicy: is not a field");
    check_refused(case(&json!({"resourcePolicies": []})),         "resourcePolicies: is not a field");
    check_refused(case(&json!({"permissionsBoundary": {}})),      "permissionsBoundary: is not a field");
    check_refused(case(&json!({"identityPolicies": {}})),         "identityPolicies: has to be a list");
    check_refused(case(&json!({"resourcePolicy": "x"})),          "resourcePolicy: has to be an object");
    check_refused(policy(json!({})),                              "identityPolicies[1]: the element Statement is missing");
    check_refused(policy(json!(7)),                               "identityPolicies[1]: ");
    check_refused(policy(json!({"policy": document("allow")})),   "identityPolicies[1]: Statement[0].Effect: \"allow\" is not an effect");
    check_refused(policy(json!({"policy": document("Allow"), "Statement": []})), "identityPolicies[1]: has both");
    check_refused(case(&json!({"serviceControlPolicies": [{"policies": [document("x")]}]})),
                  "serviceControlPolicies[0].policies[0]: Statement[0].Effect");
    check_refused(format!("{{\"id\":\"{}\"}}", "x".repeat(LINE_BYTES_MAX)), "has more than 4194304 bytes");
    check_refused(format!("{{\"id\":{}1", "[".repeat(1_000_000)), "column");
}

#[test]
fn documents_that_could_not_be_written_are_refused_when_asked() {
    let mut document = document("Allow");
    document["Statement"][0]["Resource"] = json!("f");
    let line = case(&json!({"sessionPolicies": [document]}));
    let (lenient, _) = run(line.as_bytes(), Validation::Grammar);
    assert_eq!(lenient, [json!({"id": 1, "decision": "ImplicitlyDenied"})]);
    let (strict, _) = run(line.as_bytes(), Validation::Writable);
    let error = strict[0]["error"].as_str().unwrap();
    assert!(error.contains("sessionPolicies[0]: Statement[0].Resource: \"f\""), "{error}");
}

#[test]
fn a_case_is_known_by_its_id_or_its_line() {
    let allowed = |id: &str| case(&json!({})).replacen('{', &format!("{{\"id\":{id},"), 1);
    let lines = [
        allowed(r#""\u00e4\n\" x""#),
        String::new(),
        " \t\r".to_owned(),
        allowed("-7.50"),
        allowed("null"),
        r#"{"id":"broken","principal":"#.to_owned(),
        r#"{"principal":{},"id":"late"}"#.to_owned(),
        allowed("\"crlf\"") + "\r",
        allowed("\"last\""),
    ];
    let input = format!("\u{feff}{}", lines.join("\n"));
    let (answers, summary) = run(input.as_bytes(), Validation::Grammar);
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
    let want = json!(["ä\n\" x", -7.5, 5, "broken", "late", "crlf", "last"]);
    assert_eq!(ids, *want.as_array().unwrap());
    assert_eq!((summary.cases, summary.refused), (7, 2));
}

#[test]
fn an_explanation_is_of_the_same_decision_and_names_the_documents() {
    let mut lines = EDGE.to_owned() + "not a case\n";
    flate2::read::GzDecoder::new(GENERATED).read_to_string(&mut lines).unwrap();
    let (plain, _) = run(lines.as_bytes(), Validation::Grammar);
    let command = |grant: &MissingGrant| Some(format!("grant {}", grant.policy_type));
    let explainer = Some(Explainer { narrowing: &[], command: &command });
    let settings = Settings { explainer, ..Settings::default() };
    let (explained, _) = run_with(lines.as_bytes(), &settings);
    for (plain, explained) in plain.iter().zip(explained) {
        let Some(told) = explained.get("explanation") else {
            assert_eq!(explained, *plain);
            assert!(plain.get("error").is_some());
            continue;
        };
        assert_eq!(explained["id"], plain["id"]);
        assert_eq!(explained["decision"], plain["decision"]);
        assert_eq!(told["decision"], plain["decision"]);
    }
    let level = json!([{"orgIdentifier": "r-root", "policies": [{"name": "Full", "policy": document("Allow")}]}]);
    let line = case(&json!({"serviceControlPolicies": level}));
    let (told, _) = run_with(line.as_bytes(), &settings);
    let names: Vec<_> = told[0]["explanation"]["trace"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["allows"][0].get("document_name"))
        .collect();
    assert_eq!(names, ["r-root/Full", "p"]);
    let (told, _) = run_with(case(&json!({"identityPolicies": []})).as_bytes(), &settings);
    let told = told[0]["explanation"]["ways"][0]["grants"][0]["command"].clone();
    assert_eq!(told, "grant identity-based policy");
}

/// Gives a case a read and demands that all the earlier ones are answered by then.
struct Dialogue<'a> {
    left: usize,
    given: usize,
    answered: &'a RefCell<usize>,
}

impl Read for Dialogue<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert_eq!(*self.answered.borrow(), self.given);
        if self.left == 0 {
            return Ok(0);
        }
        (self.left, self.given) = (self.left - 1, self.given + 1);
        let line = case(&json!({})) + "\n";
        buffer[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

struct Count<'a>(&'a RefCell<usize>);

impl Write for Count<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.borrow_mut() += bytes.iter().filter(|byte| **byte == b'\n').count();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_decided_is_written_before_more_is_waited_for() {
    let answered = RefCell::new(0);
    let dialogue = Dialogue { left: 5, given: 0, answered: &answered };
    let summary = simulate(dialogue, Count(&answered), &Settings::default()).unwrap();
    assert_eq!((summary.cases, *answered.borrow()), (5, 5));
}
