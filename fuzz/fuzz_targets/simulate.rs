//! Cases as lines: each line that is not blank has one answer, whatever its neighbours are; what
//! cannot be read is denied; holding documents to the rules for writing changes no decision; an
//! explanation is of the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_simulation::Validation::{self, Grammar, Writable};
use portcullis_simulation::{Explainer, Settings, simulate};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let answers = decide(input, Grammar);
    let lines = input.split(|byte| *byte == b'\n').filter(|line| !is_blank(line));
    let mut count = 0;
    for (line, answer) in lines.zip(&answers) {
        count += 1;
        check(answer);
        let [alone] = &decide(line, Grammar)[..] else { panic!("one line, one answer") };
        let [told] = &explained(line)[..] else { panic!("one line, one answer") };
        assert_eq!(told["decision"], alone["decision"]);
        assert_eq!(told.get("error"), alone.get("error"));
        if let Some(explanation) = told.get("explanation") {
            assert_eq!(explanation["decision"], alone["decision"]);
        }
        let [strict] = &decide(line, Writable)[..] else { panic!("one line, one answer") };
        assert_eq!(answer["decision"], alone["decision"]);
        assert_eq!(answer.get("error").is_some(), alone.get("error").is_some());
        if strict.get("error").is_none() {
            assert_eq!(strict, alone);
        }
    }
    assert_eq!(answers.len(), count);
});

fn decide(input: &[u8], validation: Validation) -> Vec<Value> {
    answers(input, &Settings { validation, explainer: None })
}

fn explained(input: &[u8]) -> Vec<Value> {
    let explainer = Some(Explainer { narrowing: &[], command: &|_| None });
    answers(input, &Settings { validation: Grammar, explainer })
}

fn answers(input: &[u8], settings: &Settings<'_>) -> Vec<Value> {
    let mut output = Vec::new();
    let summary = simulate(input, &mut output, settings).expect("memory does not fail");
    let text = std::str::from_utf8(&output).expect("answers are UTF-8");
    let read = |line| serde_json::from_str(line).expect("an answer is JSON");
    let answers: Vec<Value> = text.lines().map(read).collect();
    assert_eq!(summary.cases, answers.len() as u64);
    answers
}

fn check(answer: &Value) {
    let decision = answer["decision"].as_str().expect("a word");
    assert!(["Allowed", "ImplicitlyDenied", "ExplicitlyDenied"].contains(&decision), "{decision}");
    if let Some(error) = answer.get("error") {
        let error = error.as_str().expect("a text");
        assert!(!error.contains(char::is_control), "an error is one clean line: {error:?}");
        assert_eq!(decision, "ImplicitlyDenied");
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}
