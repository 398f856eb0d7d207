//! What SQLite's folder keeps across a close and a restart, and whom it refuses.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use portcullis_store::suite::Faults;
use portcullis_store::{
    CommitError, Entry, Key, Revision, SqliteStore, Store, StoreError, Transaction, Write,
};
use rusqlite::Connection;
use tokio::task::JoinSet;

fn key(text: &str) -> Key {
    Key::try_from(text).unwrap()
}

fn put(at: &str, text: &'static str) -> Transaction {
    writes(Write::Put(key(at), text.into()))
}

fn writes(write: Write) -> Transaction {
    Transaction { expectations: vec![], writes: vec![write] }
}

async fn all(store: &SqliteStore) -> Vec<Entry> {
    store.range(&key("a"), None, usize::MAX).await.unwrap().entries
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    for at in ["a/1", "a/2", "a/1"] {
        store.commit(put(at, at)).await.unwrap();
    }
    let before = all(&store).await;
    drop(store);
    let store = SqliteStore::open(folder.path()).unwrap();
    assert_eq!((before.len(), all(&store).await), (2, before));
}

#[tokio::test]
async fn a_revision_never_comes_back_even_when_its_entry_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    store.commit(put("a", "")).await.unwrap();
    let last = store.commit(writes(Write::Delete(key("a")))).await.unwrap();
    store.close().await;
    let store = SqliteStore::open(folder.path()).unwrap();
    assert!(store.commit(put("a", "")).await.unwrap() > last);
}

#[tokio::test]
async fn a_watch_across_a_restart_is_told_to_scan_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let first = store.commit(put("a", "1")).await.unwrap();
    let last = store.commit(put("a", "2")).await.unwrap();
    store.close().await;
    let store = SqliteStore::open(folder.path()).unwrap();
    let compacted = store.watch(first).unwrap_err();
    assert!(matches!(compacted, StoreError::Compacted { oldest } if oldest == last));
    assert!(store.watch(last).is_ok());
}

#[tokio::test]
async fn closing_finishes_what_was_accepted_and_refuses_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let mut watch = store.watch(Revision::ZERO).unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.commit(put(&format!("a/{n}"), "")).await });
        if n == 32 {
            tokio::task::yield_now().await;
        }
    }
    store.close().await;
    let outcomes = tasks.join_all().await;
    assert!(matches!(
        store.commit(put("a", "")).await,
        Err(CommitError::Store(StoreError::Closed))
    ));
    assert!(matches!(store.get(&key("a")).await, Err(StoreError::Closed)));
    let mut acknowledged = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).count();
    let reopened = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(all(&reopened).await.len(), acknowledged);
    while watch.next().await.is_ok() {
        acknowledged -= 1;
    }
    assert_eq!(acknowledged, 0, "a watch yields what was accepted before it ends");
}

#[test]
fn a_folder_is_open_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(folder.path()).unwrap();
    let second = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(second, StoreError::InUse { .. }));
    assert!(second.to_string().contains("in use by another process"), "{second}");
    drop(first);
    assert!(SqliteStore::open(folder.path()).is_ok());
}

#[test]
fn only_the_owner_reads_the_data() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/data");
    let _store = SqliteStore::open(&folder).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(".."))), (0o700, 0o700));
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn what_a_crash_left_while_the_database_was_made_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    for leftover in ["store.sqlite3.new", "store.sqlite3.new-wal", "store.sqlite3-wal"] {
        fs::write(folder.path().join(leftover), "half").unwrap();
    }
    let store = SqliteStore::open(folder.path()).unwrap();
    store.commit(put("a", "")).await.unwrap();
    store.close().await;
    let names = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["store.lock", "store.sqlite3"]);
    assert_eq!(all(&SqliteStore::open(folder.path()).unwrap()).await.len(), 1);
}

/// Opens a folder whose database was prepared so, and expects a refusal that changes nothing.
#[track_caller]
fn check_refused(prepare: impl FnOnce(&Path), message: &str) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("store.sqlite3");
    prepare(&database);
    let before = fs::read(&database).unwrap();
    let refused = SqliteStore::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains(message), "{refused}");
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn a_database_of_another_kind_is_refused_untouched() {
    let sql = |sql: &'static str| {
        move |path: &Path| Connection::open(path).unwrap().execute_batch(sql).unwrap()
    };
    check_refused(sql("CREATE TABLE theirs (x)"), "made by another program");
    check_refused(sql("PRAGMA application_id = 7"), "made by another program");
    let newer = "PRAGMA application_id = 0x50434c53; PRAGMA user_version = 3";
    check_refused(sql(newer), "schema version 3; this build reads schema version 2");
    let text = |path: &Path| fs::write(path, "no database".repeat(1000)).unwrap();
    check_refused(text, "not a database");
}

