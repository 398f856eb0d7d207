//! Who gets a worker: pools of warm ones, limits, and the queue of events that wait.
//!
//! An event takes whatever comes first: a warm worker of its version, or a place to start one.
//! Waiting events are served in turn: the version with the fewest workers first, so that one with many
//! events keeps no other out, and within that in order of arrival. Every change of the state ends in
//! `dispatch`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::lock;
use crate::process::Process;
use crate::specification::{InvokeError, Settings, WorkerSpec};
use crate::worker::Worker;

/// When every place is taken: how long warm workers go on with events of their own version past an
/// event that needs a place, and each for how long since it was ready. Shorter, and two busy functions
/// would end each other's workers all the time; without an end, one could keep the other out for ever.
/// With as many workers, neither does.
const OVERTAKEN_MAX: Duration = Duration::from_secs(1);

/// How long workers have between SIGTERM and SIGKILL at shutdown.
const TERMINATION_GRACE: Duration = Duration::from_millis(500);

/// How long the kernel may take to end killed workers, before we say so and go on.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// One life of a pool: workers of a retired one do not go back.
#[derive(Default)]
pub(crate) struct Generation {
    retired: AtomicBool,
}

impl Generation {
    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// The workers of it that start or live: each holds it, and so does who asks.
    fn others(self: &Arc<Self>) -> usize {
        Arc::strong_count(self).saturating_sub(1)
    }
}

/// A worker's part in one life of a pool. Whoever keeps the pool filled hears of its end, which may come
/// after that of its process.
pub(crate) struct Membership {
    /// `None` at its very end.
    generation: Option<Arc<Generation>>,
    pools: Weak<Pools>,
}

impl Membership {
    fn of(generation: Arc<Generation>, pools: &Arc<Pools>) -> Self {
        Self { generation: Some(generation), pools: Arc::downgrade(pools) }
    }

    fn is_retired(&self) -> bool {
        self.generation.as_ref().is_none_or(|generation| generation.is_retired())
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.generation = None;
        if let Some(pools) = self.pools.upgrade() {
            pools.vacated.notify_waiters();
        }
    }
}

/// What a waiting event gets.
pub(crate) enum Grant {
    /// A worker that ran events before.
    Warm(Worker),
    /// The right to start a worker.
    Start(Slot),
}

/// The right to start one worker.
pub(crate) struct Slot {
    pub(crate) membership: Membership,
    pub(crate) place: Place,
    pub(crate) share: StartShare,
}

/// What a pool that is kept filled lacks.
pub(crate) enum Vacancy {
    /// A worker, and there is a place for it.
    Slot(Slot),
    /// Nothing, or there is no place now.
    None,
    /// It is kept no longer.
    Retired,
}

/// One of the places for workers; free again when dropped.
pub(crate) struct Place(Arc<Pools>);

/// One of the shares of starting workers; free again when dropped.
pub(crate) struct StartShare(Arc<Pools>);

/// An admitted event; it counts against the concurrency limit until dropped.
pub(crate) struct Running(Arc<Pools>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// New events are admitted.
    Open,
    /// Only admitted events go on.
    Closed,
    /// No event goes on.
    Ended,
}

struct Waiter {
    spec: Arc<WorkerSpec>,
    since: Instant,
    grant: oneshot::Sender<Grant>,
}

#[derive(Default)]
struct Pool {
    generation: Arc<Generation>,
    /// The most recently used one last: it is reused first, the others grow old and end.
    idle: Vec<Idle>,
    /// How many workers are to be kept ready; `None` where they come and go with the events.
    kept: Option<usize>,
}

struct Idle {
    worker: Worker,
    since: Instant,
}

/// A version that was retired: its workers go on for who still has it.
struct Retired {
    /// Keeps the address from being another's.
    spec: Weak<WorkerSpec>,
    generation: Arc<Generation>,
}

