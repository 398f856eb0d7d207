//! The laws of the store contract, run against every backend, and what tests need besides: the
//! in-memory reference store, and faults that make the embedded backend's writer fail.
//!
//! A backend's tests name it once:
//! ```text
//! portcullis_store::laws!(|| async { (Arc::new(MyStore::empty()), ()) });
//! ```
//! and get one `#[tokio::test]` for each law. The second part is kept until the law's end (a
//! temporary folder, a server).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "laws are test code: they fail by panicking, and are called by a macro"
)]

mod faults;
mod memory;
mod racing;
mod random;
mod reading;
mod watching;
mod writing;

use std::sync::Arc;

use bytes::Bytes;

use crate::{CommitError, Entry, Expectation, Key, Page, Revision, Store, Transaction, Write};

pub use faults::Faults;
pub use memory::MemoryStore;
pub use racing::*;
pub use random::agrees_with_the_reference;
pub use reading::*;
pub use watching::*;
pub use writing::*;

/// An empty store under test.
pub type Subject = Arc<dyn Store>;

/// Makes one test for each law; `$open` is a function that returns a future of an empty store (as
/// an `Arc`) and of something to keep as long.
#[macro_export]
macro_rules! laws {
    ($open:expr) => {
        $crate::laws! { $open;
            an_empty_store_holds_nothing,
            a_put_is_read_back_with_its_revisions,
            a_range_holds_the_prefix_in_order,
            a_range_continues_above_the_key_it_is_given,
            a_page_is_bounded_in_entries_and_bytes,
            a_transaction_is_applied_only_if_every_expectation_holds,
            expectations_are_about_the_state_before_the_writes,
            revisions_only_grow_and_only_with_changes,
            deleting_a_prefix_removes_its_keys_and_no_others,
            a_transaction_over_a_limit_changes_nothing,
            the_largest_value_fits,
            a_key_is_written_once_in_a_transaction,
            one_of_many_with_the_same_expectation_wins,
            concurrent_commits_to_distinct_keys_are_all_there,
            a_conflict_does_not_spoil_its_neighbours,
            concurrent_increments_are_all_counted,
            a_page_is_of_its_revision_while_others_commit,
            a_watch_yields_each_commit_once_and_in_order,
            a_watch_continues_a_scan_without_a_gap,
            a_wait_that_is_dropped_loses_nothing,
            an_overrun_history_is_compacted,
        }
    };
    ($open:expr; $($law:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                let (store, _kept) = ($open)().await;
                $crate::suite::$law(store).await;
            }
        )+
    };
}

fn key(text: &str) -> Key {
    Key::try_from(text).unwrap()
}

fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(at: &str, text: &str) -> Write {
    Write::Put(key(at), value(text))
}

fn writes(writes: impl Into<Vec<Write>>) -> Transaction {
    Transaction { expectations: Vec::new(), writes: writes.into() }
}

async fn commit(store: &Subject, writes_to_make: impl Into<Vec<Write>>) -> Revision {
    store.commit(writes(writes_to_make)).await.unwrap()
}

async fn commit_if(
    store: &Subject,
    expectations: impl Into<Vec<Expectation>>,
    writes: impl Into<Vec<Write>>,
) -> Result<Revision, CommitError> {
    let (expectations, writes) = (expectations.into(), writes.into());
    store.commit(Transaction { expectations, writes }).await
}

async fn get(store: &Subject, at: &str) -> Option<Entry> {
    store.get(&key(at)).await.unwrap()
}

async fn page(store: &Subject, prefix: &str, after: Option<&str>, limit: usize) -> Page {
    store.range(&key(prefix), after.map(key).as_ref(), limit).await.unwrap()
}

/// The keys of a page as text.
fn keys(page: &Page) -> Vec<String> {
    page.entries.iter().map(|entry| entry.key.to_string()).collect()
}
