//! Calls of functions of each runtime: Python, Node.js where it is installed, and a program that
//! speaks the Runtime API itself. Warm, in turns with the bare loop of Runtime API and client; on
//! sixteen connections; and cold. And what memory a worker takes. Goals: issue 5.

use std::{env::current_exe, fs};

use jiff::{SignedDuration, Timestamp};
use portcullis_sandbox::runtimes::Runtime;

use super::{Bench, micros, prepare};
use crate::{
    Fallible,
    bare_loop::{BareLoop, Function},
    load::Plan,
    report::{Goal, Row, median},
    say,
    server::Server,
    session::{self, File, HANDLER, Session},
};

/// The program that the functions of `provided.al2023` are; it lies beside the harness.
const PROGRAM: &str = "portcullis-bench-function";

/// The Node.js runtimes that are tried, the newest first.
const NODES: [&str; 3] = ["nodejs24.x", "nodejs22.x", "nodejs20.x"];

const NODE_HANDLER: &str = "exports.handler = async (event) => event;\n";

const CONNECTIONS: usize = 16;

/// Different signatures in a plan, one a second of the past; a signature is good for 300 s.
const SIGNATURES: i64 = 128;

/// Each side's calls before the other's turn.
const TURN: usize = 50;

/// Longest warm call, in times of the bare loop's.
const BARE_LOOPS_MAX: f64 = 2.0;

/// Workers of a run whose memory is looked at.
const WORKERS: usize = 5;

/// Most memory of a worker beyond what its program has without a server.
const WORKER_MIB_MAX: f64 = 1.0;

