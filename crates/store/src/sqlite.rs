//! The embedded backend: one SQLite database in one folder, for one process.
//!
//! There is one writer. A commit that finds it free uses it at once, on the caller's thread; the
//! others go through one thread, which gathers the commits that wait and flushes them together. A
//! group is acknowledged once it is flushed to the journal; the database gets it later, with
//! others, at the latest when somebody lists entries. Reads have connections of their own. SQLite's
//! log is WAL with `synchronous=FULL`: the journal begins anew after a commit to the database,
//! which is flushed.

mod apply;
mod journal;
mod known;
mod log;
mod overlay;
mod pace;
mod padding;
mod plan;
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
use journal::Journal;
use log::Log;
use overlay::Overlay;
use pace::Pace;
use queue::{Commit, Outcome, Queue};
use reader::Readers;
use thread::Serving;
use writer::{Above, Opened, Writer};

#[cfg(feature = "suite")]
pub(crate) use journal::{Obstacle, Step};

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
    above: Arc<Above>,
    readers: Arc<Readers>,
    history: Arc<History>,
    pace: Pace,
}

impl SqliteStore {
    /// Opens the store in this folder, making both if need be (folder 0700, files 0600).
    ///
    /// Blocks for a few milliseconds; longer when the last process was killed and what is in its
    /// journal and in SQLite's log has to be read, a few MiB.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has the folder, [`StoreError::UnknownFormat`] for
    /// a database that is not ours or of another version, [`StoreError::Corrupt`] for what is no
    /// database, [`StoreError::Io`] otherwise.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_instrumented(folder, |_, _| Ok(()))
    }

    /// Writes the files of this folder's store anew, so that nothing is left in them of values that
    /// were replaced or deleted. Blocks for as long as it takes to copy them.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; [`StoreError::Io`] when the disk has no room for the copy.
    pub fn rewrite(folder: &Path) -> Result<(), StoreError> {
        let Opened { lock: _lock, connection, journal, .. } = open(folder)?;
        journal.remove()?;
        connection.execute_batch("VACUUM").map_err(values::failed("write the database anew"))?;
        settle(&connection, folder)
    }

    /// As [`SqliteStore::open`], with a writer that `faults` can make fail.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    #[cfg(feature = "suite")]
    pub fn open_with_faults(folder: &Path, faults: &Faults) -> Result<Self, StoreError> {
        Self::open_instrumented(folder, |connection, journal| {
            journal.obstruct(faults.obstacle());
            faults.install(connection)
        })
    }

    fn open_instrumented(
        folder: &Path,
        instrument: impl FnOnce(&mut Connection, &mut Journal) -> rusqlite::Result<()>,
    ) -> Result<Self, StoreError> {
        let mut opened = open(folder)?;
        instrument(&mut opened.connection, &mut opened.journal)
            .map_err(values::failed("prepare the database"))?;
        let history = History::new(opened.revision);
        let readers = Readers::new(folder.join(DATABASE_FILE));
        let writer = Writer::new(opened, Arc::clone(&history));
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
        self.shared.writer().as_ref().is_some_and(|writer| writer.revision() == Revision::ZERO)
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
            above: writer.above(),
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
        if runtime.runtime_flavor() != RuntimeFlavor::MultiThread || !self.queue.is_calm() {
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

    /// Brings the database to what was acknowledged before.
    async fn catch_up(self: &Arc<Self>) -> Result<(), StoreError> {
        if self.above.is_empty() {
            return Ok(());
        }
        let shared = Arc::clone(self);
        let apply = move || {
            let mut writer = shared.writer();
            let applied = writer.as_mut().map_or(Ok(()), Writer::apply);
            if writer.as_ref().is_some_and(|writer| !writer.is_usable()) {
                shared.refuse();
            }
            applied
        };
        let applied = task::spawn_blocking(apply).await;
        applied.unwrap_or_else(|lost| Err(StoreError::Unavailable { source: Arc::new(lost) }))
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

/// Takes the folder, and brings the database to what was acknowledged last. The names of the files
/// are durable before anything in them is acknowledged.
fn open(path: &Path) -> Result<Opened, StoreError> {
    folder::make(path)?;
    let lock = folder::lock(path)?;
    let mut connection = schema::open_writer(&path.join(DATABASE_FILE))?;
    let (journal, left) = Journal::open(path)?;
    folder::flush(path).map_err(folder::failed("flush the data folder"))?;
    let log = Log::new(&mut connection);
    let mut revision =
        values::revision(&connection).map_err(values::failed("read the revision"))?;
    if let Some(batches) = left {
        revision = recover(&mut connection, revision, batches)?;
        settle(&connection, path)?;
    }
    Ok(Opened { connection, journal, lock, revision, log })
}

/// Brings the database from this revision to what the journal of a process that was killed has;
/// returns the revision then.
fn recover(
    connection: &mut Connection,
    revision: Revision,
    batches: Vec<Batch>,
) -> Result<Revision, StoreError> {
    let (mut missing, mut last) = (Overlay::default(), revision);
    for batch in batches.into_iter().filter(|batch| batch.revision > revision) {
        if batch.revision != last.next() {
            let detail = format!(
                "the journal goes on from revision {}, the database ends at {last}: they do not \
                 belong together",
                batch.revision
            );
            return Err(StoreError::Corrupt { detail });
        }
        last = batch.revision;
        missing.push(batch);
    }
    if !missing.is_empty() {
        let applied = connection.transaction().and_then(|transaction| {
            apply::apply(&transaction, &missing, last)?;
            transaction.commit()
        });
        applied.map_err(values::failed("bring the database up to date"))?;
    }
    Ok(last)
}

/// Copies SQLite's log into the database, flushed, and empties it.
///
/// What SQLite takes for committed is durable then: it takes a whole record of its log for that
/// although the process may have been killed before the flush, and the journal, which has it too,
/// is about to begin anew.
fn settle(connection: &Connection, folder: &Path) -> Result<(), StoreError> {
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy = connection.query_row(checkpoint, [], |row| row.get::<_, bool>(0));
    if busy.map_err(values::failed("flush the database"))? {
        return Err(StoreError::InUse { folder: folder.to_owned() });
    }
    Ok(())
}

impl Store for SqliteStore {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let key = key.clone();
        Box::pin(async move {
            match self.shared.above.entry(&key) {
                Some(entry) if !self.shared.readers.is_closed() => Ok(entry),
                _ => {
                    let get = move |db: &Connection| reader::get(db, &key);
                    self.shared.readers.read("get an entry", get).await
                }
            }
        })
    }

    fn range(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, StoreError>> {
        let (prefix, after) = (prefix.clone(), after.cloned());
        let page = move |db: &Connection| reader::page(db, &prefix, after.as_ref(), limit);
        Box::pin(async move {
            self.shared.catch_up().await?;
            self.shared.readers.read("list entries", page).await
        })
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
