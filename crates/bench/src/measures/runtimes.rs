//! Calls of functions of each runtime: Python, Node.js where it is installed, and programs that
//! bring their client along: one that speaks the Runtime API itself, and the example in Rust with
//! AWS's own crate. Warm, in turns with the bare loop of caller, Runtime API and the same client; on
//! sixteen connections; and cold. And what memory a worker takes. Goals: issue 5.

use std::{env::current_exe, fs, path::Path, time::Duration};

use jiff::{SignedDuration, Timestamp};
use portcullis_sandbox::runtimes::Runtime;

use super::{Bench, micros, prepare};
use crate::{
    Fallible,
    bare_loop::{BareLoop, Function},
    bare_relay::BareRelay,
    load::Plan,
    report::{Goal, Row, median},
    say,
    server::Server,
    session::{self, File, HANDLER, PAYLOAD, Session},
};

/// The program that speaks the Runtime API itself; it lies beside the harness.
const PROGRAM: &str = "portcullis-bench-function";

/// The runtime of functions that bring their client along.
const PROVIDED: &str = "provided.al2023";

/// The Node.js runtimes that are tried, the newest first.
const NODES: [&str; 3] = ["nodejs24.x", "nodejs22.x", "nodejs20.x"];

const NODE_HANDLER: &str = "exports.handler = async (event) => event;\n";

const CONNECTIONS: usize = 16;

/// Different signatures in a plan, one a second of the past; a signature is good for 300 s.
const SIGNATURES: i64 = 128;

/// Each side's calls before the other's turn.
const TURN: usize = 50;

/// Longest warm call, in times of the bare loop's. A call has a caller, and so has this loop: of one
/// without, whose answers lie ready in a thread that does nothing else, the bare loop with a caller
/// alone takes up to twice the time. It is shown beside, to tell where the time goes.
const BARE_LOOPS_MAX: f64 = 2.0;

/// Workers of a run whose memory is looked at.
const WORKERS: usize = 5;

/// Most memory of a worker beyond what its program has without a server.
const WORKER_MIB_MAX: f64 = 1.0;

/// A runtime with its client, and what is wanted of it.
struct Measured {
    /// Both, as the figures name them.
    label: &'static str,
    /// Lambda's name of the runtime.
    name: &'static str,
    runtime: Runtime,
    /// The code of its functions.
    file: File,
    package: String,
    /// What a function of this name answers.
    answer: fn(&str) -> String,
    /// Longest warm call, in microseconds.
    warm_us_max: f64,
    /// Calls a second under load.
    loaded: Goal,
    /// Longest first answer, in milliseconds; `None` where another measure has it.
    cold_ms_max: Option<f64>,
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    let (server, mut session) = bench.start("runtimes")?;
    let mut rows = Vec::new();
    let mut all = vec![python(bench)?, provided(bench)?];
    all.extend(example(bench)?);
    all.extend(node(bench, &mut session)?);
    for measured in all {
        say!("Invoke, warm and cold ({})", measured.label);
        let place = bench.folder.join(measured.named("bare"));
        let mut bare = BareLoop::start(&measured.function(), &place)?;
        let place = bench.folder.join(measured.named("relayed"));
        let mut relay = BareRelay::start(&measured.function(), &place)?;
        rows.push(measured.memory(bench, &server, &mut session, &mut bare)?);
        rows.extend(measured.warm(bench, &server, &mut session, &mut bare, &mut relay)?);
        rows.extend(measured.cold(bench, &mut session)?);
    }
    Ok(rows)
}

/// What most functions here answer: what they were sent.
fn echo(_function: &str) -> String {
    PAYLOAD.to_owned()
}

fn python(bench: &Bench<'_>) -> Fallible<Measured> {
    Ok(Measured {
        label: "Python",
        name: bench.runtime,
        runtime: prepare(&bench.runtimes, bench.runtime)?,
        file: File { name: "index.py", content: HANDLER.into(), mode: 0o644 },
        package: bench.package.clone(),
        answer: echo,
        warm_us_max: 600.0,
        loaded: Goal::None,
        cold_ms_max: None,
    })
}

/// The least client that there can be.
fn provided(bench: &Bench<'_>) -> Fallible<Measured> {
    let program = current_exe()?.with_file_name(PROGRAM);
    of_program(bench, "provided, std alone", &program, echo)
}

