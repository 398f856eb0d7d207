//! Random histories, with restarts in between, lead to what the reference store says.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use portcullis_store::suite::{MemoryStore, agrees_with_the_reference};
use portcullis_store::{Expectation, Key, Revision, SqliteStore, Transaction, Write};
use proptest::collection::vec;
use proptest::prelude::*;

/// Few keys, so that they meet; one is a prefix of others.
fn keys() -> impl Strategy<Value = Key> {
    let texts = ["k", "k/", "k/a", "k/a/1", "k/a/2", "k/b", "k0"];
    prop::sample::select(texts.to_vec()).prop_map(|text| Key::try_from(text).unwrap())
}

fn revisions() -> impl Strategy<Value = Revision> {
    (0..8u64).prop_map(Revision::new)
}

fn expectations() -> impl Strategy<Value = Expectation> {
    prop_oneof![
        keys().prop_map(Expectation::Absent),
        (keys(), revisions()).prop_map(|(key, at)| Expectation::Unchanged(key, at)),
        (keys(), revisions()).prop_map(|(key, at)| Expectation::Incarnation(key, at)),
    ]
}

fn writes() -> impl Strategy<Value = Write> {
    let size = prop_oneof![0..10usize, 2040..2060usize, 4000..9000usize];
    prop_oneof![
        3 => (keys(), vec(any::<u8>(), 1), size)
            .prop_map(|(key, bytes, size)| Write::Put(key, bytes.repeat(size).into())),
        1 => keys().prop_map(Write::Delete),
        1 => keys().prop_map(Write::DeletePrefix),
    ]
}

/// Those that no backend may accept are left out.
fn transactions() -> impl Strategy<Value = Transaction> {
    (vec(expectations(), 0..2), vec(writes(), 0..4))
        .prop_map(|(expectations, writes)| Transaction { expectations, writes })
        .prop_filter("overlapping writes", |transaction| transaction.check().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_history_with_restarts_leads_to_what_the_reference_says(
        lives in vec(vec(transactions(), 1..12), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (reference, prefix) = (MemoryStore::new(), Key::try_from("k").unwrap());
        for transactions in lives {
            let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
            runtime.block_on(agrees_with_the_reference(store, &reference, transactions, &prefix));
        }
    }
}
