//! One event's way: get a worker, have it run the event, say how it ended.

use std::sync::Arc;
use std::time::Duration;

use crate::exchange::{Answer, Cut};
use crate::outcome::{Fault, Outcome, unready_type};
use crate::pools::{Grant, Running, Slot};
use crate::process::{End, Exit};
use crate::records::{Phase, Status};
use crate::spawner::SpawnError;
use crate::specification::{Event, InvokeError, WorkerSpec};
use crate::start::Starter;
use crate::worker::{Init, Served, Worker};

/// An admitted event.
pub(crate) struct Invocation {
    running: Running,
    starter: Arc<Starter>,
    spec: Arc<WorkerSpec>,
    event: Event,
}

/// What became of an event on a worker: its end, or (with the worker's) that it did not begin.
type Attempt = Result<Outcome, Exit>;

impl Invocation {
    pub(crate) fn new(
        running: Running,
        starter: Arc<Starter>,
        spec: Arc<WorkerSpec>,
        event: Event,
    ) -> Self {
        Self { running, starter, spec, event }
    }

    /// Runs the event to its end. A warm worker that is gone before it has the event is replaced;
    /// a fresh one is not, so that a worker that always ends cannot keep us starting new ones.
    pub(crate) async fn run(self) -> Result<Outcome, InvokeError> {
        let mut limit = self.running.pools().settings.init_limit;
        let mut retried = false;
        loop {
            let slot = match self.running.pools().acquire(&self.spec).await? {
                Grant::Warm(worker) => match self.serve(worker, Duration::ZERO).await {
                    Ok(outcome) => return self.unless_ended(outcome),
                    Err(_) => continue,
                },
                Grant::Start(slot) => slot,
            };
            match self.serve_fresh(slot, limit, retried).await? {
                Some(outcome) => return self.unless_ended(outcome),
                // As on AWS: a start that takes too long gets a second try, within the event.
                None => (limit, retried) = (self.spec.timeout, true),
            }
        }
    }

    /// As [`run`](Self::run), on this worker first.
    pub(crate) async fn run_on(self, worker: Worker) -> Result<Outcome, InvokeError> {
        match self.serve(worker, Duration::ZERO).await {
            Ok(outcome) => self.unless_ended(outcome),
            Err(_) => self.run().await,
        }
    }

    /// Starts a worker and runs the event on it; `None` when its start took too long, unless it is
    /// the last try.
    async fn serve_fresh(
        &self,
        slot: Slot,
        limit: Duration,
        last_try: bool,
    ) -> Result<Option<Outcome>, InvokeError> {
        let (mut worker, share) = Worker::start(&self.spec, slot, &self.starter).await?;
        let (outcome, status) = match worker.initialise(share, limit).await {
            Init::Ready => {
                // The second try is a part of the event.
                let spent = if last_try { worker.take_init() } else { Duration::ZERO };
                let attempt = self.serve(worker, spent).await;
                return Ok(Some(attempt.unwrap_or_else(|exit| self.ended(Fault::exited(exit)).0)));
            }
            Init::Failed(description) => {
                let status = Status::Unready(unready_type(&description));
                (Outcome::failed(description), status)
            }
            Init::Exited(End::Exit(exit)) => self.ended(Fault::exited(exit)),
            Init::Exited(End::Failure(failure)) => return Err(SpawnError::from(failure).into()),
            Init::Exited(End::NotExecuted(why)) => {
                self.ended(Fault::not_executed(&self.spec.runtime.program, &why)?)
            }
            Init::TimedOut => self.timed_out(),
        };
        worker.fail_init(if last_try { Phase::Invoke } else { Phase::Init }, &status);
        if matches!(status, Status::Timeout(_)) && !last_try {
            return Ok(None);
        }
        worker.begin(&self.event);
        let duration = worker.age();
        let log_tail = worker.report(&self.event, status, duration);
        Ok(Some(Outcome { log_tail, ..outcome }))
    }

    /// Runs the event, which has `spent` so much of its time, on a worker that is ready, and gives the
    /// worker back if it can go on.
    async fn serve(&self, mut worker: Worker, spent: Duration) -> Attempt {
        let left = self.spec.timeout.saturating_sub(spent);
        let (served, took) = worker.serve(&self.event, left).await;
        let duration = spent + took;
        let (outcome, status) = match served {
            Served::Undelivered(exit) => return Err(exit),
            Served::Answered(Answer::Response(payload)) => {
                (Outcome::answered(payload), Status::Success)
            }
            Served::Answered(Answer::Error(description)) => {
                (Outcome::failed(description), Status::Failure)
            }
            Served::Answered(Answer::TooLarge) => (Outcome::too_large(), Status::Failure),
            // As many runtimes do whose answer is cut.
            Served::Exited(exit) if worker.was_cut() == Some(Cut::TooLarge) => {
                (Outcome::too_large(), Status::Ended(Fault::exited(exit)))
            }
            Served::Exited(exit) => self.ended(Fault::exited(exit)),
            Served::TimedOut if worker.was_cut() == Some(Cut::TooLarge) => {
                (Outcome::too_large(), Status::Timeout(self.spec.timeout))
            }
            Served::TimedOut => self.timed_out(),
        };
        let goes_on = matches!(status, Status::Success | Status::Failure);
        let log_tail = worker.report(&self.event, status, duration);
        if goes_on && !worker.has_grown_too_large() {
            self.running.pools().release(worker);
        }
        Ok(Outcome { log_tail, ..outcome })
    }

    fn ended(&self, fault: Fault) -> (Outcome, Status) {
        (Outcome::faulted(&self.event.request_id, &fault), Status::Ended(fault))
    }

    fn timed_out(&self) -> (Outcome, Status) {
        let limit = self.spec.timeout;
        (Outcome::timed_out(&self.event.request_id, limit), Status::Timeout(limit))
    }

    /// A worker that the sandbox itself ended says nothing about its function.
    fn unless_ended(&self, outcome: Outcome) -> Result<Outcome, InvokeError> {
        if outcome.function_error.is_some() && self.running.pools().has_ended() {
            return Err(InvokeError::ShuttingDown);
        }
        Ok(outcome)
    }
}
