//! Commits that find the writer free, and run at once on the caller's thread, among those that
//! wait for the writer thread. A task of a multi-threaded runtime commits at once if it can; one of
//! a current-thread runtime never does.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use portcullis_store::Expectation::Unchanged;
use portcullis_store::suite::Faults;
use portcullis_store::{
    CommitError, Key, Revision, SqliteStore, Store, StoreError, Transaction, Watch, Write,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const COMMITTERS: usize = 16;
/// All of them but the one that runs.
const WAITING: u32 = 15;

fn key(text: &str) -> Key {
    Key::try_from(text).unwrap()
}

fn put(at: &str) -> Transaction {
    let write = Write::Put(key(at), at.to_owned().into());
    Transaction { expectations: vec![], writes: vec![write] }
}

/// Runs the work on a current-thread runtime of its own, on a thread of its own.
fn elsewhere<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> std::thread::JoinHandle<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    std::thread::spawn(move || runtime.block_on(work))
}

/// Commits; adds a permit once the commit is waiting in the queue.
async fn commit_and_tell(
    store: Arc<SqliteStore>,
    number: usize,
    queued: Arc<Semaphore>,
) -> Result<Revision, CommitError> {
    let mut commit = store.commit(put(&format!("a/{number:02}")));
    let mut told = false;
    poll_fn(move |context| {
        let outcome = commit.as_mut().poll(context);
        if outcome.is_pending() && !std::mem::replace(&mut told, true) {
            queued.add_permits(1);
        }
        outcome
    })
    .await
}

/// Starts a commit of each committer while nobody gets on: at most one runs, the others wait.
async fn crowd(store: &Arc<SqliteStore>) -> JoinSet<Result<Revision, CommitError>> {
    let (mut tasks, queued) = (JoinSet::new(), Arc::new(Semaphore::new(0)));
    for number in 0..COMMITTERS {
        tasks.spawn(commit_and_tell(Arc::clone(store), number, Arc::clone(&queued)));
    }
    drop(queued.acquire_many(WAITING).await.unwrap());
    tasks
}

/// The keys of all batches up to this revision, in order.
async fn watched(watch: &mut Watch, last: Revision) -> Vec<String> {
    let (mut keys, mut revision) = (Vec::new(), Revision::ZERO);
    while revision < last {
        let batch = watch.next().await.unwrap();
        assert!(batch.revision > revision, "in the order of the revisions");
        revision = batch.revision;
        keys.extend(batch.changes.iter().map(|change| change.key().to_string()));
    }
    keys
}

/// One worker thread: were it blocked by the one that runs, the others would never wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn commits_that_wait_are_flushed_together_and_other_tasks_run_meanwhile() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let store = Arc::new(SqliteStore::open_with_faults(folder.path(), &faults).unwrap());
    faults.hold();
    let tasks = crowd(&store).await;
    faults.release();
    let revisions: Result<Vec<_>, _> = tasks.join_all().await.into_iter().collect();
    assert_eq!(revisions.unwrap().len(), COMMITTERS);
    // The one that ran; those that waited; one that came when these were taken.
    assert!(faults.flushes() <= 3, "{} flushes", faults.flushes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_future_is_dropped_happens_once() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let store = Arc::new(SqliteStore::open_with_faults(folder.path(), &faults).unwrap());
    let mut watch = store.watch(Revision::ZERO).unwrap();
    faults.hold();
    let mut tasks = crowd(&store).await;
    tasks.abort_all();
    faults.release();
    while tasks.join_next().await.is_some() {}

    let last = store.commit(put("b")).await.unwrap();
    let mut seen = watched(&mut watch, last).await;
    assert_eq!(seen.pop().unwrap(), "b", "what was accepted before comes before");
    seen.sort();
    let stored = store.range(&key("a/"), None, usize::MAX).await.unwrap().entries;
    assert_eq!(seen, stored.iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>());
    assert!(seen.len() >= COMMITTERS - 1, "{seen:?}");
}

/// Counts up, from both kinds of runtime: no update is lost, and the watch tells each in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_committers_lose_no_update_and_are_watched_in_order() {
    const EACH: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let mut watch = store.watch(Revision::ZERO).unwrap();
    store.commit(put("n")).await.unwrap();
    let here = [(); 3].map(|()| tokio::spawn(count(Arc::clone(&store), EACH)));
    let there = [(); 3].map(|()| elsewhere(count(Arc::clone(&store), EACH)));
    for task in here {
        task.await.unwrap();
    }
    for thread in there {
        tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
    }
    let last = Revision::new(1 + 6 * EACH);
    assert_eq!(watched(&mut watch, last).await.len() as u64, last.get());
    let found = store.get(&key("n")).await.unwrap().unwrap();
    assert_eq!((found.modified, found.value), (last, (6 * EACH).to_string().into()));
}

async fn count(store: Arc<SqliteStore>, steps: u64) {
    let mut left = steps;
    while left > 0 {
        let seen = store.get(&key("n")).await.unwrap().unwrap();
        let number: u64 = str::from_utf8(&seen.value).unwrap().parse().unwrap_or(0);
        let transaction = Transaction {
            expectations: vec![Unchanged(key("n"), seen.modified)],
            writes: vec![Write::Put(key("n"), (number + 1).to_string().into())],
        };
        match store.commit(transaction).await {
            Ok(_) => left -= 1,
            Err(error) => assert!(matches!(error, CommitError::Conflict), "{error:?}"),
        }
    }
}

/// At most the one that runs when it comes is before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_waits_is_not_overtaken_by_a_stream_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let done = Arc::new(AtomicBool::new(false));
    let (streaming, ended) = (Arc::clone(&store), Arc::clone(&done));
    let stream = tokio::spawn(async move {
        while !ended.load(Ordering::SeqCst) {
            streaming.commit(put("b")).await.unwrap();
        }
    });
    let waiting = Arc::clone(&store);
    let waits = elsewhere(async move {
        for _ in 0..50 {
            let mut commit = pin!(waiting.commit(put("a")));
            let early = commit.as_mut().now_or_never();
            let now = waiting.range(&key("c"), None, 0).await.unwrap().revision;
            let revision = match early {
                Some(outcome) => outcome.unwrap(),
                None => commit.await.unwrap(),
            };
            assert!(revision.get() <= now.get() + 2, "{revision} after {now}");
        }
    });
    tokio::task::spawn_blocking(|| waits.join().unwrap()).await.unwrap();
    done.store(true, Ordering::SeqCst);
    stream.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_waits_for_what_runs_and_refuses_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let store = Arc::new(SqliteStore::open_with_faults(folder.path(), &faults).unwrap());
    faults.hold();
    let tasks = crowd(&store).await;
    let mut close = Box::pin(store.close());
    let early = poll_fn(|context| Poll::Ready(close.as_mut().poll(context).is_ready())).await;
    assert!(!early, "commits are still to be finished");
    faults.release();
    close.await;
    let outcomes = tasks.join_all().await;
    assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() >= COMMITTERS - 1);
    let refused = store.commit(put("b")).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Closed))), "{refused:?}");
    assert!(SqliteStore::open(folder.path()).is_ok(), "the folder is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_copied_in_a_pause_whoever_made_it_long() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let size = || fs::metadata(folder.path().join("store.sqlite3")).unwrap().len();
    let before = size();
    for number in 0..60 {
        let value = vec![7; 30_000].into();
        let write = Write::Put(key(&format!("a/{number}")), value);
        store.commit(Transaction { expectations: vec![], writes: vec![write] }).await.unwrap();
    }
    let copied = async {
        while size() < before + 60 * 30_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), copied).await.unwrap();
}