/// The client that functions in Rust have; nothing where the example could not be built.
fn example(bench: &Bench<'_>) -> Fallible<Option<Measured>> {
    let greeting = |by: &str| format!(r#"{{"greeting":"Hello, you!","by":"{by}"}}"#);
    let measured = |program| of_program(bench, "provided, lambda_runtime", program, greeting);
    bench.example.map(measured).transpose()
}

fn of_program(
    bench: &Bench<'_>,
    label: &'static str,
    program: &Path,
    answer: fn(&str) -> String,
) -> Fallible<Measured> {
    let content = fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    let file = File { name: "bootstrap", content, mode: 0o755 };
    Ok(Measured {
        label,
        name: PROVIDED,
        runtime: prepare(&bench.runtimes, PROVIDED)?,
        package: file.package()?,
        file,
        answer,
        warm_us_max: 300.0,
        loaded: Goal::Least(3_000.0),
        cold_ms_max: Some(12.0),
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
                label: "Node.js",
                name,
                runtime: prepare(&bench.runtimes, name)?,
                file,
                package,
                answer: echo,
                warm_us_max: 700.0,
                loaded: Goal::None,
                cold_ms_max: Some(150.0),
            }));
        };
        say!("  {name} is not measured: {error}");
    }
    Ok(None)
}

impl Measured {
    /// The name of a function of this runtime and client.
    fn named(&self, end: &str) -> String {
        format!("{}-{end}", self.label.replace(|c: char| !c.is_alphanumeric(), ""))
    }

    fn function(&self) -> Function<'_> {
        Function { name: self.name, runtime: &self.runtime, file: &self.file }
    }

    fn deploy(&self, bench: &Bench<'_>, session: &mut Session, end: &str) -> Fallible<String> {
        let name = self.named(end);
        bench.deploy_of(session, &name, self.name, &self.package)?;
        Ok(name)
    }

    /// Calls the function; how long that took.
    fn invoke(&self, session: &mut Session, name: &str) -> Fallible<Duration> {
        session.invoke_for(name, &(self.answer)(name))
    }

    fn warm(
        &self,
        bench: &Bench<'_>,
        server: &Server,
        session: &mut Session,
        bare: &mut BareLoop,
        relay: &mut BareRelay,
    ) -> Fallible<[Row; 4]> {
        let name = self.deploy(bench, session, "warm")?;
        let (mut looped, mut relayed, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..=bench.effort.runs {
            let mut own = || self.invoke(session, &name).map(micros);
            let to_loop = in_turns(bench.effort.calls, || bare.call(), &mut own)?;
            let to_relay = in_turns(bench.effort.calls, || relay.call(), &mut own)?;
            let many = load(bench, server, &name)?;
            if run > 0 {
                looped.push(to_loop); // The first only warms up.
                relayed.push(to_relay);
                loaded.push(many);
            }
        }
        let alone = looped.iter().map(|(_, own)| *own);
        let what = |what| format!("Invoke, warm, {}{what}", self.label);
        let [one, to_loop, to_relay, many] = [
            what(", 1 connection: median"),
            what(", against its bare loop without a caller"),
            what(", against its bare loop"),
            what(&format!(", {CONNECTIONS} connections: calls a second")),
        ];
        let most = Goal::Ratio(BARE_LOOPS_MAX);
        Ok([
            Row::alone(one, "µs", Goal::Most(self.warm_us_max), alone),
            Row::compared(to_loop, "µs", "no caller", Goal::None, looped.clone()),
            Row::compared(to_relay, "µs", "bare loop", most, relayed),
            Row::alone(many, "/s", self.loaded, loaded),
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
                self.invoke(session, name)?;
            }
            Ok((server.process.own_mib()? - before) / WORKERS as f64)
        });
        let runs = runs.collect::<Fallible<Vec<_>>>()?;
        bare.call()?;
        let alone = bare.worker.own_mib()?;
        // The first has the zygote, too.
        let beyond = runs.into_iter().skip(1).map(|worker| worker - alone);
        let what = format!("memory a worker beyond its own program's, {}", self.label);
        Ok(Row::alone(what, "MiB", Goal::Most(WORKER_MIB_MAX), beyond))
    }

    fn cold(&self, bench: &Bench<'_>, session: &mut Session) -> Fallible<Option<Row>> {
        let Some(most) = self.cold_ms_max else { return Ok(None) };
        let mut first = |number: usize| -> Fallible<f64> {
            let name = self.deploy(bench, session, &format!("cold-{number}"))?;
            Ok(self.invoke(session, &name)?.as_secs_f64() * 1e3)
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
        let what = format!("Invoke, cold, {}: median of first answers", self.label);
        Ok(Some(Row::alone(what, "ms", Goal::Most(most), runs)))
    }
}

/// Medians of so many calls of a base and of ours, in microseconds.
fn in_turns(
    calls: usize,
    mut bare: impl FnMut() -> Fallible<Duration>,
    mut invoke: impl FnMut() -> Fallible<f64>,
) -> Fallible<(f64, f64)> {
    let (mut base, mut own) = (Vec::new(), Vec::new());
    for _ in 0..calls.div_ceil(TURN) {
        for _ in 0..TURN {
            base.push(micros(bare()?));
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
