//! What a worker asks of the outside: a tunnel (`CONNECT`), or one plain request whose target is a whole
//! URL (RFC 9110 §9.3.6, RFC 9112 §3.2.2). That is what HTTP clients ask of a proxy.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::idle::Watched;
use super::{Counted, Unreached, Way};
use crate::host::AnswerBody;
use crate::jail::RUNTIME_API_PORT;

/// How long nothing may pass over a connection. Source: AWS's NAT gateways, behind which functions of a
/// VPC are, forget it after 350 seconds.
const IDLE_MAX: Duration = Duration::from_secs(350);

/// How long a worker that has been refused before the end of its request may go on with it.
const EARLY: Duration = Duration::from_millis(500);

/// The port of plain HTTP.
const HTTP_PORT: u16 = 80;

/// Headers that are for the next machine only (RFC 9110 §7.6.1), and those that proxies are spoken to by.
const OF_ONE_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A proxy's answer.
pub(crate) struct Proxied {
    pub(crate) response: Response<AnswerBody>,
    /// What follows the answer on the worker's connection.
    pub(crate) tunnel: Option<Tunnel>,
}

/// A worker's connection that has become one with the outside.
pub(crate) struct Tunnel {
    worker: OnUpgrade,
    outside: TcpStream,
}

/// Whether a request is for a proxy: its target is somewhere else than the listener that it came to.
pub(crate) fn is_proxied(method: &Method, target: &Uri) -> bool {
    let own = |authority: &Authority| {
        matches!(authority.host(), "127.0.0.1" | "localhost")
            && authority.port_u16() == Some(RUNTIME_API_PORT)
    };
    *method == Method::CONNECT || target.scheme().is_some() && !target.authority().is_some_and(own)
}

impl Way {
    /// Answers a request that [is for a proxy](is_proxied), which needs a place. Unless a tunnel
    /// follows, its connection is over with the answer: an idle one would keep its place from others.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        place: Result<Arc<Counted>, Unreached>,
    ) -> Proxied {
        let mut proxied = match place {
            Ok(_) if request.method() == Method::CONNECT => self.tunnel(request).await,
            Ok(place) => Proxied { response: self.plain(request, place).await, tunnel: None },
            Err(many) => refused(&many.into(), request.into_body()),
        };
        if proxied.tunnel.is_none() {
            let close = HeaderValue::from_static("close");
            proxied.response.headers_mut().insert(header::CONNECTION, close);
        }
        proxied
    }

    async fn tunnel(&self, mut request: Request<Incoming>) -> Proxied {
        let target = request.uri().authority();
        let Some((host, port)) = target.and_then(|it| Some((it.host(), it.port_u16()?))) else {
            return Proxied { response: refusal(&Refusal::Target), tunnel: None };
        };
        match self.connect(host, port).await {
            Ok(outside) => {
                let tunnel = Tunnel { worker: hyper::upgrade::on(&mut request), outside };
                Proxied { response: said(StatusCode::OK, String::new()), tunnel: Some(tunnel) }
            }
            Err(error) => Proxied { response: refusal(&error.into()), tunnel: None },
        }
    }

    /// Answers a plain request.
    async fn plain(&self, request: Request<Incoming>, place: Arc<Counted>) -> Response<AnswerBody> {
        let (head, body) = request.into_parts();
        match self.reached(head, &body).await {
            Ok((head, stream)) => {
                let request = Request::from_parts(head, body);
                forward(request, stream, place).await.unwrap_or_else(|why| refusal(&why))
            }
            Err(why) => refused(&why, body).response,
        }
    }

    /// The head as its own server is sent it, and a connection with that one.
    async fn reached(&self, head: Parts, body: &Incoming) -> Result<(Parts, TcpStream), Refusal> {
        let head = to_origin(head, body).ok_or(Refusal::Target)?;
        let (host, port) = place_of(&head.headers).ok_or(Refusal::Target)?;
        let stream = self.connect(&host, port).await?;
        Ok((head, stream))
    }
}

/// Sends a plain request on, over a connection of its own.
async fn forward(
    request: Request<Incoming>,
    stream: TcpStream,
    place: Arc<Counted>,
) -> Result<Response<AnswerBody>, Refusal> {
    let (stream, used) = Watched::new(stream);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends once nobody holds the answer's body, which goes with the worker's connection.
    tokio::spawn(async move {
        let _place = place;
        tokio::select! {
            _ = connection => {}
            () = used.not_for(IDLE_MAX) => {}
        }
    });
    let mut response = sender.send_request(request).await?;
    if response.status().is_informational() {
        return Err(Refusal::Broken); // No protocol was asked to be changed to.
    }
    *response.version_mut() = Version::HTTP_11;
    remove_of_one_hop(response.headers_mut());
    Ok(response.map(|body| Either::Right(body.map_err(io::Error::other).boxed_unsync())))
}

