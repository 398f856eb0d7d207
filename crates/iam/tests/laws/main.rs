//! Laws that every decision keeps, held on generated cases; and a second evaluator that agrees.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod asking_who;
mod covering;
mod differing;
mod explaining;
mod generate;
#[path = "../naive/mod.rs"]
mod naive;
#[path = "../common/operators.rs"]
mod operators;

use common::{Case, word};
use portcullis_iam::analysis::{Knowledge, Style, diff, findings_text, lint};
use portcullis_iam::{Decision, DocumentKind, Policy, PolicyError, Statement};
use proptest::prelude::*;
use serde_json::{Value, json};

fn decide(case: &Value) -> Decision {
    Case::read(&case.to_string(), Policy::parse_unvalidated).unwrap().decide()
}

/// The statements of a document that may be written under 2012-10-17.
fn legal(kind: DocumentKind, json: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(json).unwrap();
    let mut statements = document["Statement"].as_array().unwrap().clone();
    statements.retain(|statement| Statement::parse(kind, &statement.to_string()).is_ok());
    statements
}

/// The document of its legal statements, read as one.
fn whole(kind: DocumentKind, json: &str) -> Result<Policy, PolicyError> {
    let document = json!({"Version": "2012-10-17", "Statement": legal(kind, json)});
    Policy::parse(kind, &document.to_string())
}

/// The same, compiled one by one.
fn assembled(kind: DocumentKind, json: &str) -> Result<Policy, PolicyError> {
    let statements = legal(kind, json);
    let each = statements.iter().map(|statement| Statement::parse(kind, &statement.to_string()));
    Policy::assemble(kind, each.collect::<Result<_, _>>()?)
}

/// The lists of documents, or of levels with such lists, in a case.
const DOCUMENTS: [&str; 5] = [
    "identityPolicies",
    "permissionBoundaries",
    "sessionPolicies",
    "serviceControlPolicies",
    "resourceControlPolicies",
];

/// Every list of statements in a case.
fn documents(case: &mut Value) -> Vec<&mut Vec<Value>> {
    fn walk<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Vec<Value>>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    if name == "Statement" {
                        found.push(value.as_array_mut().unwrap());
                    } else {
                        walk(value, found);
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(case, &mut found);
    found
}

/// Writes what every list in `value` has twice, the other way round.
fn double(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(double),
        Value::Array(list) => {
            list.extend(list.clone());
            list.reverse();
        }
        _ => {}
    }
}