struct State {
    phase: Phase,
    pools: HashMap<String, Pool>,
    /// What was retired, for as long as anybody may still come with it: by the address of its spec.
    retired: HashMap<usize, Retired>,
    waiters: VecDeque<Waiter>,
    /// Processes of all workers, for the shutdown.
    processes: Vec<Arc<Process>>,
    /// Admitted events.
    running: usize,
    /// Places taken: by workers that start, live, or are ending.
    places: usize,
    /// Workers that start.
    starting: usize,
    /// Idle workers that were ended to make place, and still hold theirs.
    evicted: usize,
}

/// All workers of one sandbox.
pub(crate) struct Pools {
    pub(crate) settings: Settings,
    state: Mutex<State>,
    /// Somebody may want to look at the state again: an event or a worker ended.
    changed: Notify,
    /// A worker became idle.
    idled: Notify,
    /// A place or a share of starts became free, or what is kept ready changed.
    pub(crate) vacated: Notify,
}

impl Pools {
    pub(crate) fn new(settings: Settings) -> Self {
        let state = State {
            phase: Phase::Open,
            pools: HashMap::new(),
            retired: HashMap::new(),
            waiters: VecDeque::new(),
            processes: Vec::new(),
            running: 0,
            places: 0,
            starting: 0,
            evicted: 0,
        };
        let state = Mutex::new(state);
        let (changed, idled, vacated) = (Notify::new(), Notify::new(), Notify::new());
        Self { settings, state, changed, idled, vacated }
    }