/// The head of the same request, as its own server is asked it.
fn to_origin(mut head: Parts, body: &Incoming) -> Option<Parts> {
    let target = head.uri.into_parts();
    let authority = target.authority.filter(|_| target.scheme == Some(http::uri::Scheme::HTTP))?;
    let (_, place) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    head.version = Version::HTTP_11;
    remove_of_one_hop(&mut head.headers);
    head.headers.insert(header::HOST, HeaderValue::from_str(place).ok()?);
    if body.size_hint().exact().is_none() {
        // Of any method: without it, that of a GET would not be sent.
        let chunked = HeaderValue::from_static("chunked");
        head.headers.insert(header::TRANSFER_ENCODING, chunked);
        head.headers.remove(header::CONTENT_LENGTH);
    }
    head.uri = target.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")).into();
    Some(head)
}

fn place_of(headers: &HeaderMap) -> Option<(String, u16)> {
    let place: Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    let port =
        if place.as_str().ends_with(place.host()) { Some(HTTP_PORT) } else { place.port_u16() };
    Some((place.host().to_owned(), port?))
}

fn remove_of_one_hop(headers: &mut HeaderMap) {
    let listed = headers.get_all(header::CONNECTION).iter().filter_map(|it| it.to_str().ok());
    let listed =
        listed.flat_map(|list| list.split(',')).filter_map(|name| name.trim().parse().ok());
    let listed: Vec<HeaderName> = listed.collect();
    for name in listed.iter().chain(&OF_ONE_HOP) {
        headers.remove(name);
    }
}

impl Tunnel {
    /// Passes on what comes from either side, until both have ended or nothing has come for long.
    pub(crate) async fn run(self) {
        let Ok(worker) = self.worker.await else { return };
        let (mut outside, used) = Watched::new(self.outside);
        let mut worker = TokioIo::new(worker);
        tokio::select! {
            // How it ended is between the two of them.
            _ = tokio::io::copy_bidirectional(&mut worker, &mut outside) => {}
            () = used.not_for(IDLE_MAX) => {}
        }
    }
}

/// Why a request is not sent on.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the target is neither HOST:PORT to connect with nor a URL of plain HTTP")]
    Target,
    #[error(transparent)]
    Unreached(#[from] Unreached),
    #[error("the answer broke off")]
    Broken,
}

impl From<hyper::Error> for Refusal {
    fn from(_: hyper::Error) -> Self {
        Self::Broken
    }
}

fn refusal(why: &Refusal) -> Response<AnswerBody> {
    let status = match why {
        Refusal::Target => StatusCode::BAD_REQUEST,
        Refusal::Unreached(Unreached::Forbidden(_)) => StatusCode::FORBIDDEN,
        Refusal::Unreached(Unreached::Many) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Unreached(Unreached::Silent(_)) => StatusCode::GATEWAY_TIMEOUT,
        Refusal::Unreached(Unreached::Nowhere(_) | Unreached::Refused(..)) | Refusal::Broken => {
            StatusCode::BAD_GATEWAY
        }
    };
    said(status, format!("{why}\n"))
}

/// A refusal before all of the request has come: what still comes of it is read for a moment, so that
/// its sender hears the answer.
fn refused(why: &Refusal, mut body: Incoming) -> Proxied {
    tokio::spawn(timeout(EARLY, async move { while let Some(Ok(_)) = body.frame().await {} }));
    Proxied { response: refusal(why), tunnel: None }
}

fn said(status: StatusCode, text: String) -> Response<AnswerBody> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn what_names_another_place_is_for_the_proxy() {
        for (method, target, want) in [
            ("GET",     "/path",                                  false),
            ("GET",     "http://127.0.0.1:9001/path",             false),
            ("POST",    "http://localhost:9001/2018-06-01/x",     false),
            ("GET",     "http://127.0.0.1/path",                  true),
            ("GET",     "http://127.0.0.1:4566/path",             true),
            ("GET",     "http://example.com/2018-06-01/runtime/", true),
            ("GET",     "https://example.com/",                   true),
            ("CONNECT", "127.0.0.1:9001",                         true),
            ("OPTIONS", "*",                                      false),
        ] {
            assert_eq!(is_proxied(&method.parse().unwrap(), &target.parse().unwrap()), want, "{method} {target}");
        }
    }

    #[test]
    fn what_is_for_one_hop_goes_no_further() {
        let pairs = [
            ("connection", "close, X-Own"),
            ("connection", "x-other"),
            ("x-own", "1"),
            ("x-other", "1"),
            ("keep-alive", "1"),
            ("proxy-connection", "close"),
            ("proxy-authorization", "secret"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("transfer-encoding", "chunked"),
            ("authorization", "kept"),
            ("content-length", "5"),
        ];
        let pair = |(name, value): (&str, &'static str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value))
        };
        let mut headers: HeaderMap = HeaderMap::new();
        for (name, value) in pairs.into_iter().map(pair) {
            headers.append(name, value);
        }
        remove_of_one_hop(&mut headers);
        let kept: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(kept, ["authorization", "content-length"]);
    }
}
