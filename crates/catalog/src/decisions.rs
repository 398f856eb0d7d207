//! Every decision, kept: the last ones in memory with all that decided them, so that they can be
//! explained; all of them as lines of JSON in files.
//!
//! A request asks for a [`Slot`] before it is decided, and gets none while the log is too far
//! behind: decisions wait for a slow disk and are refused for want of a log, but are never made
//! without being kept. The slot's holder then records without waiting.

mod found;
mod kept;
mod line;
mod pools;
mod question;
mod record;
mod ring;
mod writer;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use portcullis_identity::AccountId;
use portcullis_logs::{Files, Gathering, Rolling, lines_with};
use portcullis_model::{
    portcullis::operation::GetDecision, sts::operation::DecodeAuthorizationMessage,
};
use tokio::sync::{Semaphore, watch};

pub use found::Found;
pub use pools::Documents;
pub(crate) use pools::{Pools, taken_to_allow};
pub use question::{Outcome, Question};
pub use record::{Decided, Origin, RequestId, address_text};

use crate::{Permit, WholeAccount};

use ring::Ring;
use writer::{Progress, Shared, Writer};

/// The operations that tell an account of past decisions.
pub trait TellsDecisions {}

impl TellsDecisions for GetDecision {}
impl TellsDecisions for DecodeAuthorizationMessage {}

/// What the log's files are called: lines of JSON.
const EXTENSION: &str = "jsonl";

/// So many decisions may wait for the disk: 10 MB of memory. More only by the decisions of requests
/// that have their slot, a few each.
const BEHIND_MAX: u64 = 16_384;

/// How long a request waits for a slot.
const SLOT_MAX: Duration = Duration::from_secs(5);

/// How long a look-up waits for decisions that were made before.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// How long a stop waits for the writer.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// Where decisions are kept, and how many.
#[derive(Clone, Debug)]
pub struct DecisionSettings {
    /// The folder of the log's files; made if it is not there.
    pub folder: PathBuf,
    /// Size that a file grows to, in bytes.
    pub file_bytes: u64,
    /// How many files are kept, the one that is written to included; at least 1.
    pub files: u64,
    /// How many decisions are kept in memory.
    pub in_memory: usize,
}

/// Decisions cannot be kept now, so that none may be made: the log is behind, or cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the decision log cannot keep up")]
pub struct Behind;

/// How the log does.
#[derive(Clone, Debug)]
pub struct DecisionStatus {
    /// Decisions made since the start.
    pub recorded: u64,
    /// Of these, how many are not in the log yet.
    pub unwritten: u64,
    /// Why the log cannot be written, if the last attempt failed.
    pub failure: Option<Arc<str>>,
}

/// All decisions of this process. Ends its writer when dropped.
#[derive(Debug)]
pub struct Decisions {
    shared: Arc<Shared>,
    folder: PathBuf,
    /// Looking through the files takes a while and a processor: one at a time.
    searches: Semaphore,
}

/// The right to decide: there is room to keep what is decided.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a>(&'a Decisions);

impl Slot<'_> {
    /// Keeps a decision. Never waits.
    pub(crate) fn record(self, decided: Decided) {
        self.0.shared.queue.push(decided);
    }
}

impl Decisions {
    /// Opens the log, and starts the thread that writes it.
    ///
    /// # Errors
    /// What the system says of the folder, the newest file, or the thread.
    pub fn open(settings: DecisionSettings) -> io::Result<Arc<Self>> {
        let DecisionSettings { folder, file_bytes, files, in_memory } = settings;
        let rolling =
            Rolling { extension: EXTENSION, file_bytes_max: file_bytes, files_max: files };
        let files = Files::open(&folder, rolling)?;
        let shared = Arc::new(Shared {
            queue: Gathering::default(),
            ring: Mutex::new(Ring::new(in_memory)),
            progress: watch::Sender::new(Progress::default()),
            limit: AtomicU64::new(BEHIND_MAX),
        });
        let writer = Writer::new(shared.clone(), files);
        thread::Builder::new().name("decision-log".to_owned()).spawn(|| writer.run())?;
        Ok(Arc::new(Self { shared, folder, searches: Semaphore::new(1) }))
    }

