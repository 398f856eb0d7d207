//! Asynchronous calls: accepted once they are on disk, run until they end, told to their destination.
//!
//! Source: `aws-lambda.md §8.6`. An event stays in the store until it has ended, so that a crash can
//! run it once more and never loses it.

mod waiting;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use portcullis_catalog::{
    Access, FunctionResource, Permit,
    decisions::{Origin, RequestId},
    effects::PermittedEvent,
};
use portcullis_lambda::{
    Condition, EventAnswer, EventInvokeConfig, LambdaError, Next, Patience, QueuedEvent,
    RetryDelays, Target,
};
use portcullis_model::lambda::operation::Invoke;
use portcullis_sandbox::{Event, Outcome, Outliving};
use portcullis_store::Revision;
use tokio::{runtime::Handle, sync::Notify};
use waiting::{Ticket, Waiting};

use crate::{
    concurrency::RESERVED_LIMIT,
    conditions::{Parameters, RequestKeys},
    error::ApiError,
    ops::lambda::invoke::chance,
    state::State,
};

/// How often the queue looks whether anything is due, whatever it believes.
const LOOK_PERIOD: Duration = Duration::from_secs(60);

/// How long the queue waits when the store cannot be read.
const STORE_PERIOD: Duration = Duration::from_secs(1);

/// The events that wait or run.
pub(crate) struct Events {
    waiting: Mutex<Waiting>,
    changed: Notify,
    delays: RetryDelays,
}

/// What is left to do with an event after it was looked at.
enum Left {
    /// Nothing: it has ended.
    Nothing,
    /// It is tried again, once it is due.
    Wait(Timestamp),
    /// It is tried again when its function can run.
    Throttled,
}

impl Events {
    pub(crate) fn new(delays: RetryDelays) -> Self {
        Self { waiting: Mutex::default(), changed: Notify::new(), delays }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an event run that is in the store and counted.
    fn push(&self, ticket: Ticket) {
        self.waiting().push(ticket);
        self.changed.notify_one();
    }

    /// Waits until an event may be due, or something has changed.
    async fn wait(&self) {
        let until = self.waiting().wakes_at().map(|at| at.duration_since(Timestamp::now()));
        // One that is due already is no time to wait.
        let until = until.map(|left| Duration::try_from(left).unwrap_or_default());
        let most = until.unwrap_or(LOOK_PERIOD).min(LOOK_PERIOD);
        // Too late is as good as in time: whoever waits looks again.
        let _ = tokio::time::timeout(most, self.changed.notified()).await;
    }
}

/// Accepts an event: when this returns, it is on disk and will run. What is begun goes on without its
/// caller: one that leaves may leave an event behind, but not one that is counted or kept for nothing.
///
/// # Errors
/// [`ApiError::Throttled`] when too many wait; what is missing; the store's.
pub(crate) async fn accept(state: &Arc<State>, event: PermittedEvent) -> Result<(), ApiError> {
    let (state, ticket) = (Arc::clone(state), ticket(event.event()));
    if !state.events.waiting().admit(&ticket.function, ticket.bytes) {
        return Err(ApiError::Throttled { reason: "CallerRateLimitExceeded" });
    }
    let keeping = async move {
        let kept = state.catalog.enqueue(&event).await;
        if kept.is_err() {
            state.events.waiting().discount(ticket.bytes);
        } else {
            state.events.push(ticket);
        }
        Ok(kept?)
    };
    Outliving::new(Handle::current(), keeping).await
}

fn ticket(event: &QueuedEvent) -> Ticket {
    Ticket {
        function: event.target.function.as_str().into(),
        request_id: event.request_id.clone(),
        due: event.due,
        bytes: event.payload.len() as u64,
    }
}

/// Takes up what a stop or crash left, then runs what is due, as long as the state lives.
pub(crate) async fn run(state: Weak<State>) {
    if !take_up(&state).await {
        return;
    }
    while let Some(current) = state.upgrade() {
        let next = current.events.waiting().next(Timestamp::now());
        let Some(ticket) = next else {
            let events = current.events.clone();
            // The state may end meanwhile.
            drop(current);
            events.wait().await;
            continue;
        };
        tokio::spawn(async move { serve(&current, ticket).await });
    }
}

/// Reads every event that waits; `false` when the state has ended before.
async fn take_up(state: &Weak<State>) -> bool {
    while let Some(current) = state.upgrade() {
        let mut found = Vec::new();
        match current.catalog.each_event(|event| found.push(ticket(event))).await {
            Ok(()) => {
                let mut waiting = current.events.waiting();
                for ticket in found {
                    waiting.take_up(ticket);
                }
                return true;
            }
            Err(error) => tracing::error!(%error, "queued events cannot be read yet"),
        }
        drop(current);
        tokio::time::sleep(STORE_PERIOD).await;
    }
    false
}

/// Runs an event once, and puts it where it belongs then.
async fn serve(state: &State, ticket: Ticket) {
    let mut served = Served { events: &state.events, ticket, left: Left::Throttled };
    let ticket = &served.ticket;
    let left = match state.catalog.event(&ticket.request_id).await {
        Ok(Some((event, accepted))) => Attempt { state, event, accepted }.run().await,
        Ok(None) => Ok(Left::Nothing),
        Err(error) => Err(error.into()),
    };
    match left {
        Ok(left) => served.left = left,
        Err(error) => {
            tracing::warn!(request_id = &*ticket.request_id, %error, "an event is tried again");
        }
    }
}

/// An event that runs. It counts as one until this is dropped, be it by a panic; it waits again then.
struct Served<'a> {
    events: &'a Events,
    ticket: Ticket,
    left: Left,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        let ticket = self.ticket.clone();
        let mut waiting = self.events.waiting();
        match self.left {
            Left::Nothing => waiting.discount(ticket.bytes),
            Left::Wait(due) => waiting.push(Ticket { due, ..ticket }),
            Left::Throttled => waiting.push(ticket),
        }
        let is_throttled = matches!(self.left, Left::Throttled);
        waiting.ran(&self.ticket.function, is_throttled, Timestamp::now());
        drop(waiting);
        self.events.changed.notify_one();
    }
}

