//! How soon a server answers after its start, and how much memory it holds.

use std::thread;

use super::Bench;
use crate::{
    Fallible,
    report::{Goal, Row},
    say,
    server::Server,
};

const FUNCTION: &str = "my-function";

/// Calls that an idle server has answered.
const CALLS: usize = 10;

const START_MS_MAX: f64 = 50.0;
const RESIDENT_MIB_MAX: f64 = 30.0;

/// The figures of one run: times in milliseconds, memory in MiB.
struct Run {
    empty: f64,
    small: f64,
    resident: f64,
    /// Left running, so that it is idle for as long as the others.
    server: Server,
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    say!("Starting servers on empty and on small folders");
    let run = |number| run(bench, &format!("start-{number}"));
    let runs = (0..bench.effort.runs).map(run).collect::<Fallible<Vec<_>>>()?;
    say!("Leaving them idle for {:?}", bench.effort.idle);
    thread::sleep(bench.effort.idle);
    rows(&runs)
}

/// Starts on a new folder; puts a function with two grants there; starts again; calls.
fn run(bench: &Bench<'_>, name: &str) -> Fallible<Run> {
    let first = bench.start_empty(name)?;
    let empty = first.first_answer.as_secs_f64() * 1e3;
    let mut session = bench.furnish(&first)?;
    bench.deploy(&mut session, FUNCTION)?;
    for statement in ["one", "two"] {
        session.add_permission(FUNCTION, statement)?;
    }
    let root = first.root.clone();
    drop((session, first));
    let server = Server::start(bench.server, &bench.folder.join(name), Some(root))?;
    let small = server.first_answer.as_secs_f64() * 1e3;
    let resident = server.process.resident_mib()?;
    let mut session = server.session()?;
    for _ in 0..CALLS {
        session.get_policy(FUNCTION)?;
        session.invoke(FUNCTION)?;
    }
    Ok(Run { empty, small, resident, server })
}

#[rustfmt::skip]
fn rows(runs: &[Run]) -> Fallible<Vec<Row>> {
    let idle = runs.iter().map(|run| run.server.process.resident_mib()).collect::<Fallible<Vec<_>>>()?;
    let row = |what, unit, most, figure: fn(&Run) -> f64| {
        Row::alone(what, unit, Goal::Most(most), runs.iter().map(figure))
    };
    Ok(vec![
        row("first answer after start, empty folder", "ms", START_MS_MAX, |run| run.empty),
        row("first answer after start, small folder", "ms", START_MS_MAX, |run| run.small),
        row("resident memory after start", "MiB", RESIDENT_MIB_MAX, |run| run.resident),
        Row::alone("resident memory when idle, after calls", "MiB", Goal::Most(RESIDENT_MIB_MAX), idle),
    ])
}
