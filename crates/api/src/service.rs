//! From a request to its answer: find the operation, believe the signature, bind, dispatch.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request, Response, Version, header, request::Parts,
    uri::Authority,
};
use hyper::body::{Body as _, Incoming};
use jiff::Timestamp;
use portcullis_catalog::{Snapshot, decisions::RequestId};
use portcullis_model::{
    Form, IAM, LAMBDA, Labels, ORGANIZATIONS, OperationModel, PORTCULLIS, Protocol, STS, Service,
    bind, bind_query, route, validate,
};
use portcullis_sigv4::{Claim, SignatureError, claim};

use crate::{
    answer::Body,
    authenticate::{Authenticated, Credential},
    body::{PAYLOAD_BYTES_MAX, event_too_large, hash, payload_too_large, receive},
    cleanup,
    context::RequestCx,
    dispatch::{Handler, handler},
    error::ApiError,
    events, execution, last_uses,
    memory::Kind,
    pages, provisioned,
    state::State,
    url,
};

/// Largest request with a code package, in bytes: `aws-lambda.md §5.2`.
const PACKAGE_REQUEST_BYTES_MAX: usize = 70_167_211;

/// Largest request of every other operation, in bytes. Ours: the largest legal one, a role with 50
/// tags and its trust policy, is far below.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// The operations that clients do not sign, as what they carry is their proof. The second one is not
/// served, and told so.
const UNSIGNED: [&str; 2] = ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"];

/// Largest request without a signature, in bytes: a token of 20,000 characters, a policy and ten
/// ARNs, each character of which may be encoded as three.
const UNSIGNED_REQUEST_BYTES_MAX: usize = 128 * 1024;

/// Where the global services live: their clients sign for it, whatever region they are set to.
const GLOBAL_REGION: &str = "us-east-1";

/// The whole service, one clone a connection.
#[derive(Clone)]
pub struct Server(Arc<State>);

impl Server {
    /// A server on `state`; takes up deployments that a stop or crash left unsettled and
    /// events that it left unended, and begins to remove code that nothing refers to.
    #[must_use]
    pub fn new(mut state: State) -> Self {
        let state = Arc::new_cyclic(|server| {
            state.execution.serve_workers(server.clone());
            state
        });
        execution::settle_all(&state);
        tokio::spawn(cleanup::run(Arc::downgrade(&state)));
        tokio::spawn(last_uses::run(Arc::downgrade(&state)));
        tokio::spawn(events::run(Arc::downgrade(&state)));
        tokio::spawn(provisioned::run(Arc::downgrade(&state)));
        Self(state)
    }

    /// Lets running events finish within `grace`, then ends every worker, and saves what is saved
    /// now and then only.
    pub async fn shutdown(&self, grace: Duration) {
        self.0.execution.shutdown(grace).await;
        last_uses::save(&self.0).await;
    }
}

impl hyper::service::Service<Request<Incoming>> for Server {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let state = self.0.clone();
        Box::pin(async move { Ok(answer(&state, request).await) })
    }
}

