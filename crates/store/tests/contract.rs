//! Every law of the contract, for every backend.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use portcullis_store::suite::MemoryStore;
use portcullis_store::{SqliteStore, Store};
use tempfile::TempDir;

mod sqlite {
    use super::*;

    async fn open() -> (Arc<dyn Store>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Arc::new(SqliteStore::open(&folder.path().join("data")).unwrap()), folder)
    }

    portcullis_store::laws!(open);
}

mod memory {
    use super::*;

    async fn open() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    portcullis_store::laws!(open);
}
