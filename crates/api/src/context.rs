//! What a handler has in its hand: the caller, the snapshot of the moment, and the way to a permit.

mod identity;
mod layers;
mod organizations;

pub(crate) use organizations::policy_type;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use jiff::Timestamp;
use portcullis_catalog::{
    Access, FunctionResource, Permit, Resource, Snapshot,
    decisions::{Origin, RequestId, Slot},
};
use portcullis_identity::{AccountId, Caller};
use portcullis_lambda::{
    CodeSha256, Endpoint, FunctionReference, FunctionUrl, LambdaError, Target, UrlId,
};
use portcullis_model::{Operation, ResourceForm, authorization_of, lambda::operation::Invoke};

use crate::{
    authenticate::Authenticated,
    conditions::{Parameters, RequestKeys},
    error::ApiError,
    listen::Peer,
    state::State,
    url,
};

/// How long a call waits for its function to be created: as long as a runtime client may take to
/// be installed on a first start.
const PENDING_MAX: Duration = Duration::from_secs(20);

/// One authenticated request.
pub(crate) struct RequestCx<'a> {
    pub(crate) state: &'a Arc<State>,
    /// The state that this request is decided on.
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) authenticated: Authenticated,
    pub(crate) head: &'a Parts,
    /// The body as received.
    pub(crate) body: Bytes,
    /// Which request it is, for its decisions.
    pub(crate) origin: Origin,
    /// Where its decisions are kept.
    pub(crate) slot: Slot<'a>,
}

impl<'a> RequestCx<'a> {
    /// An authenticated request, to be decided on the newest state.
    pub(crate) fn new(
        state: &'a Arc<State>,
        head: &'a Parts,
        (request_id, slot): (RequestId, Slot<'a>),
        authenticated: Authenticated,
        body: Bytes,
    ) -> Self {
        let peer = head.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let origin = Origin {
            request_id,
            time: Timestamp::now(),
            access_key_id: authenticated.access_key_id.clone(),
            source: peer.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into()),
        };
        let snapshot = state.catalog.snapshot();
        Self { state, snapshot, authenticated, head, body, origin, slot }
    }
}

