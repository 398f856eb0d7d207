//! Sealed values: the contract holds through the seal, and nothing below it shows what is sealed.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;
use std::sync::Arc;

use portcullis_store::suite::MemoryStore;
use portcullis_store::{
    Entry, Key, SealedStore, SealingKey, SqliteStore, Store, StoreError, Transaction, Write,
    is_sealed,
};

const PREFIXES: &[&str] = &["secret/", "one"];

async fn everything() -> (Arc<SealedStore>, ()) {
    let store = Arc::new(MemoryStore::default());
    let sealed = SealedStore::open(store, SealingKey::generate().unwrap(), &[""]).await.unwrap();
    (Arc::new(sealed), ())
}

// Not those with the largest values: a sealed one is 41 bytes longer.
portcullis_store::laws! { everything;
    an_empty_store_holds_nothing,
    a_put_is_read_back_with_its_revisions,
    a_range_holds_the_prefix_in_order,
    a_range_continues_above_the_key_it_is_given,
    a_transaction_is_applied_only_if_every_expectation_holds,
    expectations_are_about_the_state_before_the_writes,
    revisions_only_grow_and_only_with_changes,
    deleting_a_prefix_removes_its_keys_and_no_others,
    a_key_is_written_once_in_a_transaction,
    one_of_many_with_the_same_expectation_wins,
    concurrent_commits_to_distinct_keys_are_all_there,
    a_conflict_does_not_spoil_its_neighbours,
    concurrent_increments_are_all_counted,
    a_page_is_of_its_revision_while_others_commit,
    a_watch_yields_each_commit_once_and_in_order,
    a_watch_continues_a_scan_without_a_gap,
    a_wait_that_is_dropped_loses_nothing,
}

fn key(text: &str) -> Key {
    Key::try_from(text).unwrap()
}

async fn put(store: &dyn Store, values: &[(&str, &str)]) {
    let writes =
        values.iter().map(|(at, text)| Write::Put(key(at), text.as_bytes().to_vec().into()));
    let transaction = Transaction { writes: writes.collect(), ..Transaction::default() };
    store.commit(transaction).await.unwrap();
}

async fn read(store: &dyn Store, at: &str) -> Entry {
    store.get(&key(at)).await.unwrap().unwrap()
}

fn sealing_key(byte: char) -> SealingKey {
    format!("{}=", byte.to_string().repeat(43)).parse().unwrap()
}

async fn sealed(store: &Arc<MemoryStore>, key: SealingKey) -> Result<SealedStore, StoreError> {
    SealedStore::open(store.clone(), key, PREFIXES).await
}

#[tokio::test]
async fn only_what_is_under_a_prefix_is_sealed_and_only_there_it_opens() {
    let below = Arc::new(MemoryStore::default());
    let store = sealed(&below, sealing_key('A')).await.unwrap();
    put(&store, &[("secret/a", "\u{1}a"), ("secret/b", "\u{1}b"), ("open", "\u{1}c")]).await;
    assert_eq!(read(&store, "secret/a").await.value, "\u{1}a");
    let (a, b) = (read(&*below, "secret/a").await.value, read(&*below, "secret/b").await.value);
    assert_eq!((a.len(), a.first()), (1 + 24 + 2 + 16, Some(&2)));
    assert_eq!(read(&*below, "open").await.value, "\u{1}c");

    let swap = vec![Write::Put(key("secret/a"), b.clone()), Write::Put(key("secret/b"), a)];
    below.commit(Transaction { writes: swap, ..Transaction::default() }).await.unwrap();
    assert_eq!(read(&store, "secret/a").await.value, b, "another's value does not open");
}

#[tokio::test]
async fn what_was_open_is_sealed_and_another_key_opens_nothing() {
    let below = Arc::new(MemoryStore::default());
    put(&*below, &[("secret/a", "\u{1}a"), ("secret/b", ""), ("one", "\u{1}c"), ("other", "d")])
        .await;
    let created = read(&*below, "secret/a").await.created;
    let store = sealed(&below, sealing_key('A')).await.unwrap();
    assert_eq!(read(&store, "secret/a").await.value, "\u{1}a", "readable before, too");
    assert_eq!(store.seal_all().await.unwrap(), 3);
    // As after a crash: not finished, and with another key.
    let other = sealed(&below, sealing_key('E')).await.unwrap();
    assert!(matches!(other.seal_all().await, Err(StoreError::WrongSealingKey)));
    assert_eq!(store.seal_all().await.unwrap(), 0, "nothing is sealed twice");
    assert!(!is_sealed(&*below).await.unwrap());
    store.finish().await.unwrap();
    store.finish().await.unwrap();
    assert!(is_sealed(&*below).await.unwrap());
    let entry = read(&store, "secret/a").await;
    assert_eq!((entry.value.as_ref(), entry.created), (&b"\x01a"[..], created));
    let wrong = sealed(&below, sealing_key('E')).await;
    assert!(matches!(wrong, Err(StoreError::WrongSealingKey)));
    assert!(sealed(&below, sealing_key('A')).await.is_ok());
}

/// Whether a file of the folder has the text in it.
fn shows(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| std::fs::read(path).unwrap())
        .any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_store_shows_nothing_of_what_was_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    put(&*store, &[("secret/a", "the first secret"), ("secret/gone", "the second secret")]).await;
    let gone = vec![Write::Delete(key("secret/gone"))];
    store.commit(Transaction { writes: gone, ..Transaction::default() }).await.unwrap();
    assert!(shows(folder.path(), "the first secret") && shows(folder.path(), "the second secret"));
    let sealed = SealedStore::open(store.clone(), sealing_key('A'), PREFIXES).await.unwrap();
    sealed.seal_all().await.unwrap();
    let revision = read(&sealed, "secret/a").await.modified;
    drop(sealed);
    store.close().await;
    SqliteStore::rewrite(folder.path()).unwrap();
    assert!(
        !shows(folder.path(), "the first secret") && !shows(folder.path(), "the second secret")
    );
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let sealed = SealedStore::open(store, sealing_key('A'), PREFIXES).await.unwrap();
    let entry = read(&sealed, "secret/a").await;
    assert_eq!((entry.value.as_ref(), entry.modified), (&b"the first secret"[..], revision));
}

#[test]
fn a_sealing_key_is_32_bytes_and_does_not_show() {
    let key = SealingKey::generate().unwrap();
    assert_eq!(key.expose().parse::<SealingKey>().unwrap().expose(), key.expose());
    assert!(format!("{key:?}") == "SealingKey(…)");
    for text in ["", "AAAA", &key.expose()[1..], &format!("{}AAAA", key.expose())] {
        assert!(text.parse::<SealingKey>().is_err(), "{text}");
    }
}
