//! The embedded backend: one SQLite database in one folder, for one process.
//!
//! Writes go through one thread, which gathers the commits that wait and flushes them together;
//! reads have their own connections. The log is WAL with `synchronous=FULL`: each group of commits
//! is flushed before it is acknowledged.

mod apply;
mod log;
mod padding;
mod reader;
mod schema;
mod values;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use crate::contract::{BoxFuture, Entry, Page, Revision, Store};
use crate::error::{CommitError, StoreError};
use crate::folder;
use crate::history::History;
use crate::key::Key;
#[cfg(feature = "suite")]
use crate::suite::Faults;
use crate::transaction::Transaction;
use crate::watch::{Batch, Watch};
use reader::Readers;
use writer::{Commit, Job, Writer};

/// Most commits that wait or run at once; the next one waits for a place.
///
/// Reason: bounds the memory of the queue, and is the largest group of one flush: beyond this many,
/// a flush is no longer what a commit's time goes to.
const COMMITS_IN_FLIGHT_MAX: usize = 128;

/// The database file within the folder; SQLite puts its `-wal` and `-shm` files beside it.
const DATABASE_FILE: &str = "store.sqlite3";

/// Durable entries in one SQLite database. See [`Store`] for the promises.
///
/// Reads need a tokio runtime (they run on its blocking threads); commits and watches need none.
/// Dropping it waits for the commits that were accepted, as [`SqliteStore::close`] does.
pub struct SqliteStore {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the handle and the writer thread both hold.
struct Shared {
    /// One place for each commit in flight; closed with the store.
    places: Arc<Semaphore>,
    readers: Arc<Readers>,
    history: Arc<History>,
}

impl Shared {
    /// Refuses new requests; the watches still get what was accepted.
    fn refuse(&self) {
        self.places.close();
        self.readers.close();
    }
}

/// Held by the writer thread: however it ends, nobody waits for it in vain.
struct Serving(Arc<Shared>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.refuse();
        self.0.history.close();
    }
}

impl SqliteStore {
    /// Opens the store in this folder, making both if need be (folder 0700, files 0600).
    ///
    /// Blocks for a few milliseconds; longer when the last process was killed and up to 4 MiB of
    /// its log have to be read.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has the folder, [`StoreError::UnknownFormat`] for
    /// a database that is not ours or of another version, [`StoreError::Corrupt`] for what is no
    /// database, [`StoreError::Io`] otherwise.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_instrumented(folder, |_| Ok(()))
    }

    /// As [`SqliteStore::open`], with a writer that `faults` can make fail.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    #[cfg(feature = "suite")]
    pub fn open_with_faults(folder: &Path, faults: &Faults) -> Result<Self, StoreError> {
        Self::open_instrumented(folder, |connection| faults.install(connection))
    }

    fn open_instrumented(
        path: &Path,
        instrument: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
    ) -> Result<Self, StoreError> {
        folder::make(path)?;
        let lock = folder::lock(path)?;
        let database = path.join(DATABASE_FILE);
        let mut connection = open_writer(path, &database)?;
        let revision =
            values::revision(&connection).map_err(values::failed("read the revision"))?;
        instrument(&mut connection).map_err(values::failed("prepare the database"))?;
        let shared = Arc::new(Shared::new(database, revision));
        let (jobs, queue) = mpsc::channel();
        let writer = Writer::new(connection, lock, revision, queue, Arc::clone(&shared));
        let serving = Serving(Arc::clone(&shared));
        let thread = thread::Builder::new().name("store-writer".into()).spawn(|| {
            let _serving = serving;
            writer.run();
        });
        let thread = thread.map_err(folder::failed("start the writer thread"))?;
        Ok(Self { shared, jobs, writer: Mutex::new(Some(thread)) })
    }

    /// Finishes the commits that were accepted, then lets go of the folder. From the start of this
    /// call, new requests answer [`StoreError::Closed`]. Closing twice is harmless.
    pub async fn close(&self) {
        self.shared.refuse();
        let (closed, done) = oneshot::channel();
        if self.jobs.send(Job::Close(closed)).is_ok() {
            // An error means that the writer has ended, which is what we wait for.
            let _ended = done.await;
        }
    }
}

impl Shared {
    fn new(database: PathBuf, revision: Revision) -> Self {
        Self {
            places: Arc::new(Semaphore::new(COMMITS_IN_FLIGHT_MAX)),
            readers: Arc::new(Readers::new(database)),
            history: History::new(revision),
        }
    }
}

/// Opens the database for writing. Its name is durable before anything in it is acknowledged.
fn open_writer(path: &Path, database: &Path) -> Result<Connection, StoreError> {
    folder::private_file(database)?;
    let connection = schema::open_writer(database)?;
    folder::flush(path).map_err(folder::failed("flush the data folder"))?;
    Ok(connection)
}

impl Store for SqliteStore {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let key = key.clone();
        Box::pin(self.shared.readers.read("get an entry", move |db| reader::get(db, &key)))
    }

    fn range(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, StoreError>> {
        let (prefix, after) = (prefix.clone(), after.cloned());
        let page = move |db: &Connection| reader::page(db, &prefix, after.as_ref(), limit);
        Box::pin(self.shared.readers.read("list entries", page))
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            transaction.check()?;
            let place = Arc::clone(&self.shared.places).acquire_owned().await;
            let place = place.map_err(|_| StoreError::Closed)?;
            let (answer, answered) = oneshot::channel();
            let commit = Commit { transaction, answer, place };
            self.jobs.send(Job::Commit(commit)).map_err(|_| StoreError::Closed)?;
            answered.await.unwrap_or_else(|lost| {
                Err(CommitError::Store(StoreError::Unavailable { source: Arc::new(lost) }))
            })
        })
    }

    fn watch(&self, after: Revision) -> Result<Watch, StoreError> {
        self.shared.history.watch(after)
    }

    fn at_hand(&self, after: Revision) -> Vec<Batch> {
        self.shared.history.at_hand(after)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shared.refuse();
        let (closed, _) = oneshot::channel();
        let _ended = self.jobs.send(Job::Close(closed));
        let thread = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer thread panicked");
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("database", &self.shared.readers.database()).finish()
    }
}