    /// Counts one more event, within the concurrency limit.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Running, InvokeError> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err(InvokeError::ShuttingDown);
        }
        if state.running >= self.settings.concurrency_limit {
            return Err(InvokeError::Throttled);
        }
        state.running += 1;
        Ok(Running(Arc::clone(self)))
    }

    /// Waits for a worker of this version or a place to start one.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        spec: &Arc<WorkerSpec>,
    ) -> Result<Grant, InvokeError> {
        let granted = self.enqueue(spec)?;
        self.dispatch();
        granted.await.map_err(|_| InvokeError::ShuttingDown)
    }

    fn enqueue(&self, spec: &Arc<WorkerSpec>) -> Result<oneshot::Receiver<Grant>, InvokeError> {
        let (grant, granted) = oneshot::channel();
        let mut state = lock(&self.state);
        if state.phase == Phase::Ended {
            return Err(InvokeError::ShuttingDown);
        }
        state.waiters.push_back(Waiter { spec: Arc::clone(spec), since: Instant::now(), grant });
        Ok(granted)
    }

    /// Gives every waiting event what it can have now.
    fn dispatch(self: &Arc<Self>) {
        loop {
            let Some((waiter, grant)) = self.next_grant() else { return };
            // Outside of the lock: a grant that nobody takes gives itself back.
            drop(waiter.grant.send(grant));
        }
    }

    fn next_grant(self: &Arc<Self>) -> Option<(Waiter, Grant)> {
        let mut state = lock(&self.state);
        let turn = state.turn()?;
        let can_start = state.can_start(&self.settings);
        let candidates = state.candidates(turn, &self.settings);
        if let Some((waiter, worker)) = state.first_warm(candidates) {
            return Some((waiter, Grant::Warm(worker)));
        }
        if !can_start {
            return None;
        }
        if state.is_full(&self.settings) {
            // The place becomes free when the process is gone; that dispatches again.
            state.evict_oldest();
            return None;
        }
        let waiter = state.waiters.remove(turn)?;
        state.places += 1;
        state.starting += 1;
        let membership = Membership::of(state.generation_of(&waiter.spec), self);
        drop(state);
        let (place, share) = (Place(Arc::clone(self)), StartShare(Arc::clone(self)));
        Some((waiter, Grant::Start(Slot { membership, place, share })))
    }

    /// Takes back a worker that can run another event.
    pub(crate) fn release(self: &Arc<Self>, worker: Worker) {
        let mut state = lock(&self.state);
        let unwanted = state.phase != Phase::Open && state.waiters.is_empty();
        let aged = worker.age() >= self.settings.age_max;
        if unwanted || aged || worker.process.has_exited() {
            drop(state);
            return drop(worker);
        }
        if worker.membership.is_retired() {
            let waiter = state.first_waiter(&worker.spec, &self.settings);
            drop(state);
            // To whoever waits for it already, or to nobody: then it ends here.
            if let Some(waiter) = waiter {
                drop(waiter.grant.send(Grant::Warm(worker)));
            }
            return;
        }
        let pool = state.pools.entry(worker.spec.id.clone()).or_default();
        if pool.kept.is_some_and(|count| pool.living() > count) {
            drop(state);
            return drop(worker);
        }
        pool.idle.push(Idle { worker, since: Instant::now() });
        drop(state);
        self.idled.notify_one();
        self.dispatch();
    }

    /// Ends the idle workers of a version now, and the others when they come back and nobody waits
    /// for them.
    pub(crate) fn retire(&self, spec: &Arc<WorkerSpec>) {
        let mut state = lock(&self.state);
        state.retired.retain(|_, retired| retired.spec.strong_count() > 0);
        let pool = state.pools.remove(&spec.id).unwrap_or_default();
        pool.generation.retire();
        let generation = Arc::clone(&pool.generation);
        let retired = Retired { spec: Arc::downgrade(spec), generation };
        state.retired.entry(Arc::as_ptr(spec).addr()).or_insert(retired);
        drop(state);
        // Outside of the lock: its idle workers tell of their end.
        drop(pool);
        self.vacated.notify_waiters();
    }

    /// Keeps this many workers of a version ready, which [`Pools::vacancy`] gives places for; ends
    /// idle ones that are too many.
    pub(crate) fn keep(&self, id: &str, count: usize) {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return;
        }
        let pool = state.pools.entry(id.to_owned()).or_default();
        pool.kept = Some(count);
        let excess = pool.living().saturating_sub(count).min(pool.idle.len());
        let ended: Vec<_> = pool.idle.drain(..excess).collect();
        drop(state);
        drop(ended);
        self.vacated.notify_waiters();
    }

    /// A warm worker of this version, if there is one now.
    pub(crate) fn take(&self, id: &str) -> Option<Worker> {
        lock(&self.state).pools.get_mut(id)?.pop()
    }

    /// The workers of a version that start or live.
    pub(crate) fn living(&self, id: &str) -> usize {
        lock(&self.state).pools.get(id).map_or(0, Pool::living)
    }

    /// Whether a version has fewer workers than are to be kept ready, and no place for more that are: nor
    /// will have one when those that are too many have ended.
    pub(crate) fn lacks_places(&self, id: &str) -> bool {
        let state = lock(&self.state);
        let lacks = |pool: &Pool| pool.kept.is_some_and(|count| pool.living() < count);
        let kept = state.pools.values().filter_map(|pool| pool.kept);
        let (kept, most) = (kept.fold(0, usize::saturating_add), self.settings.kept_max());
        state.pools.get(id).is_some_and(lacks) && kept > most && state.kept_living() >= most
    }

    /// What a version lacks whose workers are kept ready; a place only if it `may_start` one now.
    pub(crate) fn vacancy(self: &Arc<Self>, id: &str, may_start: bool) -> Vacancy {
        let mut state = lock(&self.state);
        let kept = |pool: &Pool| Some((pool.living(), pool.kept?));
        let Some((living, count)) = state.pools.get(id).and_then(kept) else {
            return Vacancy::Retired;
        };
        let can_start = may_start && state.starting < self.settings.starts_max;
        if living >= count || !can_start || state.kept_living() >= self.settings.kept_max() {
            return Vacancy::None;
        }
        if state.places >= self.settings.workers_max {
            // The place becomes free when the process is gone; that wakes whoever keeps them.
            state.evict_oldest();
            return Vacancy::None;
        }
        // Only now: who has the generation counts as living.
        let Some(pool) = state.pools.get(id) else { return Vacancy::Retired };
        let generation = Arc::clone(&pool.generation);
        state.places += 1;
        state.starting += 1;
        drop(state);
        let membership = Membership::of(generation, self);
        let (place, share) = (Place(Arc::clone(self)), StartShare(Arc::clone(self)));
        Vacancy::Slot(Slot { membership, place, share })
    }

    /// Ends idle workers when their time comes. Runs until it is aborted.
    pub(crate) async fn sweep_forever(self: Arc<Self>) {
        loop {
            match self.sweep() {
                Some(next) => sleep_until(next).await,
                None => self.idled.notified().await,
            }
        }
    }

    /// Ends workers that were idle for too long, or grew too old while they were kept ready; gives
    /// when the next one will have.
    fn sweep(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut expired = Vec::new();
        let mut state = lock(&self.state);
        for pool in state.pools.values_mut() {
            let settings = &self.settings;
            let is_kept = pool.kept.is_some();
            expired.extend(pool.idle.extract_if(.., |idle| idle.end(is_kept, settings) <= now));
        }
        state.pools.retain(|_, pool| !pool.is_unused());
        let ends = |pool: &Pool| {
            let is_kept = pool.kept.is_some();
            pool.idle.iter().map(|idle| idle.end(is_kept, &self.settings)).min()
        };
        state.pools.values().filter_map(ends).min()
    }

    /// Refuses new events, and ends every worker that is not needed for an admitted one.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.phase = Phase::Closed;
        let pools = mem::take(&mut state.pools);
        drop(state);
        for pool in pools.values() {
            pool.generation.retire();
        }
        self.vacated.notify_waiters();
    }

    /// See [`crate::Sandbox::shutdown`].
    pub(crate) async fn shutdown(&self, grace: Duration) {
        self.keep_none();
        let _ = timeout(grace, self.until(|state| state.running == 0)).await;
        self.end();
        self.signal_all(Signal::TERM);
        let gone = self.until(|state| state.places == 0);
        if timeout(TERMINATION_GRACE, gone).await.is_err() {
            self.signal_all(Signal::KILL);
        }
        if timeout(KILL_GRACE, self.until(|state| state.places == 0)).await.is_err() {
            tracing::error!("some workers have not ended");
        }
    }

    /// New events are refused, and no worker is started without one.
    fn keep_none(&self) {
        let mut state = lock(&self.state);
        state.phase = Phase::Closed;
        for pool in state.pools.values_mut() {
            pool.kept = None;
        }
        drop(state);
        self.vacated.notify_waiters();
    }

    /// From here on no event goes on: waiting ones learn it, and a worker that is just starting is
    /// ended as soon as it is there.
    fn end(&self) {
        let mut state = lock(&self.state);
        state.phase = Phase::Ended;
        state.waiters.clear();
    }

    /// Whether workers are ended without regard to their events.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.state).phase == Phase::Ended
    }

    fn signal_all(&self, signal: Signal) {
        for process in &lock(&self.state).processes {
            process.signal(signal);
        }
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if condition(&lock(&self.state)) {
                return;
            }
            changed.await;
        }
    }
}

