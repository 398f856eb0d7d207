//! One event's way: get a worker, have it run the event, say how it ended.

use std::sync::Arc;
use std::time::Duration;

use crate::exchange::Answer;
use crate::outcome::{EXIT_ERROR, INVALID_ENTRYPOINT, Outcome};
use crate::pools::{Grant, Running, Slot};
use crate::process::{End, Exit};
use crate::protocol::{Failure, NotExecuted};
use crate::records::Status;
use crate::spawner::SpawnError;
use crate::specification::{Event, InvokeError, Program, WorkerSpec};
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
                Grant::Warm(worker) => match self.serve(worker).await {
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
        match self.serve(worker).await {
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
                let attempt = self.serve(worker).await;
                return Ok(Some(attempt.unwrap_or_else(|exit| self.exited(exit))));
            }
            Init::Failed(description) => (Outcome::failed(description), Status::Failure),
            Init::Exited(End::Exit(exit)) => (self.exited(exit), Status::Ended(EXIT_ERROR)),
            Init::Exited(End::Failure(failure)) => return Err(SpawnError::from(failure).into()),
            Init::Exited(End::NotExecuted(why)) => {
                (self.not_executed(&why)?, Status::Ended(INVALID_ENTRYPOINT))
            }
            Init::TimedOut if !last_try => return Ok(None),
            Init::TimedOut => (self.timed_out(), Status::Timeout),
        };
        worker.begin_failed(&self.event);
        let duration = worker.age();
        let log_tail = worker.report(&self.event, status, duration);
        Ok(Some(Outcome { log_tail, ..outcome }))
    }

    /// Runs the event on a worker that is ready, and gives the worker back if it can go on.
    async fn serve(&self, mut worker: Worker) -> Attempt {
        let (served, duration) = worker.serve(&self.event).await;
        let (outcome, status) = match served {
            Served::Undelivered(exit) => return Err(exit),
            Served::Answered(Answer::Response(payload)) => {
                (Outcome::answered(payload), Status::Success)
            }
            Served::Answered(Answer::Error(description)) => {
                (Outcome::failed(description), Status::Failure)
            }
            Served::Answered(Answer::TooLarge) => (Outcome::too_large(), Status::Failure),
            Served::Exited(exit) => (self.exited(exit), Status::Ended(EXIT_ERROR)),
            Served::TimedOut => (self.timed_out(), Status::Timeout),
        };
        let log_tail = worker.report(&self.event, status, duration);
        if matches!(status, Status::Success | Status::Failure) {
            self.running.pools().release(worker);
        }
        Ok(Outcome { log_tail, ..outcome })
    }

    fn exited(&self, exit: Exit) -> Outcome {
        Outcome::exited(&self.event.request_id, exit)
    }

    /// A program of the function's own that does not run is the function's error.
    fn not_executed(&self, why: &NotExecuted) -> Result<Outcome, SpawnError> {
        match &self.spec.runtime.program {
            Program::Bootstrap => Ok(Outcome::invalid_entrypoint(&self.event.request_id, why)),
            Program::Host(program) => Err(Failure::of_program(program, why).into()),
        }
    }

    fn timed_out(&self) -> Outcome {
        Outcome::timed_out(&self.event.request_id, self.spec.timeout)
    }

    /// A worker that the sandbox itself ended says nothing about its function.
    fn unless_ended(&self, outcome: Outcome) -> Result<Outcome, InvokeError> {
        if outcome.function_error.is_some() && self.running.pools().has_ended() {
            return Err(InvokeError::ShuttingDown);
        }
        Ok(outcome)
    }
}
