//! Laws of the watch.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Subject, commit, get, key, page, put};
use crate::{Change, Entry, Key, Revision, StoreError, VALUE_BYTES_MAX, Watch, Write};

/// With whole entries, and only what really changed.
pub async fn a_watch_yields_each_commit_once_and_in_order(store: Subject) {
    let first = commit(&store, [put("a/1", "x"), put("a/2", "y")]).await;
    let mut from_start = store.watch(Revision::ZERO).unwrap();
    let mut from_first = store.watch(first).unwrap();
    commit(&store, [Write::Delete(key("nothing"))]).await;
    let second = commit(&store, [Write::DeletePrefix(key("a/")), put("b", "z")]).await;

    let batch = from_start.next().await.unwrap();
    assert_eq!((batch.revision, keys(&batch.changes)), (first, vec![key("a/1"), key("a/2")]));
    for watch in [&mut from_start, &mut from_first] {
        let batch = watch.next().await.unwrap();
        assert_eq!(batch.revision, second);
        assert_eq!(keys(&batch.changes), [key("a/1"), key("a/2"), key("b")]);
        assert!(batch.changes.contains(&Change::Put(get(&store, "b").await.unwrap())));
        assert!(watch.next().now_or_never().is_none(), "nothing else was committed");
    }
}

fn keys(changes: &[Change]) -> Vec<Key> {
    let mut keys: Vec<_> = changes.iter().map(|change| change.key().clone()).collect();
    keys.sort();
    keys
}

/// What is read in pages while others write, then followed to the last commit, is what is stored.
pub async fn a_watch_continues_a_scan_without_a_gap(store: Subject) {
    const COMMITS: usize = 300;
    let writer = Arc::clone(&store);
    let writing = tokio::spawn(async move {
        let mut last = Revision::ZERO;
        for n in 0..COMMITS {
            let at = format!("a/{}", n % 37);
            let write = if n % 5 == 4 { Write::Delete(key(&at)) } else { put(&at, &n.to_string()) };
            last = commit(&writer, [write]).await;
        }
        last
    });
    let (mut view, mut watch) = scan(&store).await;
    let last = writing.await.unwrap();
    while view.revision < last {
        view.follow(&mut watch).await;
    }
    let stored = page(&store, "a/", None, COMMITS).await.entries;
    assert_eq!(view.entries.into_values().collect::<Vec<_>>(), stored);
}

/// A copy of the store, as a reader keeps it.
struct View {
    entries: BTreeMap<Key, Entry>,
    revision: Revision,
}

impl View {
    async fn follow(&mut self, watch: &mut Watch) {
        let batch = watch.next().await.unwrap();
        for change in batch.changes.iter().cloned() {
            match change {
                Change::Put(entry) => drop(self.entries.insert(entry.key.clone(), entry)),
                Change::Delete(key) => drop(self.entries.remove(&key)),
            }
        }
        self.revision = batch.revision;
    }
}

/// Reads everything in small pages, and watches from the first page on.
async fn scan(store: &Subject) -> (View, Watch) {
    let mut found = page(store, "a/", None, 3).await;
    let watch = store.watch(found.revision).unwrap();
    let mut view = View { entries: BTreeMap::new(), revision: found.revision };
    loop {
        let last = found.entries.last().map(|entry| entry.key.to_string());
        view.entries.extend(found.entries.into_iter().map(|entry| (entry.key.clone(), entry)));
        if !found.more {
            return (view, watch);
        }
        found = page(store, "a/", last.as_deref(), 3).await;
    }
}

/// A reader may wait for several things at once and drop the ones that came later.
pub async fn a_wait_that_is_dropped_loses_nothing(store: Subject) {
    let mut watch = store.watch(Revision::ZERO).unwrap();
    {
        let mut wait = pin!(watch.next());
        assert!((&mut wait).now_or_never().is_none());
        commit(&store, [put("a", "")]).await;
    }
    let batch = watch.next().await.unwrap();
    assert_eq!(keys(&batch.changes), [key("a")]);
}

/// A reader that fell behind is told, and never skips silently.
pub async fn an_overrun_history_is_compacted(store: Subject) {
    const COMMITS_ENOUGH: usize = 32;
    let mut behind = store.watch(Revision::ZERO).unwrap();
    let large = bytes::Bytes::from(vec![0; VALUE_BYTES_MAX]);
    let mut last = Revision::ZERO;
    for _ in 0..COMMITS_ENOUGH {
        last = commit(&store, [Write::Put(key("a"), large.clone())]).await;
    }
    let compacted = |error| matches!(error, StoreError::Compacted { oldest } if oldest <= last);
    assert!(compacted(store.watch(Revision::ZERO).unwrap_err()));
    assert!(compacted(behind.next().await.unwrap_err()));
    assert!(store.watch(last).is_ok());
}