impl State {
    /// Which waiting event is next: of the versions with the fewest workers, the first that came.
    fn turn(&self) -> Option<usize> {
        if self.waiters.len() < 2 {
            return (!self.waiters.is_empty()).then_some(0);
        }
        let mut seen = HashSet::new();
        let mut next: Option<(usize, usize)> = None;
        for (index, waiter) in self.waiters.iter().enumerate() {
            if !seen.insert(Arc::as_ptr(&waiter.spec)) {
                continue;
            }
            let workers = self.workers(&waiter.spec);
            if next.is_none_or(|(fewest, _)| workers < fewest) {
                next = Some((workers, index));
            }
            if workers == 0 {
                break;
            }
        }
        next.map(|(_, index)| index)
    }

    /// How many workers a version has that come and go with its events.
    fn workers(&self, spec: &Arc<WorkerSpec>) -> usize {
        if let Some(retired) = self.retired.get(&Arc::as_ptr(spec).addr()) {
            return retired.generation.others();
        }
        self.pools.get(&spec.id).filter(|pool| pool.kept.is_none()).map_or(0, Pool::living)
    }

    /// Whether idle workers may serve others before the event that is next, rather than be ended to
    /// make place for it.
    fn may_be_overtaken(&self, turn: usize) -> bool {
        self.waiters.get(turn).is_some_and(|waiter| waiter.since.elapsed() < OVERTAKEN_MAX)
    }

    /// Whether an event waits that a worker may be started for now, given a place.
    fn can_start(&self, settings: &Settings) -> bool {
        !self.waiters.is_empty() && self.starting < settings.starts_max
    }

