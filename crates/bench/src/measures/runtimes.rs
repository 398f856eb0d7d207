//! Calls of functions of each runtime: Python, Node.js where it is installed, and a program that
//! speaks the Runtime API itself. Warm on one connection and on sixteen, and cold. Goals: issue 5.

use std::{env::current_exe, fs};

use jiff::{SignedDuration, Timestamp};

use super::{Bench, micros};
use crate::{
    Fallible,
    load::Plan,
    report::{Goal, Row, median},
    say,
    server::Server,
    session::{self, Session},
};

/// The program that the functions of `provided.al2023` are; it lies beside the harness.
const PROGRAM: &str = "portcullis-bench-function";

/// The Node.js runtimes that are tried, the newest first.
const NODES: [&str; 3] = ["nodejs24.x", "nodejs22.x", "nodejs20.x"];

const NODE_HANDLER: &str = "exports.handler = async (event) => event;\n";

const CONNECTIONS: usize = 16;

/// Different signatures in a plan, one a second of the past; a signature is good for 300 s.
const SIGNATURES: i64 = 128;

/// Calls, or functions, before the first that counts.
const WARM_UPS: usize = 20;

/// A runtime with what is wanted of it.
struct Measured {
    /// Lambda's name of it.
    runtime: &'static str,
    /// The package of its functions.
    package: String,
    warm: (&'static str, Goal),
    loaded: (&'static str, Goal),
    /// `None` where another measure has it.
    cold: Option<(&'static str, Goal)>,
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    let (server, mut session) = bench.start("runtimes")?;
    let mut rows = Vec::new();
    for measured in [python(bench), provided()?].into_iter().chain(node(bench, &mut session)?) {
        say!("Invoke, warm and cold ({})", measured.runtime);
        rows.extend(measured.warm(bench, &server, &mut session)?);
        rows.extend(measured.cold(bench, &mut session)?);
    }
    Ok(rows)
}

fn python(bench: &Bench<'_>) -> Measured {
    Measured {
        runtime: bench.runtime,
        package: bench.package.clone(),
        warm: ("Invoke, warm, Python, 1 connection: median", Goal::Most(600.0)),
        loaded: ("Invoke, warm, Python, 16 connections: calls a second", Goal::None),
        cold: None,
    }
}

fn provided() -> Fallible<Measured> {
    let program = current_exe()?.with_file_name(PROGRAM);
    let program = fs::read(&program).map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(Measured {
        runtime: "provided.al2023",
        package: session::package("bootstrap", &program, 0o755)?,
        warm: ("Invoke, warm, provided, 1 connection: median", Goal::Most(300.0)),
        loaded: ("Invoke, warm, provided, 16 connections: calls a second", Goal::Least(3_000.0)),
        cold: Some(("Invoke, cold, provided: median of first answers", Goal::Most(12.0))),
    })
}

/// The newest Node.js that the server can run; nothing where there is none.
fn node(bench: &Bench<'_>, session: &mut Session) -> Fallible<Option<Measured>> {
    let package = session::package("index.js", NODE_HANDLER.as_bytes(), 0o644)?;
    for runtime in NODES {
        let trial = format!("trial-{}", runtime.replace('.', "-"));
        let deployed = bench.deploy_of(session, &trial, runtime, &package);
        // Only a call needs the runtime.
        match deployed.and_then(|()| session.invoke(&trial)) {
            Err(error) => say!("  {runtime} is not measured: {error}"),
            Ok(_) => {
                return Ok(Some(Measured {
                    runtime,
                    package,
                    warm: ("Invoke, warm, Node.js, 1 connection: median", Goal::Most(700.0)),
                    loaded: ("Invoke, warm, Node.js, 16 connections: calls a second", Goal::None),
                    cold: Some((
                        "Invoke, cold, Node.js: median of first answers",
                        Goal::Most(150.0),
                    )),
                }));
            }
        }
    }
    Ok(None)
}

impl Measured {
    /// The name of a function of this runtime.
    fn named(&self, end: &str) -> String {
        format!("{}-{end}", self.runtime.replace('.', "-"))
    }

    fn warm(
        &self,
        bench: &Bench<'_>,
        server: &Server,
        session: &mut Session,
    ) -> Fallible<[Row; 2]> {
        let name = self.named("warm");
        bench.deploy_of(session, &name, self.runtime, &self.package)?;
        for _ in 0..WARM_UPS {
            session.invoke(&name)?;
        }
        let (mut alone, mut loaded) = (Vec::new(), Vec::new());
        for run in 0..=bench.effort.runs {
            let calls = (0..bench.effort.calls).map(|_| session.invoke(&name).map(micros));
            let one = median(calls.collect::<Fallible<Vec<_>>>()?);
            let many = load(bench, server, &name)?;
            if run > 0 {
                alone.push(one); // The first only warms up.
                loaded.push(many);
            }
        }
        let row = |(what, goal), unit, runs| Row::alone(what, unit, goal, runs);
        Ok([row(self.warm, "µs", alone), row(self.loaded, "/s", loaded)])
    }

    fn cold(&self, bench: &Bench<'_>, session: &mut Session) -> Fallible<Option<Row>> {
        let Some((what, goal)) = self.cold else { return Ok(None) };
        let mut first = |number: usize| -> Fallible<f64> {
            let name = self.named(&format!("cold-{number}"));
            bench.deploy_of(session, &name, self.runtime, &self.package)?;
            Ok(session.invoke(&name)?.as_secs_f64() * 1e3)
        };
        let colds = bench.effort.colds;
        let mut runs = Vec::new();
        for run in 0..=bench.effort.runs {
            let times = (run * colds..(run + 1) * colds).map(&mut first);
            let run_median = median(times.collect::<Fallible<Vec<_>>>()?);
            if run > 0 {
                runs.push(run_median);
            }
        }
        Ok(Some(Row::alone(what, "ms", goal, runs)))
    }
}

/// Calls a second of the function under load.
fn load(bench: &Bench<'_>, server: &Server, name: &str) -> Fallible<f64> {
    let now = Timestamp::now();
    let request = |age: i64| {
        let then = now - SignedDuration::from_secs(age);
        let bytes = session::invocation(name).sign(server.address, &server.root, then)?;
        Ok(String::from_utf8(bytes)?)
    };
    let requests = (0..SIGNATURES).map(request).collect::<Fallible<_>>()?;
    let (address, time) = (server.address, bench.effort.load);
    let seen = Plan { address, connections: CONNECTIONS, time, requests }.run()?;
    Ok(seen.requests / seen.seconds)
}