    /// Room for the decisions of one request; waits for it while the log is behind.
    ///
    /// # Errors
    /// [`Behind`] when there is none in time.
    pub async fn slot(&self) -> Result<Slot<'_>, Behind> {
        if let Some(slot) = self.slot_at_once() {
            return Ok(slot);
        }
        let mut progress = self.shared.progress.subscribe();
        let room = progress.wait_for(|progress| progress.ended || self.has_room());
        match tokio::time::timeout(SLOT_MAX, room).await {
            Ok(Ok(progress)) if !progress.ended => Ok(Slot(self)),
            _ => Err(Behind),
        }
    }

    /// Room for the decisions of one request, if there is some now.
    #[must_use]
    pub fn slot_at_once(&self) -> Option<Slot<'_>> {
        self.has_room().then_some(Slot(self))
    }

    fn has_room(&self) -> bool {
        self.shared.queue.recorded() < self.shared.limit.load(Ordering::Relaxed)
    }

    /// The decisions that were made for a request about resources of the permitted account, in
    /// order. Of other accounts' resources nothing is said, not even that there were decisions.
    ///
    /// Those in memory are found at once; else the log is looked through, which takes time in
    /// proportion to its size.
    ///
    /// # Errors
    /// What the system says of the log's files.
    pub async fn find<A: TellsDecisions>(
        &self,
        permit: Permit<A, WholeAccount>,
        id: &RequestId,
    ) -> io::Result<Vec<Found>> {
        let WholeAccount(owner) = permit.consume();
        self.settle(|now| now.in_ring).await;
        let in_memory = {
            let ring = self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.of_request(id)
        };
        let found: Vec<_> =
            in_memory.into_iter().filter_map(|decided| Found::in_memory(decided, owner)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        // What many others have already driven out of memory may still be on its way to the log.
        self.settle(|now| now.in_log).await;
        self.find_in_log(*id, owner).await
    }

    async fn find_in_log(&self, id: RequestId, owner: AccountId) -> io::Result<Vec<Found>> {
        let _turn = self.searches.acquire().await.map_err(io::Error::other)?;
        let folder = self.folder.clone();
        let find = move || lines_with(&folder, EXTENSION, id.as_str());
        let lines = tokio::task::spawn_blocking(find);
        let lines = lines.await.map_err(io::Error::other)??;
        Ok(lines.iter().filter_map(|line| Found::in_log(line, &id, owner)).collect())
    }

    /// Waits until the decisions that were made before are where `progress` tells how far they have
    /// come. On a disk that hangs this may not come about; then what is there is looked at.
    async fn settle(&self, reached: fn(&Progress) -> u64) {
        let recorded = self.shared.queue.hurry();
        let mut progress = self.shared.progress.subscribe();
        let settled = progress.wait_for(|now| reached(now) >= recorded || now.ended);
        let _ = tokio::time::timeout(SETTLE_MAX, settled).await;
    }

    /// How the log does now.
    #[must_use]
    pub fn status(&self) -> DecisionStatus {
        let Progress { in_log, failure, ended, .. } = self.shared.progress.borrow().clone();
        let recorded = self.shared.queue.recorded();
        let ended = ended.then(|| Arc::from("its writer has ended"));
        DecisionStatus {
            recorded,
            unwritten: recorded.saturating_sub(in_log),
            failure: failure.or(ended),
        }
    }

    /// Writes what is left, and ends.
    pub async fn close(&self) {
        self.shared.queue.close();
        let mut progress = self.shared.progress.subscribe();
        let ended = progress.wait_for(|progress| progress.ended);
        if tokio::time::timeout(CLOSE_MAX, ended).await.is_err() {
            tracing::error!("the decision log was not closed in time; its end may be missing");
        }
    }
}

impl Drop for Decisions {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}
