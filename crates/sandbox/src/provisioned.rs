//! Workers that are kept ready: started before any event needs them, replaced when they die or grow
//! old, never idled out and never ended to make place for others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::invocation::Invocation;
use crate::lock;
use crate::outcome::{Fault, Outcome, unready_type};
use crate::outliving::Outliving;
use crate::pools::{Pools, Slot, Vacancy};
use crate::process::End;
use crate::records::{Phase, Status};
use crate::specification::{Event, InvokeError, WorkerSpec};
use crate::start::Starter;
use crate::worker::{Init, Worker};
use crate::{Sandbox, Shared};

/// Longest that a worker may take to start that no event waits for. AWS: 15 minutes.
const INIT_LIMIT: Duration = Duration::from_secs(900);

/// How long it waits after a start that failed: doubled each time, up to the second.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// Why a worker could not be made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvisionFailure {
    /// Its function failed: an error at its start, or its end.
    Function,
    /// It took too long.
    Timeout,
    /// The host could not start it.
    Host,
    /// The host has no place for more workers that are kept ready.
    Places,
}

/// How far it is with the workers of one version that are kept ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Workers that start or are ready.
    pub allocated: usize,
    /// Workers that are ready, or run an event.
    pub available: usize,
    /// How the last start failed, unless one succeeded since; or why there is none.
    pub failure: Option<ProvisionFailure>,
}

/// Workers of one version that are kept ready, until it is dropped.
pub struct Provisioned {
    spec: Arc<WorkerSpec>,
    sandbox: Arc<Shared>,
    tries: Arc<Mutex<Tries>>,
}

/// How starts went.
#[derive(Default)]
struct Tries {
    failure: Option<ProvisionFailure>,
    /// Starts that failed one after the other.
    failed: u32,
    /// When the next start may be.
    next: Option<Instant>,
    /// Starts that have not ended.
    starting: usize,
}

impl Sandbox {
    /// Keeps `count` workers of this version ready. Its id must be no other spec's.
    #[must_use]
    pub fn provision(&self, version: &Arc<WorkerSpec>, count: usize) -> Provisioned {
        let shared = Arc::clone(&self.0);
        let tries = Arc::default();
        shared.pools.keep(&version.id, count);
        let keeping = keep(
            Arc::clone(&shared.pools),
            Arc::clone(&shared.starter),
            Arc::clone(version),
            Arc::clone(&tries),
        );
        shared.runtime.spawn(keeping);
        Provisioned { spec: Arc::clone(version), sandbox: shared, tries }
    }
}

impl Provisioned {
    /// What its workers run with.
    #[must_use]
    pub fn spec(&self) -> &Arc<WorkerSpec> {
        &self.spec
    }

    /// Keeps this many from now on.
    pub fn resize(&self, count: usize) {
        self.sandbox.pools.keep(&self.spec.id, count);
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let allocated = self.sandbox.pools.living(&self.spec.id);
        let tries = lock(&self.tries);
        let available = allocated.saturating_sub(tries.starting);
        let lacks_places = || self.sandbox.pools.lacks_places(&self.spec.id);
        let failure = tries.failure.or_else(|| lacks_places().then_some(ProvisionFailure::Places));
        Progress { allocated, available, failure }
    }

    /// Runs one event on a worker that is ready now; gives it back if there is none.
    ///
    /// # Errors
    /// The event. Within the other result: as [`Sandbox::invoke`].
    pub async fn invoke(&self, event: Event) -> Result<Result<Outcome, InvokeError>, Event> {
        let Some(worker) = self.sandbox.pools.take(&self.spec.id) else { return Err(event) };
        let running = match self.sandbox.pools.admit() {
            Ok(running) => running,
            Err(error) => {
                self.sandbox.pools.release(worker);
                return Ok(Err(error));
            }
        };
        let (starter, spec) = (Arc::clone(&self.sandbox.starter), Arc::clone(&self.spec));
        let invocation = Invocation::new(running, starter, spec, event).run_on(worker);
        Ok(Outliving::new(self.sandbox.runtime.clone(), invocation).await)
    }
}

impl Drop for Provisioned {
    fn drop(&mut self) {
        self.sandbox.pools.retire(&self.spec);
    }
}

/// Starts workers wherever one is missing, until the pool is retired.
async fn keep(
    pools: Arc<Pools>,
    starter: Arc<Starter>,
    spec: Arc<WorkerSpec>,
    tries: Arc<Mutex<Tries>>,
) {
    loop {
        let mut vacated = std::pin::pin!(pools.vacated.notified());
        vacated.as_mut().enable(); // Before the look: what changes after it wakes us.
        let next = lock(&tries).next.filter(|next| *next > Instant::now());
        match (pools.vacancy(&spec.id, next.is_none()), next) {
            (Vacancy::Retired, _) => return,
            (Vacancy::Slot(slot), _) => {
                lock(&tries).starting += 1;
                let start = start(slot, Arc::clone(&starter), Arc::clone(&spec));
                let (pools, tries) = (Arc::clone(&pools), Arc::clone(&tries));
                tokio::spawn(async move {
                    let started = start.await;
                    lock(&tries).ended(started.as_ref().err().copied());
                    if let Ok(worker) = started {
                        pools.release(worker);
                    }
                    pools.vacated.notify_waiters();
                });
            }
            (Vacancy::None, Some(next)) => tokio::select! {
                () = vacated => {}
                () = sleep_until(next) => {}
            },
            (Vacancy::None, None) => vacated.await,
        }
    }
}

async fn start(
    slot: Slot,
    starter: Arc<Starter>,
    spec: Arc<WorkerSpec>,
) -> Result<Worker, ProvisionFailure> {
    let started = Worker::start(&spec, slot, &starter).await;
    let (mut worker, share) = started.map_err(|error| host_failed(&error))?;
    let status = match worker.initialise(share, INIT_LIMIT).await {
        Init::Ready => return Ok(worker),
        Init::TimedOut => Status::Timeout(INIT_LIMIT),
        Init::Failed(description) => Status::Unready(unready_type(&description)),
        Init::Exited(End::Exit(exit)) => Status::Ended(Fault::exited(exit)),
        Init::Exited(End::NotExecuted(why)) => {
            let fault = Fault::not_executed(&spec.runtime.program, &why);
            Status::Ended(fault.map_err(|error| host_failed(&error))?)
        }
        Init::Exited(End::Failure(failure)) => return Err(host_failed(&failure)),
    };
    worker.fail_init(Phase::Provisioned, &status);
    let timed_out = matches!(status, Status::Timeout(_));
    Err(if timed_out { ProvisionFailure::Timeout } else { ProvisionFailure::Function })
}

fn host_failed(why: &dyn std::fmt::Debug) -> ProvisionFailure {
    tracing::error!(?why, "a worker that is to be kept ready cannot be started");
    ProvisionFailure::Host
}

impl Tries {
    fn ended(&mut self, failure: Option<ProvisionFailure>) {
        self.starting = self.starting.saturating_sub(1);
        let Some(failure) = failure else {
            *self = Self { starting: self.starting, ..Self::default() };
            return;
        };
        let [first, longest] = PAUSES;
        let pause = first.saturating_mul(1 << self.failed.min(10)).min(longest);
        self.failed = self.failed.saturating_add(1);
        (self.failure, self.next) = (Some(failure), Some(Instant::now() + pause));
    }
}
