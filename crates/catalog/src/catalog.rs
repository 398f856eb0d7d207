//! The current snapshot, kept up to date by the store's watch, and the transactions that change it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use futures_util::FutureExt as _;
use portcullis_identity::{IdentityError, Partition, generate::NoRandomness};
use portcullis_lambda::LambdaError;
use portcullis_store::{
    Batch, Change, CommitError, Expectation, Key, PAGE_ENTRIES_MAX, Revision, Store, StoreError,
    Transaction, Watch, Write,
};
use tokio::sync::{Mutex, watch};

use crate::{
    Snapshot,
    address::{Address, ROOTS},
    documents::Document,
    written::Written,
};

/// How often a rule is run again because another node won the race. Writers of this node wait for
/// each other instead (see [`Catalog::transact`]), so that only other nodes can make us lose.
const ATTEMPTS_MAX: usize = 16;

/// How long a writer waits to see its own commit in the snapshot before it gives up on the watch.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);

/// How long the follower looks away after it has seen every commit. Only those that no writer of
/// this process takes in itself come so much later: those of other nodes, and of a call whose client
/// went away before its commit was made.
const FOLLOWER_PAUSE: Duration = Duration::from_millis(5);

/// How long changes of the state gather before whoever waits for them is told.
const CHANGES_PAUSE: Duration = Duration::from_millis(20);

/// Locks that keep writers of one aggregate in line; more than the writers that one disk can feed.
const WRITER_STRIPES: usize = 64;

/// The state of the service: the newest [`Snapshot`], and the way to change it.
pub struct Catalog {
    current: Arc<Current>,
    store: Arc<dyn Store>,
    writers: Vec<Mutex<()>>,
}

/// The newest snapshot, and everyone who takes new commits into it: the follower of the watch, and
/// writers, who take their own commit in themselves rather than wait for the follower to wake.
struct Current {
    snapshot: ArcSwap<Snapshot>,
    /// Held from the look at the newest snapshot to the publication of the next.
    turn: std::sync::Mutex<()>,
    applied: watch::Sender<Applied>,
}

/// How far the snapshot has come, and whether the follower still runs.
#[derive(Clone, Copy, Debug)]
struct Applied {
    revision: Revision,
    live: bool,
}

/// Tells of changes of the state: see [`Catalog::changes`].
#[derive(Debug)]
pub struct Changes(watch::Receiver<Applied>);

impl Changes {
    /// Waits for the next change, and lets some gather first: a listener that every commit wakes
    /// takes a processor from those who commit.
    ///
    /// # Errors
    /// [`CatalogError::Stale`] when no more will come.
    pub async fn changed(&mut self) -> Result<(), CatalogError> {
        tokio::time::sleep(CHANGES_PAUSE).await;
        self.0.changed().await.map_err(|_| CatalogError::Stale)
    }
}

/// Why the catalog cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The store failed; nothing was written.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The watch that keeps the snapshot fresh is broken: decisions on it would be on old grants.
    #[error("the catalog no longer follows the store")]
    Stale,
    /// A stored value that the operation would replace cannot be read; see the log.
    #[error("a stored value that this concerns cannot be read")]
    Unreadable,
    /// The operating system gave no random bytes for an id or a secret; nothing was written.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Other writers won every race for this value.
    #[error("too many writers at once on one resource")]
    Contention,
}

/// Why a transaction did not happen: the domain's rule refused it, or the catalog could not.
#[derive(Debug)]
pub enum Failure<E> {
    /// The rule said no; nothing was written.
    Rule(E),
    /// The catalog failed; nothing was acknowledged.
    Catalog(CatalogError),
}

impl From<LambdaError> for Failure<LambdaError> {
    fn from(error: LambdaError) -> Self {
        Self::Rule(error)
    }
}

impl From<IdentityError> for Failure<IdentityError> {
    fn from(error: IdentityError) -> Self {
        Self::Rule(error)
    }
}