/// One look at an event.
struct Attempt<'a> {
    state: &'a State,
    event: QueuedEvent,
    accepted: Revision,
}

impl Attempt<'_> {
    /// # Errors
    /// The server's own failures: the event stays as it is.
    async fn run(self) -> Result<Left, ApiError> {
        let snapshot = self.state.catalog.snapshot();
        let config = snapshot.event_invoke_config(&self.event.target).map(|it| it.shared());
        let patience = Patience::of(config.as_deref());
        let resolved = match snapshot.event_target(&self.event.target, chance()) {
            Ok(resolved) => resolved,
            Err(LambdaError::NotFound(missing)) => return self.forget(&missing.to_string()).await,
            // It is being created, or failed to be: an update may mend it.
            Err(_) if !self.event.is_expired(patience, Timestamp::now()) => {
                return Ok(Left::Throttled);
            }
            Err(_) => return self.end(config.as_deref(), Condition::EventAgeExceeded, None).await,
        };
        // Whoever was permitted to call the one of before was not asked about this one.
        if resolved.function.head.created > self.accepted {
            return self.forget("its function was deleted, and another one made").await;
        }
        let reserved = resolved.function.head.reserved();
        let condition = if reserved.is_some_and(|calls| calls.get() == 0) {
            Some(Condition::ZeroReservedConcurrency)
        } else {
            let is_expired = self.event.is_expired(patience, Timestamp::now());
            is_expired.then_some(Condition::EventAgeExceeded)
        };
        if let Some(condition) = condition {
            return self.end(config.as_deref(), condition, None).await;
        }
        let outcome = match self.state.run(&resolved, self.sandboxed()).await {
            Ok(outcome) => outcome,
            Err(ApiError::Throttled { reason }) => {
                tracing::debug!(is_reserved = reason == RESERVED_LIMIT, "an event waits");
                return Ok(Left::Throttled);
            }
            Err(error) => return Err(error),
        };
        let version = resolved.version().to_string();
        self.settle(config.as_deref(), patience, &version, &outcome).await
    }

    /// The event as the worker gets it: the same on every attempt.
    fn sandboxed(&self) -> Event {
        let event = &self.event;
        Event {
            request_id: event.request_id.to_string(),
            payload: Bytes::from(event.payload.as_bytes().to_vec()),
            invoked_function_arn: event.target.to_string(),
            client_context: event.client_context.as_deref().map(str::to_owned),
            trace_id: event.trace_id.to_string(),
            log_tail: false,
            output: None,
        }
    }

    /// What the function's answer leads to.
    async fn settle(
        self,
        config: Option<&EventInvokeConfig>,
        patience: Patience,
        version: &str,
        outcome: &Outcome,
    ) -> Result<Left, ApiError> {
        let answer = EventAnswer {
            executed_version: version,
            function_error: outcome.function_error,
            payload: &outcome.payload,
        };
        let now = Timestamp::now();
        let (event, next) = match outcome.function_error {
            None => {
                let attempts = self.event.attempts.saturating_add(1);
                (QueuedEvent { attempts, ..self.event }, Next::Ended(Condition::Success))
            }
            Some(_) => self.event.after_failure(patience, self.state.events.delays, now),
        };
        let tried = Attempt { event, ..self };
        match next {
            Next::Retry(due) => {
                self.state.catalog.put_off(&tried.event).await?;
                Ok(Left::Wait(due))
            }
            Next::Ended(condition) => tried.end(config, condition, Some(answer)).await,
        }
    }

    /// An event of a function that was deleted: nobody is told, as its settings are gone too.
    async fn forget(self, why: &str) -> Result<Left, ApiError> {
        tracing::info!(request_id = &*self.event.request_id, why, "an event is dropped");
        self.state.catalog.end_event(&self.event.request_id, &[]).await?;
        Ok(Left::Nothing)
    }

    /// Ends the event; its destination, if it has one, is told in the same step.
    async fn end(
        self,
        config: Option<&EventInvokeConfig>,
        condition: Condition,
        answer: Option<EventAnswer<'_>>,
    ) -> Result<Left, ApiError> {
        if condition != Condition::Success {
            let (request_id, condition) = (&*self.event.request_id, condition.as_str());
            tracing::info!(request_id, condition, function = %self.event.target, "an event is given up");
        }
        let destination = config.and_then(|config| match condition {
            Condition::Success => config.destinations.on_success.as_ref(),
            _ => config.destinations.on_failure.as_ref(),
        });
        let mut told = Vec::new();
        if let Some(destination) = destination {
            told.extend(self.told(destination, condition, answer).await?);
        }
        told.extend(self.dead_letter(condition, answer).await?);
        self.state.catalog.end_event(&self.event.request_id, &told).await?;
        for told in told {
            let ticket = ticket(told.event());
            // Whatever waits: what was accepted is told, and each event tells one.
            self.state.events.waiting().count(ticket.bytes);
            self.state.events.push(ticket);
        }
        Ok(Left::Nothing)
    }

    /// The event that tells the destination, if the function's role may call it.
    async fn told(
        &self,
        destination: &Target,
        condition: Condition,
        answer: Option<EventAnswer<'_>>,
    ) -> Result<Option<PermittedEvent>, ApiError> {
        let (now, request_id) = (Timestamp::now(), RequestId::random());
        let record = self.event.record(condition, answer, now);
        let recursion = self.state.catalog.load().recursive_loop(&destination.function);
        let told = self.event.told_to(destination, recursion, request_id.as_str(), record, now);
        self.permitted(destination, told, request_id, now).await
    }

    /// An event that was given up, for the function that its own sends such events to, if it does
    /// and the function's role may call it.
    async fn dead_letter(
        &self,
        condition: Condition,
        answer: Option<EventAnswer<'_>>,
    ) -> Result<Option<PermittedEvent>, ApiError> {
        let snapshot = self.state.catalog.snapshot();
        let failed = condition != Condition::Success;
        let version = failed.then(|| snapshot.event_target(&self.event.target, chance()).ok());
        let Some(version) = version.flatten() else { return Ok(None) };
        let configuration = &version.deployment().configuration;
        let Some(target) = configuration.dead_letter_target() else { return Ok(None) };
        let (now, request_id) = (Timestamp::now(), RequestId::random());
        let recursion = snapshot.recursive_loop(&target.function);
        let ended = (condition, answer);
        let letter = self.event.dead_letter(target, recursion, request_id.as_str(), ended, now);
        self.permitted(target, letter, request_id, now).await
    }

    /// The event for `destination`, if the function's role may call it, and it closes no loop.
    async fn permitted(
        &self,
        destination: &Target,
        told: Option<QueuedEvent>,
        request_id: RequestId,
        now: Timestamp,
    ) -> Result<Option<PermittedEvent>, ApiError> {
        let Some(told) = told else {
            tracing::warn!(function = %self.event.target, %destination, "a loop of events is ended");
            return Ok(None);
        };
        let permit = self.permit(destination, request_id, now).await?;
        Ok(permit.map(|permit| PermittedEvent::new(permit, told)))
    }

    /// The permission of the function's execution role to call `destination`.
    async fn permit(
        &self,
        destination: &Target,
        request_id: RequestId,
        now: Timestamp,
    ) -> Result<Option<Permit<Invoke, FunctionResource>>, ApiError> {
        let snapshot = self.state.catalog.snapshot();
        let Some(caller) = snapshot.execution_caller(&self.event.target.function, now) else {
            tracing::warn!(function = %self.event.target, "an execution role cannot be assumed");
            return Ok(None);
        };
        let slot = self.state.decisions.slot().await?;
        let source = std::net::Ipv4Addr::UNSPECIFIED.into();
        let origin = Origin { request_id, time: now, access_key_id: None, source };
        let context = RequestKeys {
            peer: source,
            now,
            headers: &HeaderMap::new(),
            region: self.state.region.as_str(),
            by_service: true, // Of Lambda's own call the address tells nothing.
            parameters: &Parameters::default(),
        };
        let access = Access {
            caller: &caller,
            session_policy: None,
            context: &context,
            origin: &origin,
            slot,
        };
        match snapshot.authorize(&access, FunctionResource::new(destination.clone())) {
            Ok(permit) => Ok(Some(permit)),
            Err(denied) => {
                tracing::warn!(reason = ?denied.to_string(), "a destination is not told");
                Ok(None)
            }
        }
    }
}
