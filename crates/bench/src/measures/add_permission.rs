//! A durable `AddPermission` on one connection: against append + fdatasync of the bytes that it
//! must keep, and against itself with many functions or a long policy.
//!
//! An append makes the file longer, so its flush writes the file system's journal too; a file that
//! has its length already shows the flush of the bytes alone.

use std::{
    fs::File, io::Write as _, net::SocketAddr, os::unix::fs::FileExt as _, path::Path, thread,
    time::Instant,
};

use portcullis_sigv4::Credentials;

use super::{Bench, micros};
use crate::{
    Fallible,
    report::{Goal, Row, median},
    say,
    server::Server,
    session::Session,
};

/// Statements on the long policy, with the one that is added: near the limit of 20,480 bytes.
const STATEMENTS: usize = 80;

/// Each side's grants before the next side's turn.
const TURN: usize = 20;

/// Connections that create functions: they share the disk's flushes.
const CREATORS: usize = 16;

/// What is added and taken back.
const STATEMENT: &str = "timed";

/// An installation of some size, and where the next grant goes.
struct Case {
    server: Server,
    session: Session,
    functions: usize,
    next: usize,
}

impl Case {
    /// A server with so many functions, whose policies have so many statements.
    fn new(bench: &Bench<'_>, name: &str, functions: usize, statements: usize) -> Fallible<Self> {
        let (server, mut session) = bench.start(name)?;
        create(bench, server.address, &server.root, functions)?;
        for function in (0..functions).map(function) {
            session.await_active(&function)?;
            for statement in 0..statements {
                session.add_permission(&function, &format!("statement-{statement}"))?;
            }
        }
        Ok(Self { server, session, functions, next: 0 })
    }

    /// Times some grants, each on another function, and takes each back. Microseconds.
    fn grants(&mut self, count: usize) -> Fallible<Vec<f64>> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            self.next += 7919; // A prime: all over the functions.
            let function = function(self.next % self.functions);
            times.push(micros(self.session.add_permission(&function, STATEMENT)?));
            self.session.remove_permission(&function, STATEMENT)?;
        }
        Ok(times)
    }

    /// Length of the answer to `GetPolicy` while the statement is there: what must be kept.
    fn policy_bytes(&mut self) -> Fallible<usize> {
        self.session.add_permission(&function(0), STATEMENT)?;
        let bytes = self.session.get_policy(&function(0))?.len();
        self.session.remove_permission(&function(0), STATEMENT)?;
        Ok(bytes)
    }
}

fn function(number: usize) -> String {
    format!("function-{number:05}")
}

/// Creates functions on several connections.
fn create(
    bench: &Bench<'_>,
    address: SocketAddr,
    root: &Credentials,
    functions: usize,
) -> Fallible<()> {
    let creator = |first: usize| {
        let mut session = Session::new(address, root.clone())?;
        for name in (first..functions).step_by(CREATORS).map(function) {
            session.create_function(&name, bench.runtime, &bench.package)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let creator = &creator;
        let all: Vec<_> = (0..CREATORS).map(|first| scope.spawn(move || creator(first))).collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| "a creator panicked")?)
    })
}

/// The least that keeping some bytes can cost.
struct Flushes {
    append: File,
    overwrite: File,
    record: Vec<u8>,
}

impl Flushes {
    /// Of so many bytes, in files in `folder`.
    fn new(folder: &Path, bytes: usize) -> Fallible<Self> {
        let append = File::create_new(folder.join("append"))?;
        let overwrite = File::create_new(folder.join("overwrite"))?;
        let record = vec![b'x'; bytes];
        overwrite.write_all_at(&record, 0)?;
        overwrite.sync_all()?;
        Ok(Self { append, overwrite, record })
    }

    /// Times some appends, each flushed. Microseconds.
    fn appends(&mut self, count: usize) -> Fallible<Vec<f64>> {
        let mut append = || {
            let begin = Instant::now();
            self.append.write_all(&self.record)?;
            self.append.sync_data()?;
            Ok(micros(begin.elapsed()))
        };
        (0..count).map(|_| append()).collect()
    }

    /// Times some writes that leave the file as long as it was, each flushed. Microseconds.
    fn overwrites(&self, count: usize) -> Fallible<Vec<f64>> {
        let overwrite = || {
            let begin = Instant::now();
            self.overwrite.write_all_at(&self.record, 0)?;
            self.overwrite.sync_data()?;
            Ok(micros(begin.elapsed()))
        };
        (0..count).map(|_| overwrite()).collect()
    }
}

/// The medians of one run, in microseconds.
struct Run {
    append: f64,
    overwrite: f64,
    small: f64,
    many: f64,
    long: f64,
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    let functions = bench.effort.functions;
    say!("AddPermission: creating {functions} functions");
    let begin = Instant::now();
    let mut many = Case::new(bench, "many", functions, 0)?;
    let creation = begin.elapsed().as_secs_f64();
    say!("AddPermission: timing grants, and append + fdatasync, in turns");
    let mut small = Case::new(bench, "small", 1, 0)?;
    let mut long = Case::new(bench, "long", 1, STATEMENTS - 1)?;
    let bytes = small.policy_bytes()?;
    let mut flushes = Flushes::new(&small.server.data_dir, bytes)?;
    let runs = (0..bench.effort.runs)
        .map(|_| run(bench, &mut flushes, [&mut small, &mut many, &mut long]))
        .collect::<Fallible<Vec<_>>>()?;
    Ok(rows(&runs, creation, many.server.process.resident_mib()?))
}

fn run(
    bench: &Bench<'_>,
    flushes: &mut Flushes,
    [small, many, long]: [&mut Case; 3],
) -> Fallible<Run> {
    let mut times = [const { Vec::new() }; 5];
    for _ in 0..bench.effort.grants.div_ceil(TURN) {
        let turns = [
            flushes.appends(TURN)?,
            flushes.overwrites(TURN)?,
            small.grants(TURN)?,
            many.grants(TURN)?,
            long.grants(TURN)?,
        ];
        times.iter_mut().zip(turns).for_each(|(all, turn)| all.extend(turn));
    }
    let [append, overwrite, small, many, long] = times.map(median);
    Ok(Run { append, overwrite, small, many, long })
}

#[rustfmt::skip]
fn rows(runs: &[Run], creation: f64, memory: f64) -> Vec<Row> {
    let row = |what, base, goal, figures: fn(&Run) -> (f64, f64)| {
        Row::compared(what, "µs", base, goal, runs.iter().map(figures))
    };
    vec![
        row("AddPermission, durable", "append + fdatasync", Goal::Ratio(2.0), |run| (run.append, run.small)),
        row("AddPermission, durable", "overwrite + fdatasync", Goal::None, |run| (run.overwrite, run.small)),
        row("AddPermission, many functions", "one function", Goal::Ratio(1.3), |run| (run.small, run.many)),
        row("AddPermission, the 80th statement", "the first", Goal::Ratio(1.3), |run| (run.small, run.long)),
        Row::alone("many functions: created in", "s", Goal::None, [creation]),
        Row::alone("many functions: resident memory", "MiB", Goal::None, [memory]),
    ]
}
