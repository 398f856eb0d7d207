//! Laws of commit, one at a time.

use super::{Subject, commit, commit_if, get, key, keys, page, put, writes};
use crate::Expectation::{Absent, Incarnation, Unchanged};
use crate::{
    CommitError, EXPECTATIONS_MAX, Expectation, KEY_BYTES_MAX, Key, Revision, StoreError,
    Transaction, VALUE_BYTES_MAX, WRITES_MAX, Write,
};

/// All hold, or nothing is written.
pub async fn a_transaction_is_applied_only_if_every_expectation_holds(store: Subject) {
    let created = commit(&store, [put("a", "1")]).await;
    let modified = commit(&store, [put("a", "2")]).await;
    let (a, b) = (|| key("a"), || key("b"));
    let cases: [(Vec<Expectation>, bool); 11] = [
        (vec![], true),
        (vec![Absent(b())], true),
        (vec![Absent(a())], false),
        (vec![Unchanged(a(), modified)], true),
        (vec![Unchanged(a(), created)], false),
        (vec![Unchanged(b(), modified)], false),
        (vec![Incarnation(a(), created)], true),
        (vec![Incarnation(a(), modified)], false),
        (vec![Incarnation(b(), Revision::ZERO)], false),
        (vec![Absent(b()), Unchanged(a(), modified), Incarnation(a(), created)], true),
        (vec![Absent(b()), Unchanged(a(), modified), Absent(a())], false),
    ];
    for (n, (expectations, holds)) in cases.into_iter().enumerate() {
        let at = format!("c/{n}");
        let outcome = commit_if(&store, expectations.clone(), [put(&at, ""), put("d", "")]).await;
        assert_eq!(outcome.is_ok(), holds, "{expectations:?}: {outcome:?}");
        assert!(holds || matches!(outcome, Err(CommitError::Conflict)), "{outcome:?}");
        assert_eq!(get(&store, &at).await.is_some(), holds, "{expectations:?}");
    }
}

/// A transaction does not see its own writes.
pub async fn expectations_are_about_the_state_before_the_writes(store: Subject) {
    assert!(commit_if(&store, [Absent(key("a"))], [put("a", "1")]).await.is_ok());
    let stale = commit_if(&store, [Absent(key("a"))], [Write::Delete(key("a"))]).await;
    assert!(matches!(stale, Err(CommitError::Conflict)), "{stale:?}");
    assert!(get(&store, "a").await.is_some());
}

/// Also past deletions, so that a revision names one state for ever.
pub async fn revisions_only_grow_and_only_with_changes(store: Subject) {
    let nothing: [Vec<Write>; 3] =
        [vec![], vec![Write::Delete(key("b"))], vec![Write::DeletePrefix(key("b"))]];
    let mut last = Revision::ZERO;
    for change in [put("a", "1"), put("a", "1"), Write::Delete(key("a")), put("a", "1")] {
        let revision = commit(&store, [change]).await;
        assert!(revision > last);
        last = revision;
        for no_change in nothing.clone() {
            assert_eq!(commit(&store, no_change).await, last);
        }
        assert_eq!(page(&store, "a", None, 1).await.revision, last);
    }
}

/// Byte for byte, up to the last possible key.
pub async fn deleting_a_prefix_removes_its_keys_and_no_others(store: Subject) {
    let high = |bytes: &[u8]| Write::Put(Key::new(bytes.to_vec()).unwrap(), "".into());
    commit(&store, ["a", "a/", "a/1", "a/2/3", "a0", "b/1"].map(|at| put(at, ""))).await;
    commit(&store, [high(b"a/\xff\xff"), high(b"\xfe"), high(b"\xff"), high(b"\xff\xff\x01")])
        .await;
    commit(&store, [Write::DeletePrefix(key("a/")), put("b/2", "")]).await;
    assert_eq!(keys(&page(&store, "a", None, 10).await), ["a", "a0"]);
    assert_eq!(keys(&page(&store, "b", None, 10).await), ["b/1", "b/2"]);
    commit(&store, [Write::DeletePrefix(Key::new(&b"\xff"[..]).unwrap())]).await;
    let highest = store.range(&Key::new(&b"\xff"[..]).unwrap(), None, 10).await.unwrap();
    assert_eq!(keys(&highest), [""; 0]);
    assert!(store.get(&Key::new(&b"\xfe"[..]).unwrap()).await.unwrap().is_some());
}

/// The refusal names the quantity.
pub async fn a_transaction_over_a_limit_changes_nothing(store: Subject) {
    let puts = |count: usize| (0..count).map(|n| put(&format!("a/{n}"), "")).collect::<Vec<_>>();
    let large = |at: &str, size: usize| Write::Put(key(at), vec![0; size].into());
    let absent = |count: usize| (0..count).map(|n| Absent(key(&format!("b/{n}")))).collect();
    let half = VALUE_BYTES_MAX / 2;
    let cases = [
        ("writes", writes(puts(WRITES_MAX + 1))),
        ("value", writes([put("a/1", ""), large("a/2", VALUE_BYTES_MAX + 1)])),
        ("transaction", writes([large("a/1", half), large("a/2", half), large("a/3", half)])),
        (
            "expectations",
            Transaction { expectations: absent(EXPECTATIONS_MAX + 1), writes: puts(1) },
        ),
    ];
    for (quantity, transaction) in cases {
        let outcome = store.commit(transaction).await;
        let Err(CommitError::Store(StoreError::TooLarge { what, .. })) = outcome else {
            unreachable!("{quantity}: {outcome:?}");
        };
        assert!(what.contains(quantity), "{what}");
    }
    assert_eq!(page(&store, "a", None, 1).await.revision, Revision::ZERO);
    let most = Transaction { expectations: absent(EXPECTATIONS_MAX), writes: puts(WRITES_MAX) };
    assert!(store.commit(most).await.is_ok());
}

/// With the longest key and an expectation about it.
pub async fn the_largest_value_fits(store: Subject) {
    let longest = Key::new(vec![b'k'; KEY_BYTES_MAX]).unwrap();
    let largest = bytes::Bytes::from(vec![7; VALUE_BYTES_MAX]);
    let write = Write::Put(longest.clone(), largest.clone());
    commit_if(&store, [Absent(longest.clone())], [write]).await.unwrap();
    let found = store.get(&longest).await.unwrap().unwrap();
    assert!(found.value == largest, "the value differs");
}

/// Two deletions may overlap: they mean the same in any order.
pub async fn a_key_is_written_once_in_a_transaction(store: Subject) {
    commit(&store, [put("a/1", "old")]).await;
    let twice = [
        [put("a/1", "1"), put("a/1", "2")],
        [put("a/1", "1"), Write::Delete(key("a/1"))],
        [Write::DeletePrefix(key("a/")), put("a/1", "1")],
    ];
    for overlapping in twice {
        let outcome = store.commit(writes(overlapping)).await;
        let refused = matches!(outcome, Err(CommitError::Store(StoreError::WrittenTwice { .. })));
        assert!(refused, "{outcome:?}");
    }
    assert_eq!(get(&store, "a/1").await.unwrap().value, "old");
    commit(&store, [Write::Delete(key("a/1")), Write::DeletePrefix(key("a/"))]).await;
    assert_eq!(get(&store, "a/1").await, None);
}
