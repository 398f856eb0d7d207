//! The data plane of function URLs: from an HTTP request to the function, and its answer back.
//!
//! Source: `aws-lambda.md §7`. A URL is told by its host, before the path means anything; so no
//! request to one can reach an operation. Nobody enters without both grants (`§7.2`).

mod event;
mod reply;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, header, request::Parts};
use hyper::body::Incoming;
use jiff::Timestamp;
use portcullis_catalog::{
    FunctionResource, Permit,
    decisions::{RequestId, Slot},
};
use portcullis_lambda::{
    CorsHeader, FunctionUrl, InvokeMode, Preflight, Region, UrlAuthType, UrlDomain, UrlId,
};
use portcullis_model::{LAMBDA, lambda::operation::Invoke};
use portcullis_sandbox::Event;
use portcullis_sigv4::{SignatureError, claim};

use crate::{
    answer::{Body, JSON, empty, response},
    authenticate::{Authenticated, Credential},
    body::{PAYLOAD_BYTES_MAX, hash, payload_too_large, receive},
    context::RequestCx,
    error::{ApiError, EXPLAIN},
    memory::{FREE_BYTES_MAX, Kind},
    ops::lambda::invoke::{chance, trace_id},
    state::State,
    streaming::{self, Answered},
};

/// What every URL's host has after its id.
const MARK: &str = ".lambda-url.";

/// Headers about one connection: no function is told them, and none has a say in them.
const OF_CONNECTION: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What anyone who may not call is told: `aws-lambda.md §7.3`.
const FORBIDDEN: &str = r#"{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}"#;

/// The host's id, if the request is to a function URL. One that is no id is `None` inside: nothing
/// has it.
pub(crate) fn addressed(head: &Parts) -> Option<Option<UrlId>> {
    let host = match head.uri.authority() {
        Some(authority) => authority.as_str(),
        None => head.headers.get(header::HOST)?.to_str().ok()?,
    };
    let host = host.to_ascii_lowercase();
    let (id, _) = host.split_once(MARK)?;
    Some(id.parse().ok())
}

/// A URL's address: `http://ID.lambda-url.REGION.DOMAIN/`, with the port that the client used.
pub(crate) fn text(id: &UrlId, region: &Region, domain: &UrlDomain, head: &Parts) -> String {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.rsplit_once(':')?.1.parse::<u16>().ok());
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("http://{id}{MARK}{region}.{domain}{port}/")
}

/// Answers a request to a function URL, whatever comes of it.
pub(crate) async fn answer(
    state: &Arc<State>,
    id: Option<UrlId>,
    head: &Parts,
    body: Incoming,
    request_id: RequestId,
) -> Response<Body> {
    // Whatever a function answered, a success would promise a tunnel.
    let id = id.filter(|_| head.method != Method::CONNECT);
    let url = match find(state, id) {
        Ok(url) => url,
        Err(body) => return denied(body),
    };
    let call = UrlCall { state, head, request_id, url: &url };
    if let Some(preflight) = call.preflight() {
        return preflight;
    }
    let mut answer = match call.run(body).await {
        Ok(response) => response,
        Err(error) => refused(&error, request_id),
    };
    for (name, value) in call.cors_headers() {
        set(&mut answer, name, &value);
    }
    answer
}

/// The URL of a host; the body of the denial where there is none (`aws-lambda.md §7.3`).
fn find(state: &State, id: Option<UrlId>) -> Result<Arc<FunctionUrl>, &'static str> {
    let snapshot = state.catalog.load();
    match id.map(|id| (snapshot.url(&id), snapshot.has_had_url(&id))) {
        Some((Some(url), _)) => Ok(url.shared()),
        Some((None, true)) => Err(FORBIDDEN),
        _ => Err(r#"{"Message":null}"#),
    }
}

/// How a refusal looks to a caller of a URL: `aws-lambda.md §7.3`. Who is not let in learns nothing
/// of why; the log does.
fn refused(error: &ApiError, request_id: RequestId) -> Response<Body> {
    let mut told = error.response(&LAMBDA, request_id);
    match error {
        ApiError::Denied(_) | ApiError::Signature(SignatureError::MissingToken) => {
            let mut forbidden = denied(FORBIDDEN);
            let explain = told.headers_mut().remove(EXPLAIN);
            forbidden.headers_mut().extend(explain.map(|id| (EXPLAIN, id)));
            forbidden
        }
        ApiError::Internal(_) => reply::failure(),
        _ => told,
    }
}

fn denied(body: &'static str) -> Response<Body> {
    let mut response = response(403, JSON, Bytes::from_static(body.as_bytes()));
    let code = HeaderValue::from_static("AccessDeniedException");
    response.headers_mut().insert("x-amzn-errortype", code);
    response
}

/// Headers of our own making are legal; of a configuration, checked when it was made. What the answer
/// varies by is one thing more, beside what the function said of it.
fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    let Ok(value) = HeaderValue::from_str(value) else { return };
    match HeaderName::from_static(name) {
        header::VARY => drop(response.headers_mut().append(header::VARY, value)),
        name => drop(response.headers_mut().insert(name, value)),
    }
}