impl<E> From<CatalogError> for Failure<E> {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(error)
    }
}

/// What a rule wants written, under which expectations, and what it answers once that is durable.
#[must_use = "a plan that nobody commits changes nothing"]
pub(crate) struct Plan<T> {
    answer: T,
    transaction: Transaction,
    written: Written,
}

impl<T> Plan<T> {
    /// A plan that writes nothing yet.
    pub(crate) fn answer(answer: T) -> Self {
        Self { answer, transaction: Transaction::default(), written: Written::default() }
    }

    /// The plan with another answer.
    pub(crate) fn map<U>(self, answer: impl FnOnce(T) -> U) -> Plan<U> {
        let Self { answer: old, transaction, written } = self;
        Plan { answer: answer(old), transaction, written }
    }

    /// Commits only if no value stands at `address`.
    pub(crate) fn absent(mut self, address: &Address) -> Self {
        self.transaction.expectations.push(Expectation::Absent(address.key()));
        self
    }

    /// Commits only if the value at `address` was last written at `modified`.
    pub(crate) fn unchanged(mut self, address: &Address, modified: Revision) -> Self {
        self.transaction.expectations.push(Expectation::Unchanged(address.key(), modified));
        self
    }

    /// Commits only if the value at `address` is the one created at `created`, whatever it says now.
    pub(crate) fn incarnation(mut self, address: &Address, created: Revision) -> Self {
        self.transaction.expectations.push(Expectation::Incarnation(address.key(), created));
        self
    }

    /// Writes `value` at `address`.
    pub(crate) fn put(mut self, address: &Address, value: &impl Document) -> Self {
        let key = address.key();
        self.transaction.writes.push(Write::Put(key.clone(), value.encode().into()));
        self.written.push(key, address.clone(), value.clone());
        self
    }

    /// Removes the value at `address`.
    pub(crate) fn delete(mut self, address: &Address) -> Self {
        self.transaction.writes.push(Write::Delete(address.key()));
        self
    }

    /// Removes the value at `address` and all that belongs to it.
    pub(crate) fn delete_with_children(mut self, address: &Address) -> Self {
        self.transaction.writes.push(Write::Delete(address.key()));
        self.transaction.writes.push(Write::DeletePrefix(address.children()));
        self
    }
}

impl Catalog {
    /// Reads the whole store into a snapshot and keeps following it.
    ///
    /// Must be called inside a tokio runtime: the follower is a task of it.
    ///
    /// # Errors
    /// [`CatalogError::Store`] when the store cannot be read.
    pub async fn open(
        store: Arc<dyn Store>,
        partition: Partition,
    ) -> Result<Arc<Self>, CatalogError> {
        let (snapshot, watch) = scan(store.as_ref(), partition).await?;
        let current = Arc::new(Current::new(snapshot));
        let follower = Follower { current: current.clone(), store: store.clone() };
        tokio::spawn(follower.run(watch));
        let writers = (0..WRITER_STRIPES).map(|_| Mutex::new(())).collect();
        Ok(Arc::new(Self { current, store, writers }))
    }