/// Answers one request, whatever comes of it, under a request id of its own.
pub(crate) async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Response<Body> {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
    let request_id = RequestId::random();
    let (head, body) = request.into_parts();
    let mut response = if let Some(fault) = misaddressed(&head) {
        let service = Call::new(state, &head, request_id).service;
        closing(ApiError::Misaddressed(fault).response(service, request_id), head.version)
    } else if let Some(id) = url::addressed(&head) {
        let response = url::answer(state, id, &head, body, request_id).await;
        state.metrics.count(LAMBDA.name, "FunctionUrl", response.status().as_u16());
        response
    } else if let Some(page) = pages::page(state, &head).await {
        page
    } else {
        let mut call = Call::new(state, &head, request_id);
        let response = match call.run(body).await {
            Ok(response) => response,
            Err(error) => error.response(call.service, request_id),
        };
        state.metrics.count(call.service.name, call.operation, response.status().as_u16());
        response
    };
    if let Ok(id) = HeaderValue::from_str(request_id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    // Where nothing says how long an answer is, it ends with its connection (RFC 9112 §6.3).
    if head.version <= Version::HTTP_10 && response.body().size_hint().exact().is_none() {
        *response.version_mut() = head.version; // Else hyper adds the keep-alive that was asked for.
        return closing(response, head.version);
    }
    response
}

/// What a request has in the place of one host, which every one needs but those of HTTP/1.0 (RFC 9112
/// §3.2, RFC 9113 §8.3.1).
fn misaddressed(head: &Parts) -> Option<&'static str> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    if head.uri.authority().is_some_and(|target| !is_host(target.as_str().as_bytes())) {
        return Some("a target that names no host");
    }
    match (hosts.next(), hosts.next()) {
        (None, _) if head.version <= Version::HTTP_10 => None,
        (None, _) => Some("no Host"),
        (Some(_), Some(_)) => Some("more than one Host"),
        (Some(host), None) if is_host(host.as_bytes()) => None,
        (Some(_), None) => Some("a Host that names none"),
    }
}

/// Whether this is a host with or without a port, or nothing, as where a URL has no host.
fn is_host(text: &[u8]) -> bool {
    text.is_empty()
        || Authority::try_from(text).is_ok_and(|authority| !authority.as_str().contains('@'))
}

/// An answer after which nothing of the connection is believed; over HTTP/2 each request is alone.
fn closing(mut response: Response<Body>, version: Version) -> Response<Body> {
    if version < Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A request to an AWS API on its way through.
struct Call<'a> {
    state: &'a Arc<State>,
    head: &'a Parts,
    request_id: RequestId,
    /// The service that the path belongs to; its protocol shapes the errors.
    service: &'static Service,
    /// The operation's name for the metrics, once it is known.
    operation: &'static str,
}

/// The type of a body that is a form.
const FORM: &[&[u8]] = &[b"application/x-www-form-urlencoded"];

/// The types of a body that is for a service with a target header.
const JSON: &[&[u8]] = &[b"application/x-amz-json-1.1", b"application/json"];

/// The operation that a request names, before its body is bound.
enum Named<'a> {
    Rest(&'static OperationModel, Labels<'a>),
    Query(&'static OperationModel, Form),
    Target(&'static OperationModel),
}

impl Named<'_> {
    fn operation(&self) -> &'static OperationModel {
        match self {
            Self::Rest(operation, _) | Self::Query(operation, _) | Self::Target(operation) => {
                operation
            }
        }
    }
}

impl<'a> Call<'a> {
    fn new(state: &'a Arc<State>, head: &'a Parts, request_id: RequestId) -> Self {
        let service = match head.uri.path() {
            // Errors in JSON: that is what a client with a target header reads.
            "/" | "" if target(head).is_some() => &ORGANIZATIONS,
            "/" | "" => &IAM,
            path if path.starts_with("/_portcullis/") => &PORTCULLIS,
            _ => &LAMBDA,
        };
        Self { state, head, request_id, service, operation: "-" }
    }

    /// The order is AWS's: the signature's form and clock, its scope, its key; then the body is
    /// read and the proof made; then the operation, the shape, and last the handler, which asks for
    /// the permission.
    async fn run(&mut self, body: Incoming) -> Result<Response<Body>, ApiError> {
        let received = Timestamp::now();
        let claim = match claim(self.head, received) {
            Err(SignatureError::MissingToken) if self.is_query() => {
                return self.unsigned(body).await;
            }
            claim => claim?,
        };
        self.choose_service_at_root(&claim)?;
        self.check_scope(&claim)?;
        let rest = self.rest_operation();
        let find = |snapshot: &Snapshot, now| Credential::find(self.state, snapshot, &claim, now);
        let body_to_come = !body.is_end_stream();
        let found = body_to_come.then(|| find(&self.state.catalog.load(), received)).transpose()?;
        let body = self.read(body, rest.as_ref().ok().and_then(Option::as_ref)).await?;
        if !self.state.catalog.is_live() {
            return Err(portcullis_catalog::CatalogError::Stale.into());
        }
        let hash = hash(&body).await;
        let slot = self.state.decisions.slot().await?;
        // A body may take half an hour: what has ended meanwhile, a session too, has ended.
        let (snapshot, now) = (self.state.catalog.snapshot(), Timestamp::now());
        let credential = match found {
            Some(found) => found.renew(self.state, &snapshot, now)?,
            None => find(&snapshot, now)?,
        };
        let authenticated =
            credential.verify(self.state, &snapshot, self.head, &claim, &hash, now)?;
        let named = self.name(rest?, &body)?;
        authenticated.may_call(named.operation())?;
        let (handler, bound) = self.bind(&named, &body)?;
        let cx =
            RequestCx::new(self.state, self.head, (self.request_id, slot), authenticated, body);
        handler(&cx, bound).await
    }