    fn is_full(&self, settings: &Settings) -> bool {
        self.places >= settings.workers_max
    }

    /// Which of the waiting events a warm worker may serve now: where one may be started for the one
    /// whose turn it is, that one only. Where another would have to end first, those too whose version
    /// would have fewer workers than that one then: they would only change places. A version without any
    /// worker gets its place, but no start is for one event only: who has a new worker goes on.
    fn candidates(&self, turn: usize, settings: &Settings) -> Vec<usize> {
        let (all, is_full) = (0..self.waiters.len(), self.is_full(settings));
        if !self.can_start(settings) || (is_full && self.may_be_overtaken(turn)) {
            return all.collect();
        }
        let workers =
            |index: usize| self.waiters.get(index).map_or(0, |waiter| self.workers(&waiter.spec));
        if !is_full {
            return vec![turn];
        }
        let fewest = workers(turn);
        let more = |index| fewest > 0 && workers(index) < fewest + 2;
        all.filter(|index| *index == turn || more(*index) || self.has_new(*index)).collect()
    }

    /// Whether an idle worker of a waiting event's version is new.
    fn has_new(&self, index: usize) -> bool {
        let id = self.waiters.get(index).map(|waiter| &waiter.spec.id);
        let pool = id.and_then(|id| self.pools.get(id));
        let is_new = |idle: &Idle| idle.worker.ready_for() < OVERTAKEN_MAX;
        pool.is_some_and(|pool| pool.idle.iter().any(is_new))
    }

    /// The first of these waiting events that an idle worker can serve.
    fn first_warm(&mut self, candidates: Vec<usize>) -> Option<(Waiter, Worker)> {
        for index in candidates {
            let id = &self.waiters.get(index)?.spec.id;
            if let Some(worker) = self.pools.get_mut(id).and_then(Pool::pop) {
                return Some((self.waiters.remove(index)?, worker));
            }
        }
        None
    }

    /// The first waiting event that a worker of this version may serve now, no longer waiting.
    fn first_waiter(&mut self, spec: &WorkerSpec, settings: &Settings) -> Option<Waiter> {
        let candidates = self.candidates(self.turn()?, settings);
        let is_its =
            |index: &usize| self.waiters.get(*index).is_some_and(|it| it.spec.id == spec.id);
        let index = candidates.into_iter().find(is_its)?;
        self.waiters.remove(index)
    }

    /// What a new worker of this version belongs to; for a retired one, to nothing that it could go
    /// back to.
    fn generation_of(&mut self, spec: &Arc<WorkerSpec>) -> Arc<Generation> {
        if let Some(retired) = self.retired.get(&Arc::as_ptr(spec).addr()) {
            return Arc::clone(&retired.generation);
        }
        Arc::clone(&self.pools.entry(spec.id.clone()).or_default().generation)
    }

    /// The workers of all versions whose workers are kept ready.
    fn kept_living(&self) -> usize {
        let kept = self.pools.values().filter(|pool| pool.kept.is_some());
        kept.map(Pool::living).sum()
    }

    /// Ends the worker that was idle for the longest time, of any version whose workers come and go.
    fn evict_oldest(&mut self) {
        if self.evicted > 0 {
            return;
        }
        let pools = self.pools.values_mut();
        let pools = pools.filter(|pool| pool.kept.is_none() && !pool.idle.is_empty());
        let oldest = pools.min_by_key(|pool| pool.idle.first().map(|idle| idle.since));
        if let Some(pool) = oldest {
            drop(pool.idle.remove(0));
            self.evicted += 1;
        }
    }
}

impl Pool {
    /// The most recently used worker that still lives.
    fn pop(&mut self) -> Option<Worker> {
        loop {
            let Idle { worker, .. } = self.idle.pop()?;
            if !worker.process.has_exited() {
                return Some(worker);
            }
        }
    }

    /// Whether neither a worker nor a start refers to it.
    fn is_unused(&self) -> bool {
        self.kept.is_none() && self.idle.is_empty() && self.living() == 0
    }

    /// The workers that start or live.
    fn living(&self) -> usize {
        self.generation.others()
    }
}