/// A runtime with what is wanted of it.
struct Measured {
    /// Lambda's name of it.
    name: &'static str,
    runtime: Runtime,
    /// The code of its functions.
    file: File,
    package: String,
    warm: (&'static str, Goal),
    /// The same, against the bare loop.
    compared: &'static str,
    loaded: (&'static str, Goal),
    /// `None` where another measure has it.
    cold: Option<(&'static str, Goal)>,
    memory: &'static str,
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    let (server, mut session) = bench.start("runtimes")?;
    let mut rows = Vec::new();
    let always = [python(bench)?, provided(bench)?];
    for measured in always.into_iter().chain(node(bench, &mut session)?) {
        say!("Invoke, warm and cold ({})", measured.name);
        let place = bench.folder.join(measured.named("bare"));
        let mut bare = BareLoop::start(&measured.function(), &place)?;
        rows.push(measured.memory(bench, &server, &mut session, &mut bare)?);
        rows.extend(measured.warm(bench, &server, &mut session, &mut bare)?);
        rows.extend(measured.cold(bench, &mut session)?);
    }
    Ok(rows)
}

fn python(bench: &Bench<'_>) -> Fallible<Measured> {
    Ok(Measured {
        name: bench.runtime,
        runtime: prepare(&bench.runtimes, bench.runtime)?,
        file: File { name: "index.py", content: HANDLER.into(), mode: 0o644 },
        package: bench.package.clone(),
        warm: ("Invoke, warm, Python, 1 connection: median", Goal::Most(600.0)),
        compared: "Invoke, warm, Python, against its bare loop",
        loaded: ("Invoke, warm, Python, 16 connections: calls a second", Goal::None),
        cold: None,
        memory: "memory a worker beyond its own program's, Python",
    })
}

fn provided(bench: &Bench<'_>) -> Fallible<Measured> {
    let (name, program) = ("provided.al2023", current_exe()?.with_file_name(PROGRAM));
    let content = fs::read(&program).map_err(|error| format!("{}: {error}", program.display()))?;
    let file = File { name: "bootstrap", content, mode: 0o755 };
    Ok(Measured {
        name,
        runtime: prepare(&bench.runtimes, name)?,
        package: file.package()?,
        file,
        warm: ("Invoke, warm, provided, 1 connection: median", Goal::Most(300.0)),
        compared: "Invoke, warm, provided, against its bare loop",
        loaded: ("Invoke, warm, provided, 16 connections: calls a second", Goal::Least(3_000.0)),
        cold: Some(("Invoke, cold, provided: median of first answers", Goal::Most(12.0))),
        memory: "memory a worker beyond its own program's, provided",
    })
}

/// The newest Node.js that the server can run; nothing where there is none.
fn node(bench: &Bench<'_>, session: &mut Session) -> Fallible<Option<Measured>> {
    let file = File { name: "index.js", content: NODE_HANDLER.into(), mode: 0o644 };
    let package = file.package()?;
    for name in NODES {
        let trial = format!("trial-{}", name.replace('.', "-"));
        let deployed = bench.deploy_of(session, &trial, name, &package);
        // Only a call needs the runtime.
        let Err(error) = deployed.and_then(|()| session.invoke(&trial)) else {
            return Ok(Some(Measured {
                name,
                runtime: prepare(&bench.runtimes, name)?,
                file,
                package,
                warm: ("Invoke, warm, Node.js, 1 connection: median", Goal::Most(700.0)),
                compared: "Invoke, warm, Node.js, against its bare loop",
                loaded: ("Invoke, warm, Node.js, 16 connections: calls a second", Goal::None),
                cold: Some(("Invoke, cold, Node.js: median of first answers", Goal::Most(150.0))),
                memory: "memory a worker beyond its own program's, Node.js",
            }));
        };
        say!("  {name} is not measured: {error}");
    }
    Ok(None)
}

impl Measured {
    /// The name of a function of this runtime.
    fn named(&self, end: &str) -> String {
        format!("{}-{end}", self.name.replace('.', "-"))
    }

    fn function(&self) -> Function<'_> {
        Function { name: self.name, runtime: &self.runtime, file: &self.file }
    }

    fn deploy(&self, bench: &Bench<'_>, session: &mut Session, end: &str) -> Fallible<String> {
        let name = self.named(end);
        bench.deploy_of(session, &name, self.name, &self.package)?;
        Ok(name)
    }

    fn warm(
        &self,
        bench: &Bench<'_>,
        server: &Server,
        session: &mut Session,
        bare: &mut BareLoop,
    ) -> Fallible<[Row; 3]> {
        let name = self.deploy(bench, session, "warm")?;
        let (mut pairs, mut loaded) = (Vec::new(), Vec::new());
        for run in 0..=bench.effort.runs {
            let pair = in_turns(bench.effort.calls, bare, || session.invoke(&name).map(micros))?;
            let many = load(bench, server, &name)?;
            if run > 0 {
                pairs.push(pair); // The first only warms up.
                loaded.push(many);
            }
        }
        let row = |(what, goal), unit, runs| Row::alone(what, unit, goal, runs);
        let alone = pairs.iter().map(|(_, own)| *own).collect();
        let goal = Goal::Ratio(BARE_LOOPS_MAX);
        Ok([
            row(self.warm, "µs", alone),
            Row::compared(self.compared, "µs", "bare loop", goal, pairs),
            row(self.loaded, "/s", loaded),
        ])
    }

    /// What a worker and all that the server has for it takes, less than what the same program does
    /// that the bare loop runs. Below nothing where workers share what is loaded already.
    fn memory(
        &self,
        bench: &Bench<'_>,
        server: &Server,
        session: &mut Session,
        bare: &mut BareLoop,
    ) -> Fallible<Row> {
        let runs = (0..=bench.effort.runs).map(|run| {
            let deploy = |number| self.deploy(bench, session, &format!("memory-{run}-{number}"));
            let names = (0..WORKERS).map(deploy).collect::<Fallible<Vec<_>>>()?;
            let before = server.process.own_mib()?;
            for name in &names {
                session.invoke(name)?;
            }
            Ok((server.process.own_mib()? - before) / WORKERS as f64)
        });
        let runs = runs.collect::<Fallible<Vec<_>>>()?;
        bare.call()?;
        let alone = bare.worker.own_mib()?;
        // The first has the zygote, too.
        let beyond = runs.into_iter().skip(1).map(|worker| worker - alone);
        Ok(Row::alone(self.memory, "MiB", Goal::Most(WORKER_MIB_MAX), beyond))
    }

    fn cold(&self, bench: &Bench<'_>, session: &mut Session) -> Fallible<Option<Row>> {
        let Some((what, goal)) = self.cold else { return Ok(None) };
        let mut first = |number: usize| -> Fallible<f64> {
            let name = self.deploy(bench, session, &format!("cold-{number}"))?;
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

/// Medians of so many calls of the bare loop and of ours, in microseconds.
fn in_turns(
    calls: usize,
    bare: &mut BareLoop,
    mut invoke: impl FnMut() -> Fallible<f64>,
) -> Fallible<(f64, f64)> {
    let (mut base, mut own) = (Vec::new(), Vec::new());
    for _ in 0..calls.div_ceil(TURN) {
        for _ in 0..TURN {
            base.push(micros(bare.call()?));
        }
        for _ in 0..TURN {
            own.push(invoke()?);
        }
    }
    Ok((median(base), median(own)))
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