    /// The newest snapshot, without counting a reference: for the length of one decision.
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.snapshot.load()
    }

    /// The newest snapshot, to keep for the length of a request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.snapshot.load_full()
    }

    /// Where everything is kept, for what is not in the snapshot.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Waits until the newest snapshot is one that `holds`, or `at_most` has passed.
    pub async fn wait_for(&self, holds: impl Fn(&Snapshot) -> bool, at_most: Duration) {
        let mut applied = self.current.applied.subscribe();
        let wait = async { while !holds(&self.load()) && applied.changed().await.is_ok() {} };
        // Too late is as good as in time: whoever waits looks again.
        let _ = tokio::time::timeout(at_most, wait).await;
    }

    /// Wakes after each change of the state; changes that come together may wake once.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes(self.current.applied.subscribe())
    }

    /// Whether the snapshot still follows the store. When it does not, calls must be refused.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.current.applied.borrow().live
    }

    /// Runs `rule` on the newest snapshot and commits its plan, until no other writer interferes.
    ///
    /// `aggregate` names what the rule reads and writes (a function, a user): writers of one
    /// aggregate on this node go one after the other, in order of arrival. When this returns, the
    /// write is durable and visible in [`load`](Self::load).
    ///
    /// # Errors
    /// [`Failure::Rule`] with the rule's own refusal, judged on a snapshot that no acknowledged
    /// write preceded; [`Failure::Catalog`] when the store or the watch failed.
    pub(crate) async fn transact<T, E>(
        &self,
        aggregate: &str,
        rule: impl Fn(&Snapshot) -> Result<Plan<T>, Failure<E>>,
    ) -> Result<T, Failure<E>> {
        let _turn = self.stripe(aggregate).lock().await;
        for _ in 0..ATTEMPTS_MAX {
            let snapshot = self.current.snapshot.load_full();
            let Plan { answer, transaction, written } = rule(&snapshot)?;
            if transaction.writes.is_empty() {
                return Ok(answer);
            }
            match self.store.commit(transaction).await {
                Ok(revision) => {
                    self.reach(revision, &written.at(revision)).await?;
                    return Ok(answer);
                }
                Err(CommitError::Conflict) => {
                    self.reach(after(snapshot.revision()), &Written::default()).await?;
                }
                Err(CommitError::Store(error)) => return Err(CatalogError::Store(error).into()),
            }
        }
        Err(CatalogError::Contention.into())
    }

    fn stripe(&self, aggregate: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        aggregate.hash(&mut hasher);
        let stripes = self.writers.len().max(1) as u64;
        #[expect(clippy::cast_possible_truncation, reason = "less than WRITER_STRIPES")]
        let index = (hasher.finish() % stripes) as usize;
        #[expect(clippy::indexing_slicing, reason = "the index is a remainder of the length")]
        &self.writers[index]
    }

    /// Waits until the snapshot holds everything up to `revision`, `own` among it.
    async fn reach(&self, revision: Revision, own: &Written) -> Result<(), CatalogError> {
        let at_hand = self.store.at_hand(self.load().revision());
        if self.current.take_in(&at_hand, own) >= revision {
            return Ok(());
        }
        let mut applied = self.current.applied.subscribe();
        let arrived = applied.wait_for(|now| now.revision >= revision || !now.live);
        match tokio::time::timeout(CATCH_UP_MAX, arrived).await {
            Ok(Ok(now)) if now.revision >= revision => Ok(()),
            _ => Err(CatalogError::Stale),
        }
    }
}

/// The revision after `revision`: what a reader that lost a race has yet to see.
fn after(revision: Revision) -> Revision {
    Revision::new(revision.get().saturating_add(1))
}

/// Reads every entry into a new snapshot, and a watch that goes on where the scan began.
///
/// A scan of many pages sees writes that happen between its pages. The watch starts at the
/// revision of the first page, so that those are applied again and every key comes out right.
async fn scan(store: &dyn Store, partition: Partition) -> Result<(Snapshot, Watch), StoreError> {
    let mut snapshot: Option<(Snapshot, Watch)> = None;
    for root in ROOTS {
        let mut after = None;
        loop {
            let page = store.range(&root_key(root), after.as_ref(), PAGE_ENTRIES_MAX).await?;
            let (snapshot, _) = match &mut snapshot {
                Some(begun) => begun,
                none => {
                    let watch = store.watch(page.revision)?;
                    none.insert((Snapshot::empty(page.revision, partition), watch))
                }
            };
            page.entries.iter().for_each(|entry| snapshot.apply(&entry.key, Some(entry)));
            after = page.entries.last().map(|entry| entry.key.clone());
            if !page.more {
                break;
            }
        }
    }
    snapshot.ok_or(StoreError::Closed)
}

