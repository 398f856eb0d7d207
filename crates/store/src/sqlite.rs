//! The embedded backend: one SQLite database in one folder, for one process.
//!
//! There is one connection that writes. A commit that finds it free uses it at once, on the
//! caller's thread; the others go through one thread, which gathers the commits that wait and
//! flushes them together. Reads have their own connections. The log is WAL with
//! `synchronous=FULL`: each group of commits is flushed before it is acknowledged.

mod apply;
mod latest;
mod log;
mod pace;
mod padding;
mod queue;
mod reader;
mod schema;
mod thread;
mod values;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::Connection;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task;

use crate::contract::{BoxFuture, Entry, Page, Revision, Store};
use crate::error::{CommitError, StoreError};
use crate::folder;
use crate::history::History;
use crate::key::Key;
#[cfg(feature = "suite")]
use crate::suite::Faults;
use crate::transaction::Transaction;
use crate::watch::{Batch, Watch};
use latest::Latest;
use log::Log;
use pace::Pace;
use queue::{Commit, Outcome, Queue};
use reader::Readers;
use thread::Serving;
use writer::Writer;

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
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the handle and the writer thread both hold.
struct Shared {
    /// One place for each commit in flight; closed with the store.
    places: Arc<Semaphore>,
    queue: Queue,
    /// `None` when the folder was let go. Taken before the queue's lock, never within it.
    writer: Mutex<Option<Writer>>,
    readers: Arc<Readers>,
    history: Arc<History>,
    pace: Pace,
}

impl SqliteStore {
    /// Opens the store in this folder, making both if need be (folder 0700, files 0600).
    ///
    /// Blocks for a few milliseconds, and for a reading of all entries (30 ms for 100,000 of 1 KB
    /// that the system has in memory); longer when the last process was killed and up to 4 MiB of
    /// its log have to be read.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has the folder, [`StoreError::UnknownFormat`] for
    /// a database that is not ours or of another version, [`StoreError::Corrupt`] for what is no
    /// database, [`StoreError::Io`] otherwise.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_instrumented(folder, |_| Ok(()))
    }

    /// Writes the files of this folder's store anew, so that nothing is left in them of values that
    /// were replaced or deleted. Blocks for as long as it takes to copy them.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; [`StoreError::Io`] when the disk has no room for the copy.
    pub fn rewrite(folder: &Path) -> Result<(), StoreError> {
        let _lock = folder::lock(folder)?;
        let connection = open_writer(folder, &folder.join(DATABASE_FILE))?;
        let rewritten = connection
            .execute_batch("VACUUM")
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        rewritten.map_err(values::failed("write the database anew"))
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
        let log = Log::new(schema::log(&database), &mut connection);
        let (latest, history) = (Arc::new(Latest::new(revision)), History::new(revision));
        let readers = Readers::new(database, Arc::clone(&latest));
        let writer = Writer::new(connection, lock, revision, latest, Arc::clone(&history), log);
        Self::start(Shared::new(writer, readers, history))
    }

    fn start(shared: Shared) -> Result<Self, StoreError> {
        let shared = Arc::new(shared);
        let serving = Serving(Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("store-writer".into());
        let thread = thread.spawn(|| serving.run());
        let thread = thread.map_err(folder::failed("start the writer thread"))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Whether nothing was ever written to it.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.shared.readers.latest().settled() == Some(Revision::ZERO)
    }

    /// Finishes the commits that were accepted, then lets go of the folder. From the start of this
    /// call, new requests answer [`StoreError::Closed`]. Closing twice is harmless.
    pub async fn close(&self) {
        self.shared.refuse();
        let (closer, closed) = oneshot::channel();
        self.shared.queue.close(closer);
        // An error means that the thread has ended, which is what we wait for.
        let _ended = closed.await;
    }
}

impl Shared {
    fn new(writer: Writer, readers: Readers, history: Arc<History>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(COMMITS_IN_FLIGHT_MAX)),
            queue: Queue::default(),
            writer: Mutex::new(Some(writer)),
            readers: Arc::new(readers),
            history,
            pace: Pace::new(),
        }
    }

    /// Refuses new requests; the watches still get what was accepted.
    fn refuse(&self) {
        self.places.close();
        self.readers.close();
    }

    /// Waits for the writer. One that a commit's panic has left is of no use.
    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(|poisoned| {
            let mut writer = poisoned.into_inner();
            writer.iter_mut().for_each(Writer::abandon);
            writer
        })
    }

    /// Commits on this thread if nobody else commits or waits to. Unless the disk is fast, the other
    /// threads of the runtime take over its tasks meanwhile. `None`: not done, leave it to the
    /// writer thread.
    fn commit_at_once(&self, transaction: &Transaction) -> Option<Outcome> {
        let runtime = Handle::try_current().ok()?;
        if runtime.runtime_flavor() != RuntimeFlavor::MultiThread || !self.is_quiet() {
            return None;
        }
        let started = Instant::now();
        let outcome = if self.pace.is_fast() {
            self.commit_if_free(transaction)
        } else {
            task::block_in_place(|| self.commit_if_free(transaction))
        };
        if outcome.is_some() {
            self.pace.record(started.elapsed());
        }
        outcome
    }

    /// Whether it is worth a try: [`Shared::commit_if_free`] decides.
    fn is_quiet(&self) -> bool {
        self.readers.latest().settled().is_some() && self.queue.is_calm()
    }

    /// Whoever waits comes first, so that no stream of commits like this one keeps him waiting.
    fn commit_if_free(&self, transaction: &Transaction) -> Option<Outcome> {
        let mut writer = self.writer.try_lock().ok()?;
        let writer = writer.as_mut().filter(|writer| writer.is_free() && self.queue.is_calm())?;
        let outcome = writer.serve(&[transaction]).pop();
        if !writer.is_usable() {
            self.refuse();
        }
        if writer.wants_thread() {
            self.queue.wake();
        }
        outcome
    }

    /// Leaves the commit to the writer thread and waits for its answer.
    async fn commit_queued(
        &self,
        transaction: Transaction,
        place: OwnedSemaphorePermit,
    ) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.queue.push(Commit { transaction, answer, place })?;
        answered.await.unwrap_or_else(|lost| {
            Err(CommitError::Store(StoreError::Unavailable { source: Arc::new(lost) }))
        })
    }
}

/// Opens the database for writing. Its name is durable before anything in it is acknowledged.
fn open_writer(path: &Path, database: &Path) -> Result<Connection, StoreError> {
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
        let latest = self.shared.readers.latest();
        let page = move |db: &Connection| reader::page(db, &latest, &prefix, after.as_ref(), limit);
        Box::pin(self.shared.readers.read("list entries", page))
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            transaction.check()?;
            let place = Arc::clone(&self.shared.places).acquire_owned().await;
            let place = place.map_err(|_| StoreError::Closed)?;
            match self.shared.commit_at_once(&transaction) {
                Some(outcome) => outcome,
                None => self.shared.commit_queued(transaction, place).await,
            }
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
        let (closer, _) = oneshot::channel();
        self.shared.queue.close(closer);
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
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
