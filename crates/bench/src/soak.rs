//! The load of issue 5: many functions and connections for minutes, warm and cold calls, failing
//! ones, time-outs and updates in between. Every synchronous call must be answered once, by its own
//! answer, and run once; nothing may be left at the end; memory must be flat in the second half.
//!
//! Unlike a measurement, this fails: each broken promise is named.

mod client;
mod host;

use std::{
    collections::HashMap,
    fs, iter,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use portcullis_sandbox::python;

use crate::{
    Fallible, process,
    report::median,
    say,
    server::Server,
    session::{ROLE, Session, package_of},
};
use client::{Client, Fleet, Told};
use host::Held;

/// How long a server may take to let go of what nobody needs any more: past the five minutes that an
/// idle worker is kept.
const SETTLE: Duration = Duration::from_secs(330);

/// How much more memory the last quarter may have than the third, in MiB beside a twentieth of it.
const GROWTH_MIB: f64 = 8.0;

/// Flags of `soak`.
#[derive(clap::Args)]
pub(crate) struct SoakArguments {
    /// The `portcullis` binary.
    #[arg(long)]
    server: PathBuf,
    /// Where the data folder lies meanwhile.
    #[arg(long)]
    work_dir: PathBuf,
    /// Functions.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(20..))]
    functions: u32,
    /// Connections, each with one call at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How long, in seconds.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// What a handler does is what its event says; each token is printed once an event.
const HANDLER: &str = "import os, time
def handler(event, context):
    token, do = event['token'], event['do']
    print('token', token, flush=True)
    if do == 'fail':
        raise Exception(token)
    if do == 'exit':
        os._exit(3)
    if do == 'sleep':
        time.sleep(60)
    return token
";

pub(crate) fn run(arguments: &SoakArguments) -> Fallible<()> {
    fs::create_dir_all(&arguments.work_dir)?;
    let folder = tempfile::Builder::new().prefix("soak-").tempdir_in(&arguments.work_dir)?;
    let limit = Duration::from_secs(arguments.seconds) * 2 + Duration::from_secs(900);
    process::end_all_on_signal_or_after(limit, folder.path().to_owned())?;
    let data_dir = folder.path().join("data");
    let runtime = python::newest_here()?;
    let server = start(arguments, &data_dir, runtime)?;
    let mut session = server.session()?;
    session.create_role(ROLE)?;
    let packages = [package_of(HANDLER)?, package_of(&format!("{HANDLER}\nCHANGED = True\n"))?];
    warm_up(&mut session, runtime, &packages)?;
    let before = settled(&server, None)?;
    say!("before: {before}");
    let fleet = Fleet { count: arguments.functions, runtime, packages };
    fleet.create(&mut session)?;
    let load = Load { address: server.address, arguments, server: &server };
    let (told, memory) = load.drive(&fleet)?;
    // Anew: the server has closed a connection that was idle all the time.
    session = server.session()?;
    fleet.delete(&mut session)?;
    let after = settled(&server, Some(&before))?;
    say!("after:  {after}");
    drop((session, server)); // It writes the last of the logs as it ends.
    let mut broken = told.broken;
    broken.extend(before.grown(&after));
    broken.extend(check_runs(&told.tokens, &data_dir.join("function-logs"))?);
    broken.extend(check_memory(&memory));
    report(&told.counts, &memory);
    match broken.first() {
        None => Ok(()),
        Some(first) => {
            broken.iter().take(20).for_each(|promise| say!("broken: {promise}"));
            Err(format!("{} broken promises, the first: {first}", broken.len()).into())
        }
    }
}

/// A server whose logs are kept whole, with the runtime client of earlier runs.
fn start(arguments: &SoakArguments, data_dir: &Path, runtime: &str) -> Fallible<Server> {
    let runtimes = arguments.work_dir.canonicalize()?.join("runtime-clients");
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = python::Python::new(runtimes.clone());
    tokio.block_on(found.prepare(runtime, |line| say!("  {line}")))?;
    fs::create_dir_all(data_dir)?;
    std::os::unix::fs::symlink(runtimes, data_dir.join("runtimes"))?;
    let whole_logs = ["--function-log-file-bytes", "1073741824"];
    Server::start_with(&arguments.server, data_dir, None, &whole_logs)
}

/// Runs both packages once, so that what the server keeps of them is there before it is counted.
fn warm_up(session: &mut Session, runtime: &str, packages: &[String]) -> Fallible<()> {
    for (number, package) in packages.iter().enumerate() {
        let name = format!("warm-up-{number}");
        session.create_function(&name, runtime, package)?;
        session.await_active(&name)?;
        session.invoke_with(&name, r#"{"token":"warm-up","do":"answer"}"#)?;
        session.delete_function(&name)?;
    }
    Ok(())
}

/// What the server holds once it holds no more than `wanted`, or cannot let go of it; without, once
/// no worker is left.
fn settled(server: &Server, wanted: Option<&Held>) -> Fallible<Held> {
    let until = Instant::now() + SETTLE;
    loop {
        let held = Held::by(server)?;
        let is_enough = match wanted {
            Some(wanted) => wanted.grown(&held).is_empty(),
            None => held.control_groups == 0,
        };
        if is_enough || Instant::now() > until {
            return Ok(held);
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// The clients, and the server whose memory is watched meanwhile.
struct Load<'a> {
    address: SocketAddr,
    arguments: &'a SoakArguments,
    server: &'a Server,
}

impl Load<'_> {
    /// Has every client call until the time is over; what they were told, and the server's resident
    /// memory by the second, in MiB.
    fn drive(&self, fleet: &Fleet) -> Fallible<(Told, Vec<f64>)> {
        let until = Instant::now() + Duration::from_secs(self.arguments.seconds);
        thread::scope(|scope| {
            let client = |number| {
                let client = Client::new(number, self.address, self.server.root.clone(), fleet);
                scope.spawn(move || client.run(until))
            };
            let clients: Vec<_> = (0..self.arguments.connections).map(client).collect();
            let mut memory = Vec::new();
            while Instant::now() < until {
                memory.push(self.server.process.resident_mib()?);
                thread::sleep(Duration::from_secs(1));
            }
            let mut told = Told::default();
            for client in clients {
                told.merge(client.join().map_err(|_| "a client panicked")??);
            }
            Ok((told, memory))
        })
    }
}

/// Every event ran once: its token is once in the logs.
fn check_runs(tokens: &[String], logs: &Path) -> Fallible<Vec<String>> {
    let mut runs: HashMap<String, u32> = HashMap::new();
    let mut folders = vec![logs.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            for line in text.lines() {
                if let Some((_, token)) = line.rsplit_once("token ") {
                    *runs.entry(token.to_owned()).or_default() += 1;
                }
            }
        }
    }
    let wrong = tokens.iter().filter_map(|token| match runs.get(token) {
        Some(1) => None,
        runs => Some(format!("the event {token} ran {} times", runs.copied().unwrap_or(0))),
    });
    Ok(wrong.collect())
}

/// The third and the last quarter of what was seen.
fn quarters(memory: &[f64]) -> (f64, f64) {
    let quarter = memory.len() / 4;
    let of = |from: usize| median(memory.iter().copied().skip(from).take(quarter.max(1)));
    (of(quarter * 2), of(quarter * 3))
}

fn check_memory(memory: &[f64]) -> Option<String> {
    let (third, last) = quarters(memory);
    let is_flat = last <= third * 1.05 + GROWTH_MIB;
    (!is_flat).then(|| format!("memory grew from {third:.1} to {last:.1} MiB in the second half"))
}

/// The figures, on standard output.
#[expect(clippy::print_stdout, reason = "the figures are this program's output")]
fn report(counts: &[(&'static str, u64)], memory: &[f64]) {
    let (third, last) = quarters(memory);
    let most = memory.iter().copied().fold(0.0, f64::max);
    let counted = counts.iter().map(|(what, count)| format!("{what} {count}"));
    let lines =
        iter::once(format!("memory MiB: third quarter {third:.1}, last {last:.1}, most {most:.1}"));
    counted.chain(lines).for_each(|line| println!("{line}"));
}
