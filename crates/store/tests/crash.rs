//! A process that is killed, or whose disk is full, has lost nothing that it acknowledged.
//!
//! The process is this test program again: it runs one of the ignored tests below, which commit in
//! a loop and print each acknowledged number on standard error. `kill -9` does not test the flush
//! itself (the kernel keeps what was written): that is the promise of `O_DSYNC` for the journal, and
//! SQLite's for `synchronous=FULL`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use portcullis_store::{CommitError, Key, SqliteStore, Store, StoreError, Transaction, Write};
use tokio::task::JoinSet;

const FOLDER: &str = "STORE_TEST_FOLDER";
const ROUNDS: usize = 8;
const COMMITTERS: u64 = 4;

/// A commit whose value tells whether it is whole: two keys, the number and a long tail.
fn commit_of(round: &str, number: u64) -> Transaction {
    let value = format!("{number} {}", "x".repeat(3000));
    let put = |half: &str| {
        let key = format!("a/{round}/{number:06}/{half}");
        Write::Put(Key::try_from(key).unwrap(), value.clone().into())
    };
    Transaction { expectations: vec![], writes: vec![put("left"), put("right")] }
}

/// Starts this program again to run one ignored test, through `sh` with this set-up.
fn start(test: &str, setup: &str, folder: &Path) -> Child {
    let program = std::env::current_exe().unwrap();
    let script = format!("{setup} exec \"$0\" --exact {test} --ignored --nocapture");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(program).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn acknowledged(child: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("ok ")?.parse().ok())
}

/// Every acknowledged commit is there, and every commit that is there is whole.
async fn check_nothing_lost(folder: &Path, round: &str, acknowledged: &[u64]) {
    let store = SqliteStore::open(folder).unwrap();
    let prefix = Key::try_from(format!("a/{round}/")).unwrap();
    let mut keys = Vec::new();
    loop {
        let after = keys.last().cloned();
        let page = store.range(&prefix, after.as_ref(), usize::MAX).await.unwrap();
        keys.extend(page.entries.into_iter().map(|entry| entry.key));
        if !page.more {
            break;
        }
    }
    assert!(keys.len().is_multiple_of(2), "a half of a commit");
    for &number in acknowledged {
        for key in commit_of(round, number).writes.iter().map(Write::key) {
            assert!(keys.contains(key), "acknowledged {key} is lost");
        }
    }
}

#[tokio::test]
async fn kill_nine_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let mut child = start("commits_until_killed", "", folder.path());
        let mut lines = acknowledged(&mut child);
        let mut numbers: Vec<u64> = lines.by_ref().take(1 + round * 37).collect();
        child.kill().unwrap(); // SIGKILL, while the others are in flight
        numbers.extend(lines);
        child.wait().unwrap();
        assert!(numbers.len() > round * 37, "the child ended by itself");
        let round = numbers[0].to_string();
        check_nothing_lost(folder.path(), &round, &numbers[1..]).await;
    }
}

/// The limit is on the size of a file: SQLite's own write fails, in the middle of its log.
#[tokio::test]
async fn a_log_that_cannot_grow_loses_nothing_and_the_store_says_so() {
    let tests = ["commits_until_refused", "commits_at_once_until_refused"];
    for (blocks, test) in [200, 301, 402, 1003].into_iter().flat_map(|b| tests.map(|t| (b, t))) {
        let folder = tempfile::tempdir().unwrap();
        let setup = format!("trap '' XFSZ; ulimit -f {blocks};");
        let mut child = start(test, &setup, folder.path());
        let numbers: Vec<u64> = acknowledged(&mut child).collect();
        assert!(child.wait().unwrap().success(), "the child's own checks");
        assert!(!numbers.is_empty());
        check_nothing_lost(folder.path(), "full", &numbers).await;
    }
}

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).expect("the folder is given by the parent").into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a child process of the law above, until it is killed"]
async fn commits_until_killed() {
    let store = Arc::new(SqliteStore::open(&folder()).unwrap());
    // The store's revision tells the rounds apart.
    let all = Key::try_from("a/").unwrap();
    let round = store.range(&all, None, 0).await.unwrap().revision.get();
    eprintln!("ok {round}");
    let mut committers = JoinSet::new();
    for first in 0..COMMITTERS {
        let store = Arc::clone(&store);
        committers.spawn(async move {
            for number in (first..).step_by(4) {
                store.commit(commit_of(&round.to_string(), number)).await.unwrap();
                eprintln!("ok {number}");
            }
        });
    }
    committers.join_all().await;
}

#[tokio::test]
#[ignore = "runs in a child process of the law above, with a limit on the size of files"]
async fn commits_until_refused() {
    commit_until_refused().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "as the one above, on the caller's thread"]
async fn commits_at_once_until_refused() {
    commit_until_refused().await;
}

async fn commit_until_refused() {
    let store = SqliteStore::open(&folder()).unwrap();
    let mut number = 0;
    let refused = loop {
        match store.commit(commit_of("full", number)).await {
            Ok(_) => eprintln!("ok {number}"),
            Err(error) => break error,
        }
        number += 1;
    };
    let CommitError::Store(refused) = refused else { unreachable!("{refused:?}") };
    let next = store.commit(commit_of("full", number + 1)).await;
    match refused {
        // No proof either way: the store must not go on as if nothing had happened.
        StoreError::Unavailable { .. } => {
            assert!(matches!(next, Err(CommitError::Store(StoreError::Closed))), "{next:?}");
        }
        StoreError::Io { .. } => {
            assert!(!matches!(next, Err(CommitError::Store(StoreError::Unavailable { .. }))));
        }
        other => unreachable!("{other:?}"),
    }
}
