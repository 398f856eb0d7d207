//! Events that nobody waits for: accepted, put off, ended. They are in the store alone; the snapshot,
//! which is in memory, has none.

use jiff::{SignedDuration, Timestamp};
use portcullis_identity::{
    Caller, SessionClaims, SessionHolder, SessionIdentity, SessionMarks, SessionPolicies,
};
use portcullis_lambda::{
    Alias, FunctionArn, LambdaError, Lookup, QueuedEvent, RecursiveLoop, Target,
};
use portcullis_model::lambda::operation::{Invoke, InvokeAsync};
use portcullis_store::{Entry, PAGE_ENTRIES_MAX, Revision};

use super::Resolved;
use crate::{
    Catalog, CatalogError, Failure, FunctionResource, Permit, Plan, Snapshot,
    address::{Address, QUEUE},
    documents::Document,
};

/// The event that the caller was permitted to send: its target is the permit's.
pub struct PermittedEvent(QueuedEvent);

/// An operation that sends an event.
pub trait SendsEvents {}
impl SendsEvents for Invoke {}
impl SendsEvents for InvokeAsync {}

impl PermittedEvent {
    /// The event for what was permitted.
    #[must_use]
    pub fn new<A: SendsEvents>(permit: Permit<A, FunctionResource>, event: QueuedEvent) -> Self {
        Self(QueuedEvent { target: permit.consume().into_target(), ..event })
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &QueuedEvent {
        &self.0
    }
}

impl Catalog {
    /// Accepts an event: when this returns, it is on disk.
    ///
    /// # Errors
    /// What is missing; a version that is not ready, or failed.
    pub async fn enqueue(&self, event: &PermittedEvent) -> Result<(), Failure<LambdaError>> {
        let event = event.event();
        self.transact(&event.request_id, |snapshot| {
            snapshot.event_target(&event.target, 0.0)?;
            let address = Address::QueuedEvent(event.request_id.clone());
            Ok(Plan::answer(()).absent(&address).put(&address, event))
        })
        .await
    }

    /// Keeps an event that is tried again.
    ///
    /// # Errors
    /// [`Failure::Catalog`] when it cannot be written.
    pub async fn put_off(&self, event: &QueuedEvent) -> Result<(), Failure<LambdaError>> {
        let address = Address::QueuedEvent(event.request_id.clone());
        self.transact(&event.request_id, |_| Ok(Plan::answer(()).put(&address, event))).await
    }

    /// Forgets an event that has ended, and accepts those that tell of it, in one step.
    ///
    /// # Errors
    /// [`Failure::Catalog`] when it cannot be written.
    pub async fn end_event(
        &self,
        request_id: &str,
        told: &[PermittedEvent],
    ) -> Result<(), Failure<LambdaError>> {
        let ended = Address::QueuedEvent(request_id.into());
        self.transact(request_id, |_| {
            let plan = Plan::answer(()).delete(&ended);
            let put = |plan: Plan<()>, PermittedEvent(told): &PermittedEvent| {
                plan.put(&Address::QueuedEvent(told.request_id.clone()), told)
            };
            Ok(told.iter().fold(plan, put))
        })
        .await
    }

    /// An event that waits, and when it was accepted; `None` if it has ended, or cannot be read.
    ///
    /// # Errors
    /// [`CatalogError::Store`].
    pub async fn event(
        &self,
        request_id: &str,
    ) -> Result<Option<(QueuedEvent, Revision)>, CatalogError> {
        let key = Address::QueuedEvent(request_id.into()).key();
        let entry = self.store().get(&key).await?;
        Ok(entry.and_then(|entry| Some((read(&entry)?, entry.created))))
    }

    /// Gives every event that waits to `take`, a page at a time.
    ///
    /// # Errors
    /// [`CatalogError::Store`].
    pub async fn each_event(&self, mut take: impl FnMut(&QueuedEvent)) -> Result<(), CatalogError> {
        let prefix = crate::catalog::root_key(QUEUE);
        let mut after = None;
        loop {
            let page = self.store().range(&prefix, after.as_ref(), PAGE_ENTRIES_MAX).await?;
            page.entries.iter().filter_map(read).for_each(|event| take(&event));
            after = page.entries.last().map(|entry| entry.key.clone());
            if !page.more {
                return Ok(());
            }
        }
    }
}

/// One that a newer build wrote stays for that one.
fn read(entry: &Entry) -> Option<QueuedEvent> {
    let event = QueuedEvent::decode(&entry.value);
    event.inspect_err(|error| tracing::error!(%error, "a queued event cannot be read")).ok()
}

impl Snapshot {
    /// The version that an accepted event runs. Its sender was permitted when it was accepted.
    ///
    /// # Errors
    /// As [`invocation`](Self::invocation).
    pub fn event_target(&self, target: &Target, chance: f64) -> Result<Resolved, LambdaError> {
        let resolved =
            self.resolve(target.clone(), Lookup::Invoke, |alias: &Alias| alias.pick(chance))?;
        resolved.deployment().check_invocable()?;
        Ok(resolved)
    }

    /// What a function says about loops of calls; as by default if it is not here.
    #[must_use]
    pub fn recursive_loop(&self, function: &FunctionArn) -> RecursiveLoop {
        self.function(function)
            .map_or_else(RecursiveLoop::default, |view| view.head.parts().recursive_loop)
    }

    /// A function as a caller: a session of its execution role, called as the function is. `None`
    /// where function or role are gone, or the role does not let Lambda assume it.
    #[must_use]
    pub fn execution_caller(&self, function: &FunctionArn, now: Timestamp) -> Option<Caller> {
        let configuration = &self.function(function)?.head.latest().configuration;
        let arn = configuration.role().as_str();
        let role = self.role_of_arn(arn).filter(|_| self.trusts_lambda(arn, function, now))?;
        let claims = SessionClaims {
            account: role.stored.account,
            holder: SessionHolder::Role {
                name: role.stored.name.clone(),
                id: role.stored.id,
                session: function.name().parse().ok()?,
                function: Some(function.as_str().into()),
            },
            session_id: Default::default(),
            issued: now,
            expires: now.saturating_add(SignedDuration::from_hours(1)).unwrap_or(now),
            marks: SessionMarks::default(),
            policies: SessionPolicies::default(),
            web_identity: None,
            source: "lambda.amazonaws.com".into(),
            key: None,
        };
        self.caller_of_session(&SessionIdentity::new(claims, self.partition())).ok()
    }
}
