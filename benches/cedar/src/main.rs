//! How long a decision takes in each shape of policies, beside its goal and beside Cedar where there
//! is an equivalent policy set. Run `cargo run --release` here, while nothing else loads the machine.
//!
//! A decision of ours is of more: the strengths of grants, seven types of documents, variables and
//! values of the request that are typed only by their operator. One of Cedar is of entities and of
//! attributes that were typed when the request was made, which is not measured.

mod equivalents;
#[path = "../../../crates/iam/benches/shapes/mod.rs"]
mod shapes;

use std::hint::black_box;
use std::time::{Duration, Instant};

use cedar_policy::{Authorizer, Decision};
use equivalents::Equivalent;
use portcullis_iam::decide;
use shapes::Shape;

/// Samples of each figure, of which the one in the middle counts.
const SAMPLES: usize = 101;
/// How long one sample takes, at least.
const SAMPLE: Duration = Duration::from_millis(1);

fn main() {
    println!("| shape | ns | at most | Cedar, ns | ratio |\n|---|---|---|---|---|");
    for shape in shapes::all() {
        let ours = shape.ask(|request, policies| {
            median(|| {
                let _ = black_box(decide(black_box(request), black_box(policies)));
            })
        });
        let theirs = equivalents::of(shape.name).map(|equivalent| cedar(&shape, &equivalent));
        print(&shape, ours, theirs);
    }
}

fn print(shape: &Shape, ours: f64, theirs: Option<f64>) {
    let (name, goal) = (shape.name, shape.goal);
    let missed = if ours > f64::from(goal) { " (missed)" } else { "" };
    let (theirs, ratio) = match theirs {
        None => (String::new(), String::new()),
        Some(theirs) => (format!("{theirs:.0}"), format!("{:.0}", theirs / ours)),
    };
    println!("| {name} | {ours:.0}{missed} | {goal} | {theirs} | {ratio} |");
}

/// What Cedar takes to decide the same.
fn cedar(shape: &Shape, Equivalent { policies, request, entities }: &Equivalent) -> f64 {
    let authorizer = Authorizer::new();
    let answer = authorizer.is_authorized(request, policies, entities);
    let errors: Vec<_> = answer.diagnostics().errors().collect();
    assert!(errors.is_empty(), "{shape}: {errors:?}");
    assert_eq!(answer.decision() == Decision::Allow, shape.allowed, "{shape}");
    median(|| {
        black_box(authorizer.is_authorized(black_box(request), policies, entities));
    })
}

/// The median of one run of `work`, in nanoseconds.
fn median(mut work: impl FnMut()) -> f64 {
    let mut runs = 1_u32;
    while sample(&mut work, runs) < SAMPLE {
        runs *= 2;
    }
    let mut samples: Vec<_> = (0..SAMPLES).map(|_| sample(&mut work, runs)).collect();
    samples.sort();
    samples[SAMPLES / 2].as_secs_f64() * 1e9 / f64::from(runs)
}

fn sample(work: &mut impl FnMut(), runs: u32) -> Duration {
    let start = Instant::now();
    (0..runs).for_each(|_| work());
    start.elapsed()
}