#[tokio::test]
async fn people_see_keys_and_values_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let long: &str = "x".repeat(5000).leak();
    for (at, text) in [("a/1", "\x01{\"b\":1}"), ("a/2", "plain"), ("a/3", ""), ("a/4", long)] {
        store.commit(put(at, text)).await.unwrap();
    }
    assert_eq!(all(&store).await.len(), 4);
    let database = Connection::open(folder.path().join("store.sqlite3")).unwrap();
    let mut select = database.prepare("SELECT key, value, size FROM entries").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let rows: Vec<(String, String, u32)> = rows.map(Result::unwrap).collect();
    let want = [("a/1", "{\"b\":1}", 8), ("a/2", "plain", 5), ("a/3", "", 0), ("a/4", long, 5000)];
    assert_eq!(rows, want.map(|(key, value, size)| (key.into(), value.into(), size)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_within_its_bound_under_steady_writing() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let value = bytes::Bytes::from(vec![7; 100_000]);
    for n in 0..200 {
        let write = Write::Put(key(&format!("a/{}", n % 10)), value.clone());
        store.commit(writes(write)).await.unwrap();
    }
    let log = fs::metadata(folder.path().join("store.sqlite3-wal")).unwrap().len();
    assert!(log < 6 * 1024 * 1024, "{log} bytes");
}

/// A database of the version before, whose last commit put entries only, so that the entries alone
/// tell its revision.
#[tokio::test]
async fn a_database_of_the_version_before_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let last = store.commit(put("a", "1")).await.unwrap();
    store.close().await;
    let database = Connection::open(folder.path().join("store.sqlite3")).unwrap();
    database.execute_batch("UPDATE state SET revision = 0; PRAGMA user_version = 1").unwrap();
    drop(database);
    for _ in ["brought to this version", "as it is"] {
        let store = SqliteStore::open(folder.path()).unwrap();
        let page = store.range(&key("a"), None, usize::MAX).await.unwrap();
        assert_eq!((page.revision, page.entries[0].modified), (last, last));
        store.close().await;
    }
    let store = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(store.commit(put("a", "2")).await.unwrap().get(), last.get() + 1);
}

/// The files of a process that was killed now: as they are while the store runs.
fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

#[tokio::test]
async fn what_is_in_the_journal_alone_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    for round in 1..=3 {
        // What an earlier filling left in the file is longer than this one.
        for n in 0..=(4 - round) {
            store.commit(put(&format!("a/{n}"), "value")).await.unwrap();
        }
        store.commit(writes(Write::Delete(key("a/0")))).await.unwrap();
        let killed = copy_of(folder.path());
        let want = store.range(&key("a"), None, usize::MAX).await.unwrap();
        for _ in ["the first time", "again"] {
            let reopened = SqliteStore::open(killed.path()).unwrap();
            let found = reopened.range(&key("a"), None, usize::MAX).await.unwrap();
            assert_eq!(found, want, "round {round}");
        }
    }
}

/// SQLite takes for committed what is in its log, flushed or not: before the journal, which is
/// flushed, begins anew, so must that be.
#[tokio::test]
async fn nothing_is_left_to_the_log_of_a_process_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    store.commit(put("a", "1")).await.unwrap();
    assert_eq!(all(&store).await.len(), 1, "and so in SQLite's log");
    let log = |folder: &Path| fs::metadata(folder.join("store.sqlite3-wal")).unwrap().len();
    assert!(log(folder.path()) > 0);
    let killed = copy_of(folder.path());
    let reopened = SqliteStore::open(killed.path()).unwrap();
    assert_eq!(log(killed.path()), 0);
    assert_eq!(all(&reopened).await.len(), 1);
}

/// That the disk is full may be known only when all is written.
#[tokio::test]
async fn a_group_that_a_full_disk_refused_does_not_come_back() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let store = SqliteStore::open_with_faults(folder.path(), &faults).unwrap();
    store.commit(put("a/1", "kept")).await.unwrap();
    faults.fail_flush(ErrorKind::StorageFull);
    let refused = store.commit(put("a/2", "refused")).await.unwrap_err();
    assert!(matches!(refused, CommitError::Store(StoreError::Io { .. })), "{refused:?}");
    let killed = copy_of(folder.path());
    let reopened = SqliteStore::open(killed.path()).unwrap();
    assert_eq!(all(&reopened).await, all(&store).await);
    let last = store.commit(put("a/3", "later")).await.unwrap();
    assert_eq!((all(&store).await.len(), last.get()), (2, 2), "the store goes on");
}

#[tokio::test]
async fn a_journal_of_another_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let empty = copy_of(folder.path());
    store.commit(put("a", "1")).await.unwrap();
    assert_eq!(all(&store).await.len(), 1);
    store.commit(put("a", "2")).await.unwrap();
    let journal = |folder: &Path| folder.join("store.journal");
    fs::copy(journal(folder.path()), journal(empty.path())).unwrap();
    let refused = SqliteStore::open(empty.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    assert!(refused.to_string().contains("goes on from revision 2, the database ends at 0"));
}

#[tokio::test]
async fn a_damaged_entry_is_an_error_and_not_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    store.commit(put("a", "12345")).await.unwrap();
    assert_eq!(all(&store).await.len(), 1, "and so in the database");
    let database = Connection::open(folder.path().join("store.sqlite3")).unwrap();
    database.execute("UPDATE entry SET size = 6", []).unwrap();
    assert!(matches!(store.get(&key("a")).await, Err(StoreError::Corrupt { .. })));
}