    /// Whether the request is to a service that is asked by forms.
    fn is_query(&self) -> bool {
        self.service.protocol == Protocol::Query && target(self.head).is_none()
    }

    /// A call that is not signed: some need not be, as what they carry is their proof.
    ///
    /// # Errors
    /// [`SignatureError::MissingToken`] for every other.
    async fn unsigned(&mut self, body: Incoming) -> Result<Response<Body>, ApiError> {
        let (limit, operation) = (UNSIGNED_REQUEST_BYTES_MAX, UNSIGNED[0]);
        let too_large = |_| ApiError::RequestTooLarge { limit, operation };
        let body = receive(&self.state.memory, Kind::Payload, limit, body, too_large).await?;
        self.service = &STS;
        let named = match self.name(None, &body) {
            Ok(named) if UNSIGNED.contains(&named.operation().name) => named,
            _ => {
                (self.service, self.operation) = (&IAM, "-");
                return Err(SignatureError::MissingToken.into());
            }
        };
        if !self.state.catalog.is_live() {
            return Err(portcullis_catalog::CatalogError::Stale.into());
        }
        let slot = self.state.decisions.slot().await?;
        let (handler, bound) = self.bind(&named, &body)?;
        let nobody = Authenticated::nobody();
        let cx = RequestCx::new(self.state, self.head, (self.request_id, slot), nobody, body);
        handler(&cx, bound).await
    }

    /// On `/`, the scope says which query service is meant; a JSON service has a target header.
    fn choose_service_at_root(&mut self, claim: &Claim) -> Result<(), ApiError> {
        if self.service.protocol == Protocol::RestJson {
            return Ok(());
        }
        if let Some((prefix, _)) = target(self.head) {
            let known = prefix == self.service.target_prefix;
            return if known { Ok(()) } else { Err(ApiError::NotServed(prefix.into())) };
        }
        let scope = claim.scope().service();
        let meant = [&STS, &LAMBDA].into_iter().find(|service| service.signing_name == scope);
        self.service = meant.unwrap_or(self.service);
        Ok(())
    }

    fn check_scope(&self, claim: &Claim) -> Result<(), SignatureError> {
        let region = self.state.region.as_str();
        let here = [region, GLOBAL_REGION];
        let is_global = self.service.protocol != Protocol::RestJson;
        let regions = if is_global { &here[..] } else { &here[..1] };
        claim.check_scope(regions, self.service.signing_name)
    }

    /// Method and path's row in the operation table; `None` for other protocols than REST.
    fn rest_operation(
        &mut self,
    ) -> Result<Option<(&'static OperationModel, Labels<'a>)>, ApiError> {
        if self.service.protocol != Protocol::RestJson {
            return Ok(None);
        }
        let uri = &self.head.uri;
        let found = route(self.service, &self.head.method, uri.path(), uri.query())?;
        let found = found.ok_or(ApiError::UnknownOperation)?;
        self.operation = found.operation.name;
        Ok(Some((found.operation, found.labels)))
    }

