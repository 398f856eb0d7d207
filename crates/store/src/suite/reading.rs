//! Laws of get and range.

use super::{Subject, commit, get, key, keys, page, put};
use crate::{
    Entry, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Revision, VALUE_BYTES_MAX, WRITES_MAX, Write,
};

/// Nothing is there before the first write.
pub async fn an_empty_store_holds_nothing(store: Subject) {
    assert_eq!(get(&store, "a").await, None);
    let found = page(&store, "a", None, 10).await;
    assert_eq!((found.entries, found.revision, found.more), (vec![], Revision::ZERO, false));
}

/// `created` is of the incarnation, `modified` of the last put.
pub async fn a_put_is_read_back_with_its_revisions(store: Subject) {
    let entry = |text: &'static str, created, modified| {
        Some(Entry { key: key("a"), value: text.into(), created, modified })
    };
    let first = commit(&store, [put("a", "one")]).await;
    assert_eq!(get(&store, "a").await, entry("one", first, first));
    let second = commit(&store, [put("a", "")]).await;
    assert_eq!(get(&store, "a").await, entry("", first, second));
    commit(&store, [Write::Delete(key("a"))]).await;
    assert_eq!(get(&store, "a").await, None);
    let third = commit(&store, [put("a", "three")]).await;
    assert_eq!(get(&store, "a").await, entry("three", third, third));
}

/// Keys compare as bytes; a prefix is a prefix of bytes, not of path segments.
pub async fn a_range_holds_the_prefix_in_order(store: Subject) {
    let made = ["b", "a/", "a/1", "a", "a/10", "a/2", "a0", "A/1"].map(|at| put(at, at));
    let revision = commit(&store, made).await;
    let found = page(&store, "a/", None, 10).await;
    assert_eq!(keys(&found), ["a/", "a/1", "a/10", "a/2"]);
    assert_eq!((found.revision, found.more), (revision, false));
    assert!(found.entries.iter().all(|entry| entry.value == entry.key.as_bytes()));
    assert_eq!(keys(&page(&store, "c", None, 10).await), [""; 0]);
}

/// `after` is exclusive, need not exist, and never widens the prefix.
pub async fn a_range_continues_above_the_key_it_is_given(store: Subject) {
    commit(&store, ["a/1", "a/2", "a/3", "b"].map(|at| put(at, ""))).await;
    let check = async |after, limit, want: &[&str], more| {
        let found = page(&store, "a/", after, limit).await;
        assert_eq!(
            (keys(&found), found.more),
            (want.iter().map(ToString::to_string).collect(), more)
        );
    };
    check(None, 2, &["a/1", "a/2"], true).await;
    check(Some("a/2"), 2, &["a/3"], false).await;
    check(Some("a/1"), 2, &["a/2", "a/3"], false).await;
    check(Some("a/11"), 1, &["a/2"], true).await;
    check(Some("A"), 1, &["a/1"], true).await;
    check(Some("a/3"), 2, &[], false).await;
    check(Some("z"), 2, &[], false).await;
    check(None, 0, &[], true).await;
    check(Some("a/3"), 0, &[], false).await;
}

/// However much is asked for; and every page makes progress.
pub async fn a_page_is_bounded_in_entries_and_bytes(store: Subject) {
    let names: Vec<String> = (0..=PAGE_ENTRIES_MAX).map(|n| format!("n/{n:05}")).collect();
    for names in names.chunks(WRITES_MAX) {
        commit(&store, names.iter().map(|name| put(name, "")).collect::<Vec<_>>()).await;
    }
    let found = page(&store, "n/", None, usize::MAX).await;
    assert_eq!((found.entries.len(), found.more), (PAGE_ENTRIES_MAX, true));

    let large = vec![b'x'; VALUE_BYTES_MAX];
    let enough = PAGE_BYTES_MAX / VALUE_BYTES_MAX + 2;
    for n in 0..enough {
        commit(&store, [Write::Put(key(&format!("l/{n}")), large.clone().into())]).await;
    }
    let found = page(&store, "l/", None, usize::MAX).await;
    assert_eq!((found.entries.len(), found.more), (enough - 1, true));
    let last = format!("l/{}", enough - 2);
    assert_eq!(page(&store, "l/", Some(&last), usize::MAX).await.entries.len(), 1);
}
