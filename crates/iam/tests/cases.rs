//! The case files: requests with the answer that AWS gives or that independent implementations
//! agree on.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::io::Read as _;

use common::{Case, decision_by_trace, word};
use portcullis_iam::{Policy, explain};

const EDGE: &str = include_str!("cases/edge.jsonl");
const GENERATED: &[u8] = include_bytes!("cases/generated-1500.jsonl.gz");

/// The cases whose documents may be found but not written, and why.
const REFUSED: [&str; 1] = ["principal-08"]; // {"Service": "*"}

fn check_all(lines: &str) {
    let wrong: Vec<String> = lines
        .lines()
        .map(|line| Case::read(line, Policy::parse_unvalidated).unwrap())
        .map(|case| (case.decide(), case))
        .filter(|(got, case)| word(*got) != case.expected)
        .map(|(got, case)| format!("{}: {got:?}, expected {}", case.id, case.expected))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn generated() -> String {
    let mut lines = String::new();
    flate2::read::GzDecoder::new(GENERATED).read_to_string(&mut lines).unwrap();
    lines
}

/// An explanation tells of a case the decision that its trace comes to.
fn check_all_explained(lines: &str) {
    for line in lines.lines() {
        let case = Case::read(line, Policy::parse_unvalidated).unwrap();
        let want = case.decide();
        case.ask(|request, policies| {
            let told = explain(request, policies, &[]);
            assert_eq!(told.decision, want, "{}", case.id);
            assert_eq!(decision_by_trace(&told), want, "{}", case.id);
        });
    }
}

#[test]
fn edge_cases_are_explained_as_they_are_decided() {
    check_all_explained(EDGE);
}

#[test]
fn generated_cases_are_explained_as_they_are_decided() {
    check_all_explained(&generated());
}

#[test]
fn edge_cases_are_decided_as_expected() {
    check_all(EDGE);
}

#[test]
fn generated_cases_are_decided_as_expected() {
    check_all(&generated());
}

#[test]
fn documents_of_cases_may_be_written_with_named_exceptions() {
    let lines = EDGE.to_owned() + &generated();
    let refused: Vec<String> = lines
        .lines()
        .filter_map(|line| {
            let error = Case::read(line, Policy::parse).err()?;
            let id = Case::read(line, Policy::parse_unvalidated).unwrap().id;
            (!REFUSED.contains(&id.as_str())).then(|| format!("{id}: {error}"))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
