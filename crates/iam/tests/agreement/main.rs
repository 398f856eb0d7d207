//! The engine agrees with the second evaluator, on calls that reach deep into generated documents.
//!
//! A run decides as many calls as the environment variable `AGREE_CALLS` says, a part of
//! the million that `cargo xtask agree` decides, and prints how they came out. Each case follows
//! from its seed alone.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod calls;
mod documents;
#[path = "../naive/mod.rs"]
mod naive;
#[path = "../common/operators.rs"]
mod operators;
mod random;
#[path = "../common/read.rs"]
mod read;

use std::collections::BTreeMap;

use portcullis_iam::{Policy, decide};
use random::Random;
use read::{Call, Documents};
use serde_json::Value;

/// Calls of a run that does not say.
const CALLS: usize = 10_000;
/// Calls under the same documents.
const CALLS_PER_CASE: usize = 25;

/// What is decided about the call, by the engine and by the second evaluator; `None` if they agree.
fn disagreement(documents: &Value, call: &Value) -> Option<(String, String)> {
    let read = Documents::read(documents, Policy::parse_unvalidated).unwrap();
    let got = format!("{:?}", read.ask(&Call::read(call), decide));
    let want = naive::decide(documents, call);
    (got != want).then_some((got, want))
}

/// The documents with as little as possible that still make the two disagree about the call.
fn smallest(mut documents: Value, call: &Value) -> Value {
    loop {
        let smaller = without_one(&documents).into_iter();
        let Some(found) = smaller.into_iter().find(|d| disagreement(d, call).is_some()) else {
            return documents;
        };
        documents = found;
    }
}

/// The value without one of its parts, in every way: entries of lists, conditions, documents.
fn without_one(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    match value {
        Value::Array(list) => {
            for at in 0..list.len() {
                let mut shorter = list.clone();
                shorter.remove(at);
                found.push(shorter.into());
                found.extend(without_one(&list[at]).into_iter().map(|smaller| {
                    let mut list = list.clone();
                    list[at] = smaller;
                    Value::Array(list)
                }));
            }
        }
        Value::Object(map) => {
            for (name, part) in map {
                if name == "Condition" || name.ends_with("Policies") || name.ends_with("Boundaries")
                {
                    let mut shorter = map.clone();
                    shorter.remove(name);
                    found.push(shorter.into());
                }
                found.extend(without_one(part).into_iter().map(|smaller| {
                    let mut map = map.clone();
                    map[name] = smaller;
                    Value::Object(map)
                }));
            }
        }
        _ => {}
    }
    found
}

/// Decides the calls of one seed, and counts how they came out.
fn check(seed: u64, counts: &mut BTreeMap<String, usize>) {
    let random = &mut Random::new(seed);
    let case = documents::documents(random);
    let read = Documents::read(&case, Policy::parse_unvalidated).unwrap();
    let statements = calls::statements(&case);
    for _ in 0..CALLS_PER_CASE {
        let call = calls::call(random, &statements);
        let decision = read.ask(&Call::read(&call), decide);
        let (got, want) = (format!("{decision:?}"), naive::decide(&case, &call));
        if got != want {
            let case = smallest(case, &call);
            panic!("seed {seed}: engine {got}, second evaluator {want}: {call:#} under {case:#}");
        }
        *counts.entry(want).or_default() += 1;
    }
}

#[test]
fn a_second_evaluator_agrees_on_every_call() {
    let said = std::env::var("AGREE_CALLS");
    let calls = said.map_or(CALLS, |calls| calls.parse().unwrap());
    let mut counts = BTreeMap::new();
    for seed in 0..calls.div_ceil(CALLS_PER_CASE) {
        check(seed as u64, &mut counts);
    }
    let all: usize = counts.values().sum();
    let share = |begin: &str| {
        let some = counts.iter().filter(|(outcome, _)| outcome.starts_with(begin));
        some.map(|(_, count)| count).sum::<usize>() * 100 / all
    };
    for (outcome, count) in &counts {
        println!("{count:>9}  {outcome}");
    }
    let shares = ["Allowed", "ExplicitlyDenied", "ImplicitlyDenied"].map(share);
    println!("{all:>9}  calls: {shares:?} percent allowed, explicitly and implicitly denied");
    // A generator that hardly ever gets through tests little.
    assert!(shares[0] >= 22 && shares[1] >= 18, "{counts:?}");
}
