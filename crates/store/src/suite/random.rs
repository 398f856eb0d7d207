//! The law behind all others: any history leads to what the reference store says.

use super::{MemoryStore, Subject};
use crate::{CommitError, Key, Store, Transaction};

/// Commits each transaction to both stores and compares every answer, then all that is stored under
/// `prefix`.
///
/// Call it again with the same reference after a restart to continue the history.
pub async fn agrees_with_the_reference(
    store: Subject,
    reference: &MemoryStore,
    transactions: impl IntoIterator<Item = Transaction>,
    prefix: &Key,
) {
    for transaction in transactions {
        let want = reference.commit(transaction.clone()).await;
        let got = store.commit(transaction.clone()).await;
        match (&want, &got) {
            (Ok(want), Ok(got)) => assert_eq!(want, got, "{transaction:?}"),
            (Err(CommitError::Conflict), Err(CommitError::Conflict)) => {}
            _ => unreachable!("{transaction:?}: want {want:?}, got {got:?}"),
        }
        let page = store.range(prefix, None, usize::MAX).await.unwrap();
        assert_eq!(page, reference.range(prefix, None, usize::MAX).await.unwrap());
    }
}
