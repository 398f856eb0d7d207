//! What it costs to know a caller among very many: a signed call that asks nothing but who calls,
//! on a server with few users and roles and on one with very many, by each kind of credentials; and
//! the memory that each of these takes.

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

/// Who calls, in the order of [`Side::callers`].
const CALLERS: [&str; 3] = ["a user", "a role's session", "a user's session"];

/// A server with identities, and credentials of each kind.
struct Side {
    server: Server,
    callers: [Credentials; CALLERS.len()],
}

/// One run: microseconds of processor time a request.
#[derive(Default)]
struct Run {
    unsigned: f64,
    callers: [Pair; CALLERS.len()],
}

/// The same of one caller.
#[derive(Clone, Copy, Default)]
struct Pair {
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
    let mut rows: Vec<Row> = (0..CALLERS.len()).flat_map(|at| rows_of(at, &runs)).collect();
    rows.push(Row::alone("memory of an identity", "KiB", Goal::Most(2.0), [each]));
    Ok(rows)
}

/// The rows of one caller.
fn rows_of(at: usize, runs: &[Run]) -> Vec<Row> {
    let of = |run: &Run| (run.unsigned, run.callers.get(at).copied().unwrap_or_default());
    let lookup = runs.iter().map(of).map(|(unsigned, pair)| pair.many - unsigned);
    let pairs = runs.iter().map(of).map(|(_, pair)| (pair.few, pair.many));
    let caller = CALLERS.get(at).copied().unwrap_or_default();
    vec![
        Row::alone(
            format!("authentication and look-up of {caller}: processor time"),
            "µs",
            Goal::Most(10.0),
            lookup,
        ),
        Row::compared(
            format!("GetCallerIdentity of {caller}, many identities: processor time a request"),
            "µs",
            "few identities",
            Goal::Ratio(1.2),
            pairs,
        ),
    ]
}

impl Side {
    fn new(bench: &Bench<'_>, name: &str, identities: usize) -> Fallible<Self> {
        let server = bench.start_empty(name)?;
        create(server.address, &server.root, identities)?;
        let nothing = json!({"Version": "2012-10-17", "Statement": []});
        let mut root = server.session()?;
        let user = root.create_user("caller", &nothing)?;
        let session = root.assume_new_role("called", "night-run")?;
        let own_session = Session::new(server.address, user.clone())?.session_token()?;
        Ok(Self { server, callers: [user, session, own_session] })
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
    let mut run = Run::default();
    let health = vec![session::HEALTH.to_owned()];
    let turns = f64::from(TURNS);
    for _ in 0..TURNS {
        let callers = run.callers.iter_mut().zip(few.callers.iter().zip(&many.callers));
        for (pair, (of_few, of_many)) in callers {
            pair.few += load(bench, few, signed(few, of_few)?)? / turns;
            pair.many += load(bench, many, signed(many, of_many)?)? / turns;
        }
        run.unsigned += load(bench, many, health.clone())? / turns;
    }
    Ok(run)
}

/// Asks who calls, in different signatures.
fn signed(side: &Side, caller: &Credentials) -> Fallible<Vec<String>> {
    let now = Timestamp::now();
    let request = |age: i64| {
        let then = now - jiff::SignedDuration::from_secs(age);
        let bytes = session::caller_identity().sign(side.server.address, caller, then)?;
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