/// A request to a URL that exists.
struct UrlCall<'a> {
    state: &'a Arc<State>,
    head: &'a Parts,
    request_id: RequestId,
    url: &'a FunctionUrl,
}

impl<'a> UrlCall<'a> {
    fn header(&self, name: HeaderName) -> Option<&'a str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The answer to a browser that asks whether it may call: the function does not run, and no
    /// permission is needed (`[gap] §7.6`).
    fn preflight(&self) -> Option<Response<Body>> {
        let asked = Preflight {
            origin: self.header(header::ORIGIN)?,
            method: self.header(header::ACCESS_CONTROL_REQUEST_METHOD)?,
            headers: self.header(header::ACCESS_CONTROL_REQUEST_HEADERS),
        };
        let cors = self.url.cors().filter(|_| self.head.method == Method::OPTIONS)?;
        let mut response = empty(200);
        for (name, value) in cors.preflight(&asked) {
            set(&mut response, name, &value);
        }
        Some(response)
    }

    /// The headers that the configuration adds to every answer.
    fn cors_headers(&self) -> Vec<CorsHeader> {
        let origin = self.header(header::ORIGIN);
        self.url.cors().zip(origin).map(|(cors, origin)| cors.headers(origin)).unwrap_or_default()
    }

    /// Authenticates, authorizes, runs the function.
    async fn run(&self, body: Incoming) -> Result<Response<Body>, ApiError> {
        if !self.state.catalog.is_live() {
            return Err(portcullis_catalog::CatalogError::Stale.into());
        }
        let slot = self.state.decisions.slot().await?;
        let (authenticated, body) = match self.url.auth_type() {
            UrlAuthType::AwsIam => self.authenticate(body).await?,
            UrlAuthType::None => {
                // Whoever may not call is told so before its body is read; and asked again after.
                let cx = self.context(slot, Authenticated::nobody(), Bytes::new());
                cx.authorize_url(&cx.snapshot, self.url).map(drop)?;
                (Authenticated::nobody(), self.receive(body).await?)
            }
        };
        let cx = self.context(slot, authenticated, body);
        let permit = cx.authorize_url(&cx.snapshot, self.url)?;
        let again = |_| cx.authorize_url(&self.state.catalog.load(), self.url);
        let mut permit = cx.once_created(permit, again).await?;
        let trace_id = trace_id(&cx);
        let payload = event::payload(&cx, self.url, &trace_id).await?;
        if payload.len() > FREE_BYTES_MAX {
            permit = again(permit)?; // It may have waited for its share of the memory.
        }
        self.invoke(permit, payload, trace_id).await
    }

    async fn receive(&self, body: Incoming) -> Result<Bytes, ApiError> {
        let memory = &self.state.memory;
        receive(memory, Kind::Payload, PAYLOAD_BYTES_MAX, body, payload_too_large).await
    }

    /// Proves who sent the request, as on every other way in: the clock, the scope, the key, then
    /// the body and the signature.
    async fn authenticate(&self, body: Incoming) -> Result<(Authenticated, Bytes), ApiError> {
        let received = Timestamp::now();
        let claim = claim(self.head, received)?;
        claim.check_scope(&[self.state.region.as_str()], LAMBDA.signing_name)?;
        let found = Credential::find(self.state, &self.state.catalog.load(), &claim, received)?;
        let body = self.receive(body).await?;
        let hash = hash(&body).await;
        let snapshot = self.state.catalog.snapshot();
        let now = Timestamp::now();
        let credential = found.renew(self.state, &snapshot, now)?;
        Ok((credential.verify(self.state, &snapshot, self.head, &claim, &hash, now)?, body))
    }

    fn context(&self, slot: Slot<'a>, authenticated: Authenticated, body: Bytes) -> RequestCx<'a> {
        RequestCx::new(self.state, self.head, (self.request_id, slot), authenticated, body)
    }

    async fn invoke(
        &self,
        permit: Permit<Invoke, FunctionResource>,
        payload: Bytes,
        trace_id: String,
    ) -> Result<Response<Body>, ApiError> {
        let resolved = self.state.catalog.load().invocation(permit, chance())?;
        let event = Event {
            request_id: self.request_id.to_string(),
            payload,
            invoked_function_arn: resolved.target.to_string(),
            client_context: None,
            trace_id,
            log_tail: false,
            output: None,
        };
        if self.url.invoke_mode() == Some(InvokeMode::ResponseStream) {
            return Ok(match streaming::run(self.state, resolved, event).await? {
                Answered::Whole(outcome) => reply::as_is(&outcome),
                Answered::Begun(stream) => reply::as_it_comes(stream).await,
            });
        }
        let outcome = self.state.run(&resolved, event).await?;
        Ok(reply::of(&outcome))
    }
}