    /// Reads the body within the operation's limit.
    async fn read(
        &self,
        body: Incoming,
        named: Option<&(&'static OperationModel, Labels<'_>)>,
    ) -> Result<Bytes, ApiError> {
        let operation = named.map_or("-", |(operation, _)| operation.name);
        let (kind, limit) = match operation {
            "CreateFunction" | "UpdateFunctionCode" | "PublishLayerVersion" => {
                (Kind::Package, PACKAGE_REQUEST_BYTES_MAX)
            }
            "Invoke" | "InvokeWithResponseStream" => (Kind::Payload, PAYLOAD_BYTES_MAX),
            _ => (Kind::Payload, REQUEST_BYTES_MAX),
        };
        let is_event =
            self.head.headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event");
        receive(&self.state.memory, kind, limit, body, |announced| match operation {
            "Invoke" if is_event => event_too_large(announced),
            "Invoke" | "InvokeWithResponseStream" => payload_too_large(announced),
            _ => ApiError::RequestTooLarge { limit, operation },
        })
        .await
    }

    /// The operation, in any protocol.
    fn name(
        &mut self,
        rest: Option<(&'static OperationModel, Labels<'a>)>,
        body: &Bytes,
    ) -> Result<Named<'a>, ApiError> {
        if let Some((operation, labels)) = rest {
            return Ok(Named::Rest(operation, labels));
        }
        if let Some((_, name)) =
            target(self.head).filter(|_| self.service.protocol == Protocol::Json)
        {
            let operation = self.service.operation(&name).filter(|_| self.may_be(JSON));
            let operation = operation.ok_or(ApiError::UnknownOperation)?;
            self.operation = operation.name;
            return Ok(Named::Target(operation));
        }
        let form = self.form(body)?;
        let [action, version] =
            ["Action", "Version"].map(|name| form.get(name).unwrap_or_default().to_owned());
        if action.is_empty() {
            return Err(ApiError::MissingAction);
        }
        let operation = self.service.operation(&action);
        let operation = operation.filter(|_| version == self.service.api_version);
        let operation = operation.ok_or(ApiError::UnknownAction { action, version })?;
        self.operation = operation.name;
        Ok(Named::Query(operation, form))
    }

    /// The form of a request to a query service: the query of a GET, or else the body, unless its
    /// type says that it is something else.
    fn form(&self, body: &Bytes) -> Result<Form, ApiError> {
        if self.head.method == Method::GET {
            return Ok(Form::parse(self.head.uri.query().unwrap_or_default().as_bytes())?);
        }
        if !self.may_be(FORM) {
            return Err(ApiError::MissingAction);
        }
        Ok(Form::parse(body)?)
    }

    /// Whether the body is of one of these types, or does not say of which it is.
    fn may_be(&self, types: &[&[u8]]) -> bool {
        let is = |kind: &HeaderValue| {
            let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            types.iter().any(|one| kind.trim_ascii().eq_ignore_ascii_case(one))
        };
        self.head.headers.get(header::CONTENT_TYPE).is_none_or(is)
    }

    /// Binds and validates what the request carries: every failure in one answer.
    fn bind(
        &self,
        named: &Named<'_>,
        body: &Bytes,
    ) -> Result<(Handler, serde_json::Value), ApiError> {
        let operation = named.operation();
        let not_served = || ApiError::NotServed(operation.name.into());
        let handler = handler(operation).ok_or_else(not_served)?;
        let bound = match named {
            Named::Rest(_, labels) => {
                bind(operation, labels, self.head.uri.query(), &self.head.headers, body)?
            }
            Named::Query(_, form) => bind_query(operation, form)?,
            Named::Target(_) => {
                bind(operation, &Labels::default(), None, &self.head.headers, body)?
            }
        };
        validate(operation, &bound)?;
        Ok((handler, bound))
    }
}

/// The two sides of the dot in the target header; all on the left where there is none.
fn target(head: &Parts) -> Option<(String, String)> {
    const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
    let target = String::from_utf8_lossy(head.headers.get(TARGET)?.as_bytes()).into_owned();
    let (prefix, name) = target.split_once('.').unwrap_or((&target, ""));
    Some((prefix.to_owned(), name.to_owned()))
}
