//! What it costs to know a caller among very many: a signed call that asks nothing but who calls, on a
//! server with few users and roles and on one with very many; and the memory that each of these takes.

use std::{net::SocketAddr, thread, time::Duration};

use jiff::Timestamp;
use portcullis_sigv4::Credentials;
use serde_json::json;

use super::{Bench, micros};
use crate::{
    Fallible,
    load::Plan,
    report::{Goal, Row},
    say,
    server::Server,
    session::{self, Session},
};

const CONNECTIONS: usize = 16;

/// Different signatures in a plan, one a second of the past.
const SIGNATURES: i64 = 64;

/// How often the sides take turns in a run.
const TURNS: u32 = 8;

/// Users, and as many roles.
const FEW: usize = 10;
const MANY: usize = 100_000;

/// A server with identities, and one of the users.
struct Side {
    server: Server,
    user: Credentials,
}

/// One run: microseconds of processor time a request.
struct Run {
    unsigned: f64,
    few: f64,
    many: f64,
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    say!("Identities: creating {MANY} users and {MANY} roles");
    let many = Side::new(bench, "many-identities", MANY)?;
    let few = Side::new(bench, "few-identities", FEW)?;
    say!("GetCallerIdentity at {CONNECTIONS} connections, with few and many identities in turns");
    let mut runs = Vec::new();
    for run in 0..=bench.effort.runs {
        let spent = spent(bench, &few, &many)?;
        if run > 0 {
            runs.push(spent); // The first only warms up.
        }
    }
    let added = many.server.process.resident_mib()? - few.server.process.resident_mib()?;
    let count = u32::try_from(2 * (MANY - FEW))?;
    let each = added * 1024.0 / f64::from(count);
    let lookup = runs.iter().map(|run| run.many - run.unsigned);
    let pairs = runs.iter().map(|run| (run.few, run.many));
    Ok(vec![
        Row::alone("authentication and look-up: processor time", "µs", Goal::Most(10.0), lookup),
        Row::compared(
            "GetCallerIdentity, many identities: processor time a request",
            "µs",
            "few identities",
            Goal::Ratio(1.2),
            pairs,
        ),
        Row::alone("memory of an identity", "KiB", Goal::Most(2.0), [each]),
    ])
}

impl Side {
    fn new(bench: &Bench<'_>, name: &str, identities: usize) -> Fallible<Self> {
        let server = bench.start_empty(name)?;
        create(server.address, &server.root, identities)?;
        let nothing = json!({"Version": "2012-10-17", "Statement": []});
        let user = server.session()?.create_user("caller", &nothing)?;
        Ok(Self { server, user })
    }
}

/// Creates users and roles on several connections, which share the disk's flushes.
fn create(address: SocketAddr, root: &Credentials, identities: usize) -> Fallible<()> {
    let creator = |first: usize| {
        let mut session = Session::new(address, root.clone())?;
        for number in (first..identities).step_by(CONNECTIONS) {
            session.create_bare_user(&format!("user-{number:06}"))?;
            session.create_role(&format!("role-{number:06}"))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let creator = &creator;
        let all: Vec<_> =
            (0..CONNECTIONS).map(|first| scope.spawn(move || creator(first))).collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| "a creator panicked")?)
    })
}

/// Loads both sides in turns.
fn spent(bench: &Bench<'_>, few: &Side, many: &Side) -> Fallible<Run> {
    let mut run = Run { unsigned: 0.0, few: 0.0, many: 0.0 };
    let health = vec![session::HEALTH.to_owned()];
    for _ in 0..TURNS {
        run.few += load(bench, few, signed(few)?)?;
        run.many += load(bench, many, signed(many)?)?;
        run.unsigned += load(bench, many, health.clone())?;
    }
    let turns = f64::from(TURNS);
    Ok(Run { unsigned: run.unsigned / turns, few: run.few / turns, many: run.many / turns })
}

/// Asks who calls, in different signatures.
fn signed(side: &Side) -> Fallible<Vec<String>> {
    let now = Timestamp::now();
    let request = |age: i64| {
        let then = now - jiff::SignedDuration::from_secs(age);
        let bytes = session::caller_identity().sign(side.server.address, &side.user, then)?;
        Ok(String::from_utf8(bytes)?)
    };
    (0..SIGNATURES).map(request).collect()
}

/// Processor time a request, in microseconds.
fn load(bench: &Bench<'_>, side: &Side, requests: Vec<String>) -> Fallible<f64> {
    let (address, time) = (side.server.address, bench.effort.load / TURNS);
    let before = side.server.process.cpu_time()?;
    let seen = Plan { address, connections: CONNECTIONS, time, requests }.run()?;
    // What was recorded last is yet to be written.
    thread::sleep(Duration::from_millis(30));
    Ok(micros(side.server.process.cpu_time()?.saturating_sub(before)) / seen.requests)
}