impl Idle {
    /// When it has been idle for too long, or is too old for one that is kept ready.
    fn end(&self, is_kept: bool, settings: &Settings) -> Instant {
        if is_kept {
            self.worker.started + settings.age_max
        } else {
            self.since + settings.idle_grace
        }
    }
}

impl Running {
    pub(crate) fn pools(&self) -> &Arc<Pools> {
        &self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.0.state).running -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Drop for StartShare {
    fn drop(&mut self) {
        lock(&self.0.state).starting -= 1;
        self.0.vacated.notify_waiters();
        self.0.dispatch();
    }
}

impl Place {
    /// A process has taken the place.
    pub(crate) fn occupy(&self, process: &Arc<Process>) {
        let mut state = lock(&self.0.state);
        state.processes.push(Arc::clone(process));
        if state.phase == Phase::Ended {
            process.kill();
        }
    }

    /// The process is gone: nobody shall be given its worker. Frees the place.
    pub(crate) fn leave(self, id: &str, process: &Arc<Process>) {
        let mut state = lock(&self.0.state);
        state.processes.retain(|other| !Arc::ptr_eq(other, process));
        let mut gone = Vec::new();
        if let Some(pool) = state.pools.get_mut(id) {
            gone.extend(
                pool.idle.extract_if(.., |idle| Arc::ptr_eq(&idle.worker.process, process)),
            );
        }
        // Their generation keeps a pool in use.
        drop(gone);
        if state.pools.get(id).is_some_and(Pool::is_unused) {
            state.pools.remove(id);
        }
        // Before `self`, whose end takes the lock again.
        drop(state);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.places -= 1;
        state.evicted = state.evicted.saturating_sub(1);
        drop(state);
        self.0.changed.notify_waiters();
        self.0.vacated.notify_waiters();
        self.0.dispatch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::path::PathBuf;

    use crate::records::LogFormat;
    use crate::specification::{Program, RuntimeCommand};

    /// Its process may end first: the place is free then, and the worker still counts.
    #[tokio::test]
    async fn whoever_keeps_workers_hears_when_one_is_let_go() {
        let pools = Arc::new(Pools::new(Settings::default()));
        pools.keep("a", 1);
        let Vacancy::Slot(Slot { membership, place, share }) = pools.vacancy("a", true) else {
            panic!("there is a place");
        };
        drop((place, share));
        let mut vacated = std::pin::pin!(pools.vacated.notified());
        vacated.as_mut().enable();
        assert!(matches!(pools.vacancy("a", true), Vacancy::None));
        drop(membership);
        timeout(KILL_GRACE, vacated).await.unwrap();
        assert!(matches!(pools.vacancy("a", true), Vacancy::Slot(_)));
    }

    /// There are places for two that are kept ready. How many are to be of each version, of which the
    /// first has two workers at all times, and whether the second lacks places then.
    #[tokio::test]
    async fn places_lack_only_while_more_is_to_be_kept_than_there_is_place_for() {
        let pools = Arc::new(Pools::new(Settings { workers_max: 3, ..Settings::default() }));
        pools.keep("a", 2);
        let started: Vec<_> = (0..2).map(|_| pools.vacancy("a", true)).collect();
        assert!(started.iter().all(|vacancy| matches!(vacancy, Vacancy::Slot(_))));
        for (a, b, want) in
            [(2, 1, true), (0, 2, false), (1, 1, false), (1, 2, true), (2, 0, false)]
        {
            pools.keep("a", a);
            pools.keep("b", b);
            // The workers of the first still run their events.
            assert_eq!((pools.living("a"), pools.lacks_places("b")), (2, want), "{a} {b}");
        }
    }

    fn spec(id: &str) -> Arc<WorkerSpec> {
        let program = Program::Bootstrap;
        let (arguments, folders) = (Vec::new(), Vec::new());
        let runtime =
            RuntimeCommand { program, arguments, folders, client_dir: None, zygote: None };
        Arc::new(WorkerSpec {
            id: id.to_owned(),
            function: id.to_owned(),
            version: "1".to_owned(),
            runtime,
            code_dir: PathBuf::new(),
            layers_dir: None,
            handler: String::new(),
            environment: Vec::new(),
            host: None,
            log: None,
            log_format: LogFormat::Text,
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            ephemeral_mb: 512,
        })
    }

    /// The right to start a worker for an event of this version, which must be free.
    async fn slot(pools: &Arc<Pools>, spec: &Arc<WorkerSpec>) -> Slot {
        match timeout(KILL_GRACE, pools.acquire(spec)).await.unwrap().unwrap() {
            Grant::Start(slot) => slot,
            Grant::Warm(_) => panic!("nobody was released"),
        }
    }

    /// A version in the tests below: its id, how many workers it has, whether it was retired.
    type Case = (&'static str, usize, bool);

    /// Pools of these versions, with so many more places; two events of each wait for `age`.
    async fn pools_of(versions: &[Case], free: usize, age: Duration) -> (Arc<Pools>, Vec<Slot>) {
        let taken: usize = versions.iter().map(|(_, workers, _)| workers).sum();
        let settings =
            Settings { workers_max: taken + free, starts_max: 100, ..Settings::default() };
        let pools = Arc::new(Pools::new(settings));
        let (mut slots, mut specs) = (Vec::new(), Vec::new());
        for (id, workers, retired) in versions {
            let spec = spec(id);
            for number in 0..*workers {
                // One of them is started after that.
                if *retired && number + 1 == *workers {
                    pools.retire(&spec);
                }
                slots.push(slot(&pools, &spec).await);
            }
            if *retired {
                pools.retire(&spec);
            }
            specs.push(spec);
        }
        for spec in specs.iter().flat_map(|spec| [spec, spec]) {
            drop(pools.enqueue(spec).unwrap());
        }
        for waiter in &mut lock(&pools.state).waiters {
            waiter.since = waiter.since.checked_sub(age).unwrap();
        }
        (pools, slots)
    }

    #[tokio::test]
    async fn the_version_with_the_fewest_workers_is_next_retired_or_not() {
        for (versions, want) in [
            (&[("a", 1, false), ("b", 1, false)][..], "a"),
            (&[("a", 2, false), ("b", 1, false)], "b"),
            (&[("a", 2, true), ("b", 1, false)], "b"),
            (&[("a", 1, true), ("b", 2, true)], "a"),
            (&[("a", 1, true), ("b", 0, true), ("c", 0, false)], "b"),
        ] {
            let (pools, _slots) = pools_of(versions, 0, Duration::ZERO).await;
            let state = lock(&pools.state);
            let next = &state.waiters.get(state.turn().unwrap()).unwrap().spec.id;
            assert_eq!(next, want, "{versions:?}");
        }
    }

    /// Which versions' events an idle worker may serve, of the two that wait each.
    #[tokio::test]
    async fn no_worker_ends_for_a_version_that_would_have_more_then() {
        let (now, late) = (Duration::ZERO, 2 * OVERTAKEN_MAX);
        for (versions, free, age, want) in [
            (&[("a", 1, false), ("b", 1, false)][..], 0, late, "aabb"),
            (&[("a", 2, false), ("b", 1, false)], 0, late, "aabb"),
            (&[("a", 2, true), ("b", 1, false)], 0, late, "aabb"),
            (&[("a", 3, false), ("b", 1, false)], 0, late, "bb"),
            (&[("a", 3, false), ("b", 1, false), ("c", 2, false)], 0, late, "bbcc"),
            (&[("a", 1, false), ("b", 0, false)], 0, late, "b"),
            (&[("a", 3, false), ("b", 0, false)], 0, now, "aabb"),
            (&[("a", 1, false), ("b", 1, false)], 1, late, "a"),
        ] {
            let (pools, _slots) = pools_of(versions, free, age).await;
            let state = lock(&pools.state);
            let candidates = state.candidates(state.turn().unwrap(), &pools.settings);
            let id = |index| state.waiters.get(index).map(|waiter| &*waiter.spec.id).unwrap();
            let got: String = candidates.into_iter().map(id).collect();
            assert_eq!(got, want, "{versions:?} {free} {age:?}");
        }
    }
}
