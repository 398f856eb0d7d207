//! What it costs to have very many functions: reads of one, pages of a list at its start and its end,
//! the start of the server, and the memory that each takes beyond what it says itself.

use std::{path::Path, thread, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use portcullis_store::{Entry, Key, SqliteStore, Store as _, Transaction, WRITES_MAX, Write};

use super::{Bench, micros};
use crate::{
    Fallible,
    load::Plan,
    report::{Goal, Row},
    say,
    server::Server,
    session,
    wire::Call,
};

const CONNECTIONS: usize = 16;

/// Different requests in a plan, each about another function.
const REQUESTS: usize = 64;

/// How often the sides take turns in a run.
const TURNS: u32 = 8;

const FEW: usize = 100;
const MANY: usize = 100_000;

/// Functions on a page of a list.
const PAGE: usize = 50;

/// The key of the function, which all others are copies of, and of all that belongs to it.
const ROOT: &str = "fn/";

const START_MS_MAX: f64 = 2000.0;
const BEYOND_KIB_MAX: f64 = 3.0;

/// A server with functions.
struct Side {
    server: Server,
    functions: usize,
    /// What the entries of one function have in the store, in KiB.
    own: f64,
    /// Where the last page begins.
    last_page: String,
}

/// One run: microseconds of processor time a request, on few functions and on many.
#[derive(Default)]
struct Run {
    function: (f64, f64),
    policy: (f64, f64),
    first_page: (f64, f64),
    /// The first and the last page of many.
    pages: (f64, f64),
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    say!("Functions: writing {MANY} functions, each with a policy");
    let few = Side::new(bench, "few-functions", FEW)?;
    let mut many = Side::new(bench, "many-functions", MANY)?;
    let mut starts = Vec::new();
    for _ in 0..bench.effort.runs {
        many = many.started_again(bench)?;
        starts.push(many.server.first_answer.as_secs_f64() * 1e3);
    }
    let added = many.server.process.resident_mib()? - few.server.process.resident_mib()?;
    let each = added * 1024.0 / f64::from(u32::try_from(MANY - FEW)?);
    say!("Reads at {CONNECTIONS} connections, with few and many functions in turns");
    let mut runs = Vec::new();
    for run in 0..=bench.effort.runs {
        let spent = spent(bench, &few, &many)?;
        if run > 0 {
            runs.push(spent); // The first only warms up.
        }
    }
    Ok(rows(&runs, starts, each - many.own))
}

#[rustfmt::skip]
fn rows(runs: &[Run], starts: Vec<f64>, beyond: f64) -> Vec<Row> {
    let row = |what, base, figures: fn(&Run) -> (f64, f64)| {
        Row::compared(what, "µs", base, Goal::Ratio(1.2), runs.iter().map(figures))
    };
    vec![
        row("GetFunction, many functions: processor time a request", "few functions", |run| run.function),
        row("GetPolicy, many functions: processor time a request", "few functions", |run| run.policy),
        row("ListFunctions, first page of many: processor time a request", "few functions", |run| run.first_page),
        row("ListFunctions, last page of many: processor time a request", "first page", |run| run.pages),
        Row::alone("first answer after start, many functions", "ms", Goal::Most(START_MS_MAX), starts),
        Row::alone("memory of a function beyond its own data", "KiB", Goal::Most(BEYOND_KIB_MAX), [beyond]),
    ]
}

fn name(number: usize) -> String {
    format!("function-{number:06}")
}

impl Side {
    /// One function is created as clients do, with a grant; the others are copies of its entries.
    fn new(bench: &Bench<'_>, folder: &str, functions: usize) -> Fallible<Self> {
        let (first, mut session) = bench.start(folder)?;
        bench.deploy(&mut session, &name(0))?;
        session.add_permission(&name(0), "statement")?;
        let (root, data_dir) = (first.root.clone(), first.data_dir.clone());
        drop((session, first));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let own = runtime.block_on(multiply(&data_dir, functions))?;
        let server = Server::start(bench.server, &data_dir, Some(root))?;
        let last_page = last_page(&server, functions)?;
        Ok(Self { server, functions, own, last_page })
    }

    fn started_again(self, bench: &Bench<'_>) -> Fallible<Self> {
        let (root, data_dir) = (self.server.root.clone(), self.server.data_dir.clone());
        drop(self.server);
        Ok(Self { server: Server::start(bench.server, &data_dir, Some(root))?, ..self })
    }

    /// Requests about functions all over the list.
    fn about_functions(&self, call: impl Fn(&str) -> Call) -> Fallible<Vec<String>> {
        let stride = (self.functions / REQUESTS).max(1);
        let numbers = (0..REQUESTS).map(|number| number * stride % self.functions);
        numbers.map(|number| signed(&self.server, &call(&name(number)))).collect()
    }
}

fn signed(server: &Server, call: &Call) -> Fallible<String> {
    Ok(String::from_utf8(call.sign(server.address, &server.root, Timestamp::now())?)?)
}

/// Writes copies of the one function in the store; the size of one, in KiB.
async fn multiply(data_dir: &Path, functions: usize) -> Fallible<f64> {
    let store = SqliteStore::open(data_dir)?;
    let template = store.range(&Key::try_from(ROOT)?, None, WRITES_MAX).await?.entries;
    let bytes: usize = template.iter().map(|one| one.key.as_bytes().len() + one.value.len()).sum();
    let batch = WRITES_MAX / template.len().max(1);
    for first in (1..functions).step_by(batch) {
        let numbers = first..(first + batch).min(functions);
        let writes = numbers.flat_map(|number| template.iter().map(move |one| copy(one, number)));
        let writes = writes.collect::<Fallible<_>>()?;
        store.commit(Transaction { writes, ..Transaction::default() }).await?;
    }
    store.close().await;
    Ok(f64::from(u32::try_from(bytes)?) / 1024.0)
}

/// An entry of the first function as that of another one. Every name is as long.
fn copy(entry: &Entry, number: usize) -> Fallible<Write> {
    let renamed = |bytes: &[u8]| -> Fallible<Bytes> {
        Ok(std::str::from_utf8(bytes)?.replace(&name(0), &name(number)).into())
    };
    Ok(Write::Put(Key::new(renamed(entry.key.as_bytes())?)?, renamed(&entry.value)?))
}

/// Goes through the list; the path of its last page.
fn last_page(server: &Server, functions: usize) -> Fallible<String> {
    let mut session = server.session()?;
    let (mut path, mut seen) = (session::functions_page(PAGE, None), 0);
    loop {
        let (count, next) = session.list_functions(&path)?;
        seen += count;
        match next {
            Some(marker) => path = session::functions_page(PAGE, Some(&marker)),
            None if seen == functions => return Ok(path),
            None => return Err(format!("{seen} functions in the list of {functions}").into()),
        }
    }
}

/// Loads both sides in turns.
fn spent(bench: &Bench<'_>, few: &Side, many: &Side) -> Fallible<Run> {
    let mut run = Run::default();
    let page = |side: &Side, path: &str| Ok(vec![signed(&side.server, &session::read(path))?]);
    let first = session::functions_page(PAGE, None);
    for _ in 0..TURNS {
        for (of, side) in [(0, few), (1, many)] {
            let add = |figures: &mut (f64, f64), requests: Fallible<Vec<String>>| {
                let figure = if of == 0 { &mut figures.0 } else { &mut figures.1 };
                *figure += load(bench, &side.server, requests?)? / f64::from(TURNS);
                Fallible::Ok(())
            };
            add(&mut run.function, side.about_functions(session::get_function))?;
            add(&mut run.policy, side.about_functions(session::get_policy))?;
            add(&mut run.first_page, page(side, &first))?;
        }
        let last = page(many, &many.last_page)?;
        run.pages.1 += load(bench, &many.server, last)? / f64::from(TURNS);
    }
    run.pages.0 = run.first_page.1;
    Ok(run)
}

/// Processor time a request, in microseconds.
fn load(bench: &Bench<'_>, server: &Server, requests: Vec<String>) -> Fallible<f64> {
    let (address, time) = (server.address, bench.effort.load / TURNS);
    let before = server.process.cpu_time()?;
    let seen = Plan { address, connections: CONNECTIONS, time, requests }.run()?;
    // What was recorded last is yet to be written.
    thread::sleep(Duration::from_millis(30));
    Ok(micros(server.process.cpu_time()?.saturating_sub(before)) / seen.requests)
}
