//! A signed and decided `GetPolicy` under load, against a bare hyper server that answers as many
//! bytes to the same requests.

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;

use super::{Bench, micros};
use crate::{
    Fallible,
    load::{Plan, Seen},
    process::Process,
    report::{Goal, Row},
    say,
    server::Server,
    session,
};

const CONNECTIONS: usize = 16;

/// Part of a run's time that one connection alone is given: its answer time, without a queue, is
/// what a grant or a call of a function pays for being a request.
const ALONE_PART: u32 = 4;

/// Different signatures in a plan: one a second of the past. They must outlive the run by far, and
/// a signature is good for 300 s.
const SIGNATURES: i64 = 128;

const FUNCTION: &str = "my-function";
const BARE: &str = "bare hyper";

/// What a side did in one run.
struct Loaded {
    cpu: Duration,
    seen: Seen,
    alone: Seen,
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    say!("GetPolicy at {CONNECTIONS} connections, and a bare server in turns");
    let (server, mut session) = bench.start("get-policy")?;
    bench.deploy(&mut session, FUNCTION)?;
    for statement in ["one", "two"] {
        session.add_permission(FUNCTION, statement)?;
    }
    let bytes = session.get_policy(FUNCTION)?.len().to_string();
    let mut bare = Process::start_role(&["bare-server", "--bytes", &bytes])?;
    let bare_address = bare.line()?.parse()?;
    let mut runs = Vec::new();
    for run in 0..=bench.effort.runs {
        let base = load(bench, &bare, bare_address, &server)?;
        let own = load(bench, &server.process, server.address, &server)?;
        if run > 0 {
            runs.push((base, own)); // The first only warms up.
        }
    }
    Ok(rows(&runs))
}

/// Loads `process`, which listens at `address`, with requests that are signed for `server`.
fn load(
    bench: &Bench<'_>,
    process: &Process,
    address: SocketAddr,
    server: &Server,
) -> Fallible<Loaded> {
    let now = Timestamp::now();
    let request = |age: i64| {
        let then = now - jiff::SignedDuration::from_secs(age);
        let bytes = session::get_policy(FUNCTION).sign(server.address, &server.root, then)?;
        Ok(String::from_utf8(bytes)?)
    };
    let requests = (0..SIGNATURES).map(request).collect::<Fallible<_>>()?;
    let mut plan = Plan { address, connections: CONNECTIONS, time: bench.effort.load, requests };
    let before = process.cpu_time()?;
    let seen = plan.run()?;
    let cpu = process.cpu_time()?.saturating_sub(before);
    plan.connections = 1;
    plan.time /= ALONE_PART;
    Ok(Loaded { cpu, seen, alone: plan.run()? })
}

#[rustfmt::skip]
fn rows(runs: &[(Loaded, Loaded)]) -> Vec<Row> {
    let row = |what, unit, goal, figure: fn(&Loaded) -> f64| {
        Row::compared(what, unit, BARE, goal, runs.iter().map(|(base, own)| (figure(base), figure(own))))
    };
    vec![
        row("GetPolicy, 16 connections: processor time a request", "µs", Goal::Ratio(2.5),
            |side| micros(side.cpu) / side.seen.requests),
        row("GetPolicy, 16 connections: requests a second", "/s", Goal::None,
            |side| side.seen.requests / side.seen.seconds),
        row("GetPolicy, 16 connections: median", "µs", Goal::None, |side| side.seen.p50 * 1e6),
        row("GetPolicy, 16 connections: 99th percentile", "µs", Goal::None, |side| side.seen.p99 * 1e6),
        row("GetPolicy, 1 connection: median", "µs", Goal::None, |side| side.alone.p50 * 1e6),
    ]
}