/// Removing what `name` holds can only widen.
fn check_never_adds(case: &Value, name: &str) {
    let mut without = case.clone();
    without.as_object_mut().unwrap().remove(name);
    if decide(case).is_allowed() {
        assert!(decide(&without).is_allowed(), "{name} adds: {case:#}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_second_evaluator_agrees(case in generate::case()) {
        let want = naive::decide(&case, &case);
        let mut with_answer = case.clone();
        with_answer["expected"] = want.split('(').next().unwrap().into();
        let read = Case::read(&with_answer.to_string(), Policy::parse_unvalidated).unwrap();
        prop_assert_eq!(word(read.decide()), &read.expected, "{} {:#}", &read.id, &case);
        prop_assert_eq!(format!("{:?}", read.decide()), want, "{:#}", case);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn default_deny(mut case in generate::case()) {
        for statements in documents(&mut case) {
            statements.clear();
        }
        let root = case["principal"].as_str().unwrap().ends_with(":root");
        prop_assert!(root || matches!(decide(&case), Decision::ImplicitlyDenied(_)), "{case:#}");
    }

    #[test]
    fn explicit_deny_beats_allow_in_any_order(mut case in generate::case(), at in any::<prop::sample::Index>()) {
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
        let document = &mut case["resourcePolicy"];
        if document.is_null() {
            *document = json!({"Statement": []});
        }
        let statements = document["Statement"].as_array_mut().unwrap();
        let at = at.index(statements.len() + 1);
        statements.insert(at, deny);
        prop_assert!(matches!(decide(&case), Decision::ExplicitlyDenied(_)), "{case:#}");
    }

    #[test]
    fn order_and_duplication_do_not_matter(case in generate::case()) {
        let mut other = case.clone();
        for statements in documents(&mut other) {
            statements.extend(statements.clone());
            statements.reverse();
            statements.iter_mut().for_each(double);
        }
        for name in DOCUMENTS {
            if let Some(list) = other.get_mut(name) {
                double(list);
            }
        }
        prop_assert_eq!(decide(&case), decide(&other), "{:#}", case);
    }

    #[test]
    fn a_condition_on_an_allow_never_widens(
        mut case in generate::case(),
        condition in generate::condition(),
        at in any::<prop::sample::Index>(),
    ) {
        let before = decide(&case);
        let mut allows: Vec<&mut Value> = documents(&mut case)
            .into_iter()
            .flatten()
            .filter(|s| s["Effect"] == "Allow" && s.get("Condition").is_none())
            .collect();
        prop_assume!(!allows.is_empty());
        let at = at.index(allows.len());
        allows[at]["Condition"] = condition;
        prop_assert!(before.is_allowed() || !decide(&case).is_allowed(), "{case:#}");
    }

    #[test]
    fn a_boundary_session_or_control_policy_never_adds(case in generate::case()) {
        check_never_adds(&case, "permissionBoundaries");
        check_never_adds(&case, "serviceControlPolicies");
        check_never_adds(&case, "resourceControlPolicies");
        // A federated user without a session policy has an empty one.
        if !case["principal"].as_str().unwrap().contains("federated-user") {
            check_never_adds(&case, "sessionPolicies");
        }
    }

    #[test]
    fn statements_compiled_one_by_one_decide_as_the_document(case in generate::case()) {
        let whole = Case::read(&case.to_string(), whole).map(|case| case.decide());
        let parts = Case::read(&case.to_string(), assembled).map(|case| case.decide());
        prop_assert_eq!(whole, parts, "{:#}", case);
    }

    #[test]
    fn what_validation_accepts_is_read_alike_without_it(case in generate::case()) {
        if let Ok(read) = Case::read(&case.to_string(), Policy::parse) {
            prop_assert_eq!(read.decide(), decide(&case));
        }
    }
}

const KINDS: [DocumentKind; 7] = [
    DocumentKind::Identity,
    DocumentKind::Resource,
    DocumentKind::Trust,
    DocumentKind::Boundary,
    DocumentKind::Session,
    DocumentKind::ServiceControl,
    DocumentKind::ResourceControl,
];

/// Reads `text` in every way; only that it returns matters.
fn check_survives(text: &str) {
    for kind in KINDS {
        if let Err(error) = Policy::parse(kind, text) {
            assert!(error.to_string().len() < 2_000, "{error}");
        }
        let _ = Policy::parse_unvalidated(kind, text);
        let findings = findings_text(&lint(kind, text, &Knowledge::default()), Style::Plain);
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!findings.contains(steers), "{findings:?}");
        if let Ok(difference) = diff(kind, text, r#"{"Statement":[]}"#) {
            assert!(!difference.text(Style::Plain).contains(steers), "{difference:?}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let names =
        "Statement|Effect|Action|NotResource|Principal|Condition|StringLike|AWS|aws:k|[a-z]{0,3}";
    let texts = "Allow|\\*|[$\\{\\}*?:a,' ]{0,12}|arn:[a:*]{0,9}|\\PC{0,6}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,64}", bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        check_survives(&text);
        check_survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_json_never_panics(value in any_json()) {
        check_survives(&value.to_string());
        check_survives(&json!({"Statement": [value]}).to_string());
        let statement = json!({"Effect": "Allow", "Action": "*", "Resource": value, "Condition": value});
        check_survives(&json!({"Version": "2012-10-17", "Statement": statement}).to_string());
    }

    #[test]
    fn arbitrary_strings_never_panic_a_decision(pattern in "\\PC{0,24}", text in "\\PC{0,24}", braces in "[$\\{\\}a,' *?]{0,24}") {
        for value in [&pattern, &braces] {
            let mut condition = serde_json::Map::new();
            for base in ["StringLike", "NumericEquals", "DateLessThan", "Bool", "BinaryEquals", "IpAddress", "ArnLike"] {
                condition.insert(base.to_owned(), json!({"aws:k": value}));
            }
            let statement = json!({"Effect": "Deny", "Action": value, "Resource": format!("arn:{value}"), "Condition": condition});
            let policy = json!({"Version": "2012-10-17", "Statement": statement});
            let case = json!({
                "id": "", "expected": "", "principal": "arn:aws:iam::111111111111:user/a", "action": text,
                "resource": {"arn": format!("arn:{text}"), "accountId": text}, "context": {"aws:k": text},
                "identityPolicies": [policy],
            });
            let _ = decide(&case);
        }
    }
}

#[test]
fn deep_nesting_and_long_strings_are_refused_without_harm() {
    check_survives(&"[".repeat(1_000_000));
    check_survives(&"{\"Statement\":".repeat(9_000));
    check_survives(&format!("{{\"Statement\":{}{}}}", "[".repeat(60_000), "]".repeat(60_000)));
    check_survives(&format!("{{\"Statement\":\"{}\"}}", "a".repeat(1_000_000)));
    let long = json!({"Statement": {"Sid": "é".repeat(40_000), "Effect": "Allow"}});
    check_survives(&long.to_string());
    check_survives("");
    check_survives("null");
    check_survives("\"\\ud800\"");
    check_survives("{\"Statement\":{\"Sid\":\"\\ud800\"}}");
}