impl RequestCx<'_> {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.authenticated.caller
    }

    /// The id that the answer carries.
    pub(crate) fn request_id(&self) -> RequestId {
        self.origin.request_id
    }

    /// When the request was there whole.
    pub(crate) fn now(&self) -> Timestamp {
        self.origin.time
    }

    /// The account in which names without an account are looked up: the caller's. A service has
    /// none; it finds the operator's.
    pub(crate) fn account(&self) -> AccountId {
        self.caller().account().unwrap_or(self.state.account)
    }

    /// Asks for the permission to perform `A` on `resource`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn authorize<A: Operation, R: Resource>(
        &self,
        resource: R,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, R>, ApiError> {
        self.with_access(parameters, |access| Ok(self.snapshot.authorize(access, resource)?))
    }

    /// Asks for the permission for somebody whom this request proves in another way than by a
    /// signature.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn authorize_as<A: Operation, R: Resource>(
        &self,
        caller: &Caller,
        resource: R,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, R>, ApiError> {
        self.with_access(parameters, |access| {
            Ok(self.snapshot.authorize(&Access { caller, ..*access }, resource)?)
        })
    }

    /// Asks for the same permission again, of the newest state: what was withdrawn while code was
    /// looked through is withdrawn.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn renew<A: Operation, R: Resource>(
        &self,
        permit: Permit<A, R>,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, R>, ApiError> {
        let newest = self.state.catalog.load();
        self.with_access(parameters, |access| Ok(newest.renew(access, permit)?))
    }

    /// Waits a while for a function that is still being created, then asks for the permission again.
    ///
    /// On AWS a call within the first seconds of a function is refused with its state. Here the
    /// state passes within milliseconds, so a client that does not wait is made to. One that stays
    /// `Pending` is refused as on AWS.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) async fn created<A: Operation>(
        &self,
        permit: Permit<A, FunctionResource>,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, FunctionResource>, ApiError> {
        self.once_created(permit, |permit| self.renew(permit, parameters)).await
    }

    /// The same, for a permission that is asked for in another way.
    ///
    /// # Errors
    /// Those of `again`.
    pub(crate) async fn once_created<A>(
        &self,
        permit: Permit<A, FunctionResource>,
        again: impl FnOnce(Permit<A, FunctionResource>) -> Result<Permit<A, FunctionResource>, ApiError>,
    ) -> Result<Permit<A, FunctionResource>, ApiError> {
        let catalog = &self.state.catalog;
        if !catalog.load().is_pending(permit.resource()) {
            return Ok(permit);
        }
        catalog.wait_for(|newest| !newest.is_pending(permit.resource()), PENDING_MAX).await;
        again(permit)
    }

    /// Asks for the permission to invoke a function through its URL.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn authorize_url(
        &self,
        snapshot: &Snapshot,
        url: &FunctionUrl,
    ) -> Result<Permit<Invoke, FunctionResource>, ApiError> {
        self.with_access(&Parameters::default(), |access| {
            Ok(snapshot.authorize_url(access, url, self.state.url_rule)?)
        })
    }

    /// Asks for a permission that an operation needs beside its own.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn check(
        &self,
        action: &'static str,
        resource: &impl Resource,
        parameters: &Parameters<'_>,
    ) -> Result<(), ApiError> {
        self.check_as(self.caller(), action, resource, parameters)
    }

    /// The same for somebody whom this request proves in another way than by a signature.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn check_as(
        &self,
        caller: &Caller,
        action: &'static str,
        resource: &impl Resource,
        parameters: &Parameters<'_>,
    ) -> Result<(), ApiError> {
        self.with_access(parameters, |access| {
            Ok(self.snapshot.check(&Access { caller, ..*access }, action, resource)?)
        })
    }

    fn with_access<T>(&self, parameters: &Parameters<'_>, ask: impl FnOnce(&Access<'_>) -> T) -> T {
        let context = RequestKeys {
            peer: self.origin.source,
            now: self.origin.time,
            headers: &self.head.headers,
            region: self.state.region.as_str(),
            by_service: matches!(self.caller(), Caller::Service { .. }),
            parameters,
        };
        ask(&Access {
            caller: self.caller(),
            session_policy: self.authenticated.session_policy.as_ref(),
            context: &context,
            origin: &self.origin,
            slot: self.slot,
        })
    }

    /// The keys that every call has that comes now, from somewhere unknown.
    pub(crate) fn usual_keys<'k>(
        &'k self,
        no_headers: &'k HeaderMap,
        none: &'k Parameters<'k>,
    ) -> RequestKeys<'k> {
        RequestKeys {
            peer: self.origin.source,
            now: self.now(),
            headers: no_headers,
            region: self.state.region.as_str(),
            by_service: true, // Of a service's call the address tells nothing either.
            parameters: none,
        }
    }

    /// The permission to perform `A` on the function that `name` and `qualifier` say, in the order
    /// of `aws-lambda.md §1.4`: who may not learns nothing, then region, then mismatch.
    ///
    /// # Errors
    /// [`ApiError::Denied`], then those of `Resolution::check`.
    pub(crate) fn function<A: Operation>(
        &self,
        name: &str,
        qualifier: Option<&str>,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, FunctionResource>, ApiError> {
        let resolution = self.resolve(name, qualifier)?;
        let permit = self.authorize(resource_of::<A>(resolution.target()), parameters)?;
        resolution.check()?;
        Ok(permit)
    }

    /// What `name` and `qualifier` mean to this caller at this endpoint; nothing is looked up.
    ///
    /// # Errors
    /// A name that is none, which validation should have refused.
    pub(crate) fn resolve(
        &self,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<portcullis_lambda::Resolution, ApiError> {
        let account = self.account().as_str().parse().map_err(LambdaError::from)?;
        let endpoint = Endpoint { account: &account, region: &self.state.region };
        let reference = FunctionReference::parse(name).map_err(LambdaError::from)?;
        Ok(reference.resolve(qualifier, endpoint).map_err(LambdaError::from)?)
    }

    /// The address of a function URL, for answers.
    pub(crate) fn url_text(&self, id: &UrlId) -> String {
        url::text(id, &self.state.region, &self.state.url_domain, self.head)
    }

    /// A link to the exact bytes of a code package, good for ten minutes.
    pub(crate) fn code_link(&self, code: &CodeSha256) -> String {
        format!("{}{}", self.origin(), self.state.links.link(code, self.now()))
    }

    /// The scheme and authority that the client reached us by, for links in answers.
    pub(crate) fn origin(&self) -> String {
        let host = self.head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        format!("http://{}", host.unwrap_or("localhost"))
    }
}

/// The resource that the authorization table gives `A` for a target: with its qualifier or without.
pub(crate) fn resource_of<A: Operation>(target: &Target) -> FunctionResource {
    match authorization_of::<A>().resource {
        ResourceForm::QualifiedFunction => FunctionResource::new(target.clone()),
        _ => FunctionResource::new(Target::unqualified(target.function.clone())),
    }
}
