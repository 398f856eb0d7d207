//! Reads of the database, on connections of their own: they neither wait for the writer nor make it
//! wait. (A list has the database brought up to date first, which does.)

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, Error, OptionalExtension, Row};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{padding, schema, values};
use crate::contract::{Entry, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Page};
use crate::error::StoreError;
use crate::key::Key;

/// Most reads at once, each with a connection (and its page cache, up to 2 MiB).
///
/// Reason: the hot path reads memory, not this store; two let a listing and a look-up overlap.
const READERS_MAX: usize = 2;

/// Lends connections to reads; opens them when first needed.
pub(super) struct Readers {
    database: PathBuf,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(database: PathBuf) -> Self {
        let places = Arc::new(Semaphore::new(READERS_MAX));
        Self { database, places, idle: Mutex::default() }
    }

    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// Whether new reads are refused.
    pub(super) fn is_closed(&self) -> bool {
        self.places.is_closed()
    }

    /// Runs one read on a blocking thread, in a transaction: it sees one revision.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        action: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let task = spawn_blocking(move || {
            let _place = place;
            readers
                .lend(|connection| in_transaction(connection, read).map_err(values::failed(action)))
        });
        task.await.unwrap_or_else(|lost| Err(StoreError::Unavailable { source: Arc::new(lost) }))
    }

    fn lend<T>(
        &self,
        borrower: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let connection = idle.map_or_else(|| schema::open_reader(&self.database), Ok)?;
        let outcome = borrower(&connection);
        let mut idle = self.idle();
        if !self.places.is_closed() {
            idle.push(connection);
        }
        outcome
    }

    /// Refuses new reads and closes the connections; a running read closes its own at its end.
    pub(super) fn close(&self) {
        self.places.close();
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // A panic cannot leave the list half-changed, so a poisoned lock is still good.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_transaction<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let view = connection.unchecked_transaction()?;
    let found = read(&view)?;
    view.finish()?;
    Ok(found)
}

/// The entry at `key`.
pub(super) fn get(db: &Connection, key: &Key) -> rusqlite::Result<Option<Entry>> {
    let mut select =
        db.prepare_cached("SELECT key, created, modified, size, value FROM entry WHERE key = ?1")?;
    select.query_row([key], entry).optional()
}

/// One page of the entries under `prefix`, above `after`.
pub(super) fn page(
    db: &Connection,
    prefix: &Key,
    after: Option<&Key>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let mut page = Page { entries: Vec::new(), revision: values::revision(db)?, more: false };
    let limit = limit.min(PAGE_ENTRIES_MAX);
    let mut select = db.prepare_cached(
        "SELECT key, created, modified, size, value FROM entry
        WHERE key >= ?1 AND key < ?2 ORDER BY key",
    )?;
    let mut rows = select.query((start(prefix, after), prefix.end_of_prefix()))?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if page.entries.len() == limit || bytes >= PAGE_BYTES_MAX {
            page.more = true;
            break;
        }
        let entry = entry(row)?;
        bytes += entry.key.as_bytes().len() + entry.value.len();
        page.entries.push(entry);
    }
    Ok(page)
}

/// The least key of the page: the prefix itself, or the least key above `after`.
fn start(prefix: &Key, after: Option<&Key>) -> Vec<u8> {
    let successor = after.map(|after| [after.as_bytes(), &[0]].concat());
    successor.into_iter().chain([prefix.as_bytes().to_vec()]).max().unwrap_or_default()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let size = row.get(3)?;
    let value = padding::unpad(row.get(4)?, size);
    let value = value.ok_or(Error::IntegralValueOutOfRange(3, size))?;
    Ok(Entry {
        key: row.get(0)?,
        created: row.get(1)?,
        modified: row.get(2)?,
        value: Bytes::from(value),
    })
}
