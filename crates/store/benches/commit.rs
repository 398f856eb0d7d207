//! How long a durable commit takes, against append + fdatasync of the same bytes.
//!
//! `cargo bench -p portcullis-store` prints, for each case, the medians of five runs and their
//! ratio. The two sides of a case take turns, so that a busy disk slows both. A folder on the disk
//! of interest may be given as an argument; the default is the target folder's disk.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_store::{Key, SqliteStore, Store, Transaction, WRITES_MAX, Write};

const RUNS: usize = 5;
const COMMITS_IN_A_RUN: usize = 200;
const SMALL: usize = 300;
const LARGE: usize = 20 * 1024;
const MANY: usize = 10_000;
/// Of the entries that are there besides: about a function's configuration.
const CONFIGURATION: usize = 1400;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let folder = folder.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    println!("{RUNS} runs of {COMMITS_IN_A_RUN}, medians; p99 over all runs; times in µs");
    println!(
        "{:26}{:>10}{:>10}{:>8}{:>10}{:>10}",
        "case", "append", "commit", "ratio", "p99", "p99"
    );
    for keys in [1, MANY] {
        for bytes in [SMALL, LARGE] {
            compare(&folder, keys, bytes).await;
        }
    }
    crowd(&folder, 16).await;
}

/// One committer, who puts random ones of `keys` keys.
async fn compare(folder: &Path, keys: usize, bytes: usize) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("data")).unwrap());
    fill(&store, keys, bytes).await;
    let (mut append, mut commit) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        append.push(append_and_flush(&folder.path().join("log"), bytes));
        let store = Arc::clone(&store);
        commit.push(
            tokio::spawn(async move { put_one_by_one(&store, keys, bytes).await }).await.unwrap(),
        );
    }
    report(&format!("{bytes} B, {keys} keys"), &append, &commit);
    store.close().await;
}

fn report(case: &str, append: &[Vec<Duration>], commit: &[Vec<Duration>]) {
    let (base, own) = (median_of_runs(append), median_of_runs(commit));
    let (base99, own99) = (percentile(append.concat(), 99), percentile(commit.concat(), 99));
    println!("{case:26}{base:10.0}{own:10.0}{:8.2}{base99:10.0}{own99:10.0}", own / base);
}

/// Many committers at once: group commit shares the flushes.
async fn crowd(folder: &Path, committers: usize) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("data")).unwrap());
    fill(&store, MANY, SMALL).await;
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..committers {
            let store = Arc::clone(&store);
            tasks.spawn(async move { put_one_by_one(&store, MANY, SMALL).await });
        }
        tasks.join_all().await;
        let each = start.elapsed() / u32::try_from(committers * COMMITS_IN_A_RUN).unwrap();
        rates.push(each);
    }
    let each = percentile(rates, 50);
    println!(
        "{committers} committers, {SMALL} B: {each:.0} µs a commit, {:.0} commits/s",
        1e6 / each
    );
    store.close().await;
}

async fn fill(store: &SqliteStore, keys: usize, bytes: usize) {
    let puts =
        |n| [Write::Put(policy(n), value(bytes)), Write::Put(function(n), value(CONFIGURATION))];
    let all: Vec<Write> = (0..keys).flat_map(puts).collect();
    let chunk = if bytes == SMALL { WRITES_MAX } else { WRITES_MAX / 2 };
    for writes in all.chunks(chunk) {
        let transaction = Transaction { expectations: vec![], writes: writes.to_vec() };
        store.commit(transaction).await.unwrap();
    }
}

fn append_and_flush(path: &Path, bytes: usize) -> Vec<Duration> {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let record = vec![b'x'; bytes];
    let append = || {
        let start = Instant::now();
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
        start.elapsed()
    };
    std::iter::repeat_with(append).take(COMMITS_IN_A_RUN).collect()
}

async fn put_one_by_one(store: &SqliteStore, keys: usize, bytes: usize) -> Vec<Duration> {
    let mut times = Vec::with_capacity(COMMITS_IN_A_RUN);
    for n in 0..COMMITS_IN_A_RUN {
        let write = Write::Put(policy(n * 7919 % keys), changed(n, bytes));
        let transaction = Transaction { expectations: vec![], writes: vec![write] };
        let start = Instant::now();
        store.commit(transaction).await.unwrap();
        times.push(start.elapsed());
    }
    times
}

fn function(n: usize) -> Key {
    Key::try_from(format!("fn/123456789012/us-east-1/function-{n:05}")).unwrap()
}

fn policy(n: usize) -> Key {
    Key::try_from(format!("policy/123456789012/us-east-1/function-{n:05}/_")).unwrap()
}

fn value(bytes: usize) -> bytes::Bytes {
    vec![b'x'; bytes].into()
}

fn median_of_runs(runs: &[Vec<Duration>]) -> f64 {
    let medians = runs.iter().map(|run| percentile(run.clone(), 50));
    percentile(medians.map(|micros| Duration::from_secs_f64(micros / 1e6)).collect(), 50)
}

/// In microseconds.
fn percentile(mut times: Vec<Duration>, percent: usize) -> f64 {
    times.sort_unstable();
    times.get(times.len() * percent / 100).unwrap().as_secs_f64() * 1e6
}

/// A policy as it is after its n-th change: the front (a revision) and the end (a statement) are
/// new, what is between them is as it was, and the size differs a little.
fn changed(n: usize, bytes: usize) -> bytes::Bytes {
    let same = "x".repeat(bytes - 250 - n % 8);
    format!("{n:050}{same}{n:0200}").into()
}
