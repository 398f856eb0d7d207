//! The failing backend: SQLite or the journal fails at the n-th step of a commit, for every n.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::ErrorKind;

use portcullis_store::suite::Faults;
use portcullis_store::{
    CommitError, Entry, Key, Revision, SqliteStore, Store, StoreError, Transaction, Write,
};

fn key(text: &str) -> Key {
    Key::try_from(text).unwrap()
}

fn writes(writes: impl Into<Vec<Write>>) -> Transaction {
    Transaction { expectations: vec![], writes: writes.into() }
}

fn put(at: &str, size: usize) -> Write {
    Write::Put(key(at), vec![7; size].into())
}

/// Every kind of write, over several pages, and keys that no other attempt asks for.
fn many_writes(attempt: u64) -> Transaction {
    let unknown = ["a", "b", "c"].map(|name| Write::Delete(key(&format!("a/{name}/{attempt}"))));
    let [a, b, c] = unknown;
    let large = put("a/large", 30_000);
    let old = Write::DeletePrefix(key("a/old/"));
    writes([a, put("a/1", 10), large, b, Write::Delete(key("a/2")), old, c])
}

async fn state(store: &SqliteStore) -> (Vec<Entry>, Revision) {
    let page = store.range(&key("a/"), None, usize::MAX).await.unwrap();
    (page.entries, page.revision)
}

fn is_definite(error: &CommitError) -> bool {
    matches!(error, CommitError::Store(StoreError::Io { .. }))
}

#[tokio::test]
async fn a_commit_that_fails_at_any_step_leaves_nothing_and_later_ones_work() {
    fail_at_every_step().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_one_that_runs_at_once() {
    fail_at_every_step().await;
}

async fn fail_at_every_step() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let store = SqliteStore::open_with_faults(folder.path(), &faults).unwrap();
    let before = [put("a/1", 5), put("a/2", 5), put("a/old/1", 5), put("a/old/2", 9000)];
    store.commit(writes(before)).await.unwrap();
    let mut watch = store.watch(state(&store).await.1).unwrap();

    let mut failures = 0;
    for step in 1.. {
        let before = state(&store).await;
        faults.fail_at(step);
        let outcome = store.commit(many_writes(step)).await;
        faults.disarm();
        let Err(error) = outcome else { break }; // past the last step
        failures += 1;
        assert!(is_definite(&error), "at step {step}: {error:?}");
        assert!(state(&store).await == before, "step {step} left something");
        let revision = store.commit(writes([put("b", 1)])).await.unwrap();
        assert_eq!(watch.next().await.unwrap().revision, revision, "only real commits are seen");
    }
    assert!(failures > 40, "{failures} steps");
    assert_eq!(watch.next().await.unwrap().changes.len(), 5);

    let after = state(&store).await;
    drop(store);
    assert_eq!(state(&SqliteStore::open(folder.path()).unwrap()).await, after);
}

#[tokio::test]
async fn a_failed_commit_is_not_there_after_a_restart() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    for step in [1, 10, 20] {
        let store = SqliteStore::open_with_faults(folder.path(), &faults).unwrap();
        store.commit(writes([put("a/0", 1)])).await.unwrap(); // the writer has started
        let before = state(&store).await;
        faults.fail_at(step);
        assert!(is_definite(&store.commit(many_writes(step)).await.unwrap_err()));
        drop(store);
        assert_eq!(state(&SqliteStore::open(folder.path()).unwrap()).await, before);
    }
}

/// What is in the journal stays there until the database has it.
#[tokio::test]
async fn what_the_database_cannot_take_is_taken_later() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let store = SqliteStore::open_with_faults(folder.path(), &faults).unwrap();
    let mut failures = 0;
    for step in 1.. {
        let last = store.commit(many_writes(step)).await.unwrap();
        faults.fail_at(step);
        let listed = store.range(&key("a/"), None, usize::MAX).await;
        faults.disarm();
        assert_eq!(state(&store).await.1, last, "after step {step}");
        match listed {
            Ok(page) => {
                assert_eq!(page.revision, last);
                break; // past the last step
            }
            Err(error) => assert!(matches!(error, StoreError::Io { .. }), "{error:?}"),
        }
        failures += 1;
    }
    assert!(failures > 60, "{failures} steps");
}

#[tokio::test]
async fn after_a_flush_that_failed_nothing_is_taken_until_a_restart() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let store = SqliteStore::open_with_faults(folder.path(), &faults).unwrap();
    store.commit(writes([put("a/1", 5)])).await.unwrap();
    faults.fail_flush(ErrorKind::Other);
    let unproven = store.commit(writes([put("a/2", 5)])).await.unwrap_err();
    assert!(matches!(unproven, CommitError::Store(StoreError::Unavailable { .. })), "{unproven:?}");
    let refused = store.commit(writes([put("a/3", 5)])).await.unwrap_err();
    assert!(matches!(refused, CommitError::Store(StoreError::Closed)), "{refused:?}");
    drop(store);
    let (entries, revision) = state(&SqliteStore::open(folder.path()).unwrap()).await;
    assert_eq!(entries[0].key, key("a/1"));
    // The one without proof was written whole or not at all.
    assert!((1..=2).contains(&entries.len()) && revision.get() == entries.len() as u64);
}