#[expect(clippy::expect_used, reason = "the roots are short constants")]
pub(crate) fn root_key(root: &str) -> Key {
    Key::try_from(root).expect("a root is a valid key")
}

impl Current {
    fn new(snapshot: Snapshot) -> Self {
        let applied = Applied { revision: snapshot.revision(), live: true };
        let applied = watch::Sender::new(applied);
        Self { snapshot: ArcSwap::from_pointee(snapshot), turn: std::sync::Mutex::new(()), applied }
    }

    /// Takes commits in that follow each other without a gap, leaving out those that are in
    /// already; answers the revision that the newest snapshot then has. What `own` holds is not
    /// decoded.
    ///
    /// The first may not lie beyond a gap: the watch gives every commit in order, and a writer asks
    /// for those above the newest snapshot.
    fn take_in(&self, batches: &[Batch], own: &Written) -> Revision {
        let _turn = self.turn();
        let newest = self.snapshot.load();
        let known = newest.revision();
        let news = || batches.iter().filter(|batch| batch.revision > known);
        if news().next().is_none() {
            return known;
        }
        let mut next = Snapshot::clone(&newest);
        news().for_each(|batch| apply(&mut next, batch, own));
        self.publish(next)
    }

    /// Replaces the snapshot by one that was scanned, unless writers have come further meanwhile.
    fn replace(&self, scanned: Snapshot) {
        let _turn = self.turn();
        if scanned.revision() >= self.snapshot.load().revision() {
            self.publish(scanned);
        }
    }

    fn publish(&self, snapshot: Snapshot) -> Revision {
        let revision = snapshot.revision();
        self.snapshot.store(Arc::new(snapshot));
        self.applied.send_modify(|applied| applied.revision = revision);
        revision
    }

    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        // The snapshot is replaced whole or not at all, so a panic leaves nothing half-done.
        self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The task that takes in every commit that the watch gives.
struct Follower {
    current: Arc<Current>,
    store: Arc<dyn Store>,
}

impl Follower {
    async fn run(self, mut watch: Watch) {
        loop {
            match next(&mut watch).await {
                Ok(batch) => {
                    self.current.take_in(&[batch], &Written::default());
                }
                Err(StoreError::Compacted { .. }) => match self.rescan().await {
                    Ok((snapshot, newer)) => {
                        watch = newer;
                        self.current.replace(snapshot);
                    }
                    Err(error) => return self.stop(&error),
                },
                Err(error) => return self.stop(&error),
            }
        }
    }

    async fn rescan(&self) -> Result<(Snapshot, Watch), StoreError> {
        let partition = self.current.snapshot.load().partition();
        scan(self.store.as_ref(), partition).await
    }

    fn stop(&self, error: &StoreError) {
        if !matches!(error, StoreError::Closed) {
            tracing::error!(%error, "the catalog no longer follows the store; calls are refused");
        }
        self.current.applied.send_modify(|applied| applied.live = false);
    }
}

/// The next commit. Lets some gather when there is none at hand: a follower that every commit wakes,
/// only to see that its writer took it in already, costs a busy server a switch of threads each.
async fn next(watch: &mut Watch) -> Result<Batch, StoreError> {
    if let Some(at_hand) = watch.next().now_or_never() {
        return at_hand;
    }
    tokio::time::sleep(FOLLOWER_PAUSE).await;
    watch.next().await
}

/// Takes the changes of one commit into `snapshot`.
fn apply(snapshot: &mut Snapshot, batch: &Batch, own: &Written) {
    for change in batch.changes.iter() {
        match change {
            Change::Put(entry) => match own.find(batch.revision, &entry.key) {
                Some((address, value)) => snapshot.apply_known(address.clone(), entry, value),
                None => snapshot.apply(&entry.key, Some(entry)),
            },
            Change::Delete(key) => snapshot.apply(key, None),
        }
    }
    snapshot.advance(batch.revision);
}
