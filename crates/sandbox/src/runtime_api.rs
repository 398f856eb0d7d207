//! Lambda's Runtime API, version 2018-06-01, for one worker: HTTP/1.1 on a listener of its own.
//!
//! Source: AWS Lambda developer guide, "Using the Lambda runtime API"; refusals as AWS's own
//! runtime interface emulator gives them.

mod bodies;
mod seats;
mod streamed;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::exchange::{Answer, Cut, Delivery, Exchange, Refusal};
use crate::host::{AnswerBody, Host};
use crate::lock;
use crate::outcome::Outcome;
use crate::outside::{Proxied, Tunnel, Way, is_proxied};
use crate::self_waking::SelfWaking;

use bodies::Taken;
use seats::{Seat, Seats};
use streamed::STREAM_BYTES_MAX;

/// Longest answer of a function, in bytes. Source: `[snap]` aws-lambda.md §8.2: 6 MiB and 100.
pub const RESPONSE_BYTES_MAX: usize = 6_291_556;

/// Longest request head: the Python runtime client sends up to 1 MiB of X-Ray cause in a header.
const HEAD_BYTES_MAX: usize = (1 << 20) + (64 << 10);

/// Longest that a connection may be silent at first, where it may be meant for the outside.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How long a listener rests after it could not accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a worker that has been answered before the end of its request may hear of it.
const EARLY: Duration = Duration::from_millis(500);

const PREFIX: &str = "/2018-06-01/runtime/";

/// What a worker's listener leads to, beside the Runtime API.
#[derive(Clone)]
pub(crate) struct Doors {
    /// Gets requests of other paths.
    pub(crate) host: Option<Arc<dyn Host>>,
    /// Gets requests for other places.
    pub(crate) way: Option<Way>,
}

/// The Runtime API server of one worker. Ends, with its connections, when dropped.
pub(crate) struct RuntimeApi {
    pub(crate) exchange: Arc<Exchange>,
    server: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Serves on a listener that does not block, wherever it listens.
    pub(crate) fn serve(listener: StdListener, doors: Doors) -> io::Result<Self> {
        let listener = TcpListener::from_std(listener)?;
        let exchange = Arc::new(Exchange::default());
        let server = tokio::spawn(accept_forever(listener, Arc::clone(&exchange), doors));
        Ok(Self { exchange, server })
    }
}

async fn accept_forever(listener: TcpListener, exchange: Arc<Exchange>, doors: Doors) {
    let (mut connections, seats) = (JoinSet::new(), Seats::new(doors.way.clone()));
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let Some(seat) = seats.take().await else { return };
                let talk = talk(stream, seat, Arc::clone(&exchange), doors.clone());
                connections.spawn(SelfWaking::new(talk));
            }
            Err(error) => {
                // Mostly the server's descriptor limit: somebody has to close something first.
                tracing::warn!(%error, "cannot accept a worker's connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn talk(stream: TcpStream, seat: Seat, exchange: Arc<Exchange>, doors: Doors) {
    // An answer is one small segment that the worker waits for.
    let _ = stream.set_nodelay(true);
    let (leads_out, is_further) = (doors.way.is_some(), seat.is_place());
    // Not `readable`, which may say so of a silent one.
    if leads_out && timeout(SILENCE_MAX, stream.peek(&mut [0])).await.is_err() {
        return;
    }
    let talk = Arc::new(Talk { exchange, doors, seat, tunnel: Mutex::default() });
    let service = service_fn(|request: Request<Incoming>| {
        let talk = Arc::clone(&talk);
        async move { Ok::<_, Infallible>(talk.answer(request).await) }
    });
    let mut server = http1::Builder::new();
    server.max_buf_size(HEAD_BYTES_MAX).auto_date_header(false);
    if is_further {
        // Counted among those of others: it asks one thing, and soon.
        server.timer(TokioTimer::new()).header_read_timeout(SILENCE_MAX).keep_alive(false);
    }
    let connection = server.serve_connection(TokioIo::new(stream), service);
    let served = if leads_out { connection.with_upgrades().await } else { connection.await };
    if let Err(error) = served {
        tracing::debug!(%error, "a worker's connection broke");
    }
    let tunnel = lock(&talk.tunnel).take();
    if let Some(tunnel) = tunnel {
        tunnel.run().await;
    }
}

/// One connection of a worker.
struct Talk {
    exchange: Arc<Exchange>,
    doors: Doors,
    seat: Seat,
    /// What follows the connection's last answer.
    tunnel: Mutex<Option<Tunnel>>,
}

impl Talk {
    async fn answer(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        let Doors { host, way } = &self.doors;
        let proxied = |_: &&Way| is_proxied(request.method(), request.uri());
        if let Some(way) = way.as_ref().filter(proxied) {
            let place = self.seat.place(way);
            let Proxied { response, tunnel } = way.answer(request, place).await;
            *lock(&self.tunnel) = tunnel;
            return response;
        }
        let of_runtime = request.uri().path().starts_with(PREFIX);
        let response = match host.as_ref().filter(|_| !of_runtime) {
            Some(host) => host.answer(request).await,
            None => answer(&self.exchange, request).await.map(Either::Left),
        };
        // A worker may send requests without end: each lets others run. A runtime's own wait for others
        // anyhow.
        if !of_runtime || !response.status().is_success() {
            tokio::task::yield_now().await;
        }
        response
    }
}

/// The calls of the Runtime API that are served.
#[derive(Debug, PartialEq, Eq)]
enum Call<'a> {
    Next,
    Response(&'a str),
    Error(&'a str),
    InitError,
}

impl<'a> Call<'a> {
    fn parse(method: &Method, path: &'a str) -> Option<Self> {
        let path = path.strip_prefix(PREFIX)?;
        match (method, path) {
            (&Method::GET, "invocation/next") => Some(Self::Next),
            (&Method::POST, "init/error") => Some(Self::InitError),
            (&Method::POST, _) => {
                let (request_id, what) = path.strip_prefix("invocation/")?.split_once('/')?;
                match what {
                    "response" => Some(Self::Response(request_id)),
                    "error" => Some(Self::Error(request_id)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

async fn answer(exchange: &Exchange, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match Call::parse(&head.method, head.uri.path()) {
        Some(Call::Next) => next(exchange).await,
        Some(Call::Response(id)) if streamed::is_streamed(&head.headers) => {
            stream(exchange, id, &head.headers, body).await
        }
        Some(Call::Response(id)) => posted(exchange, id, body, |it, _| Answer::Response(it)).await,
        Some(Call::Error(id)) => posted(exchange, id, body, |it, _| Answer::Error(it)).await,
        Some(Call::InitError) => init_error(exchange, body).await,
        None => refusal(StatusCode::NOT_FOUND, "NotFound", "404 page not found"),
    }
}

/// `GET invocation/next`: waits for an event, however long.
async fn next(exchange: &Exchange) -> Response<Full<Bytes>> {
    let delivery = match exchange.next() {
        Ok(delivery) => delivery.await.map_err(|_| Refusal::Transition),
        Err(refusal) => Err(refusal),
    };
    match delivery {
        Ok(delivery) => event(delivery),
        Err(refusal) => refused(refusal),
    }
}

fn event(delivery: Delivery) -> Response<Full<Bytes>> {
    let Delivery { event, deadline } = delivery;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut response = Response::new(Full::new(event.payload));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    put(headers, "lambda-runtime-aws-request-id", &event.request_id);
    put(headers, "lambda-runtime-deadline-ms", &deadline.to_string());
    put(headers, "lambda-runtime-invoked-function-arn", &event.invoked_function_arn);
    put(headers, "lambda-runtime-trace-id", &event.trace_id);
    if let Some(context) = event.client_context {
        put(headers, "lambda-runtime-client-context", &header_json(&context));
    }
    response
}

/// A value that no header can carry is left out: the request fails nowhere but in the function.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The same JSON, in characters that a header may carry. Raw control characters can only be white
/// space between JSON's tokens, and others than ASCII only be inside of strings.
fn header_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            ' '..='~' => text.push(character),
            '\0'..='\x7f' => text.push(' '),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

/// `POST invocation/ID/response` and `…/error`.
async fn posted(
    exchange: &Exchange,
    request_id: &str,
    body: Incoming,
    answer_of: fn(Bytes, Option<HeaderMap>) -> Answer,
) -> Response<Full<Bytes>> {
    let answer = match bodies::take(body, exchange.expects(request_id)).await {
        Ok(Taken::Whole(bytes, trailers)) => answer_of(bytes, trailers),
        Ok(Taken::TooLong) => Answer::TooLarge,
        Ok(Taken::Refused(refusal)) => return refused(refusal),
        Err(error) => return unreadable(&error),
    };
    accepted(exchange.answer(request_id, answer))
}

/// `POST invocation/ID/response` of a runtime that streams.
async fn stream(
    exchange: &Exchange,
    request_id: &str,
    headers: &HeaderMap,
    mut body: Incoming,
) -> Response<Full<Bytes>> {
    // For a caller that takes it whole, and for none.
    let Ok(Some(output)) = exchange.output(request_id) else {
        return posted(exchange, request_id, body, streamed::answer_of).await;
    };
    match streamed::take(output, headers, &mut body).await {
        Ok(Ok(answer)) => accepted(exchange.answer(request_id, answer)),
        Ok(Err(cut)) => {
            let done = exchange.cut(request_id, cut);
            answered_early(done.map_or_else(refused, |()| taken_no_further(cut)), body)
        }
        Err(error) => unreadable(&error),
    }
}

/// An answer before all of the request has come: a runtime client takes it for the end. What it still
/// sends waits for a moment, so that it hears us first; then its connection closes.
fn answered_early(mut response: Response<Full<Bytes>>, body: Incoming) -> Response<Full<Bytes>> {
    tokio::spawn(async move {
        tokio::time::sleep(EARLY).await;
        drop(body);
    });
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// What the worker hears of an answer that is cut.
fn taken_no_further(cut: Cut) -> Response<Full<Bytes>> {
    match cut {
        Cut::Left => accepted(Ok(())),
        Cut::TooLarge => {
            let message =
                format!("Exceeded maximum allowed payload size ({STREAM_BYTES_MAX} bytes).");
            refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
        }
    }
}

/// `POST init/error`.
async fn init_error(exchange: &Exchange, body: Incoming) -> Response<Full<Bytes>> {
    let description = match bodies::take(body, exchange.starts()).await {
        Ok(Taken::Whole(description, _)) => description,
        Ok(Taken::TooLong) => Outcome::too_large().payload,
        Ok(Taken::Refused(refusal)) => return refused(refusal),
        Err(error) => return unreadable(&error),
    };
    accepted(exchange.init_error(description))
}

/// 202 with the body that AWS sends.
fn accepted(done: Result<(), Refusal>) -> Response<Full<Bytes>> {
    match done {
        Ok(()) => json_response(StatusCode::ACCEPTED, Bytes::from_static(b"{\"status\":\"OK\"}\n")),
        Err(refusal) => refused(refusal),
    }
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::RequestId => {
            self::refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
        }
        Refusal::Transition => self::refusal(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "Transition from the current state to the requested one is not allowed.",
        ),
    }
}

/// The body broke off; most likely nobody hears this.
fn unreadable(error: &hyper::Error) -> Response<Full<Bytes>> {
    tracing::debug!(%error, "a worker's request broke off");
    refusal(StatusCode::BAD_REQUEST, "InvalidRequest", "The request body cannot be read")
}

fn refusal(status: StatusCode, error_type: &str, message: &str) -> Response<Full<Bytes>> {
    let body = json!({"errorMessage": message, "errorType": error_type});
    json_response(status, Bytes::from(body.to_string()))
}

fn json_response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    #[rustfmt::skip]
    fn calls_are_told_by_method_and_path() {
        let parse = |method: Method, path| Call::parse(&method, path);
        assert_eq!(parse(Method::GET,  "/2018-06-01/runtime/invocation/next"),       Some(Call::Next));
        assert_eq!(parse(Method::POST, "/2018-06-01/runtime/invocation/a/response"), Some(Call::Response("a")));
        assert_eq!(parse(Method::POST, "/2018-06-01/runtime/invocation/a/error"),    Some(Call::Error("a")));
        assert_eq!(parse(Method::POST, "/2018-06-01/runtime/init/error"),            Some(Call::InitError));
        assert_eq!(parse(Method::POST, "/2018-06-01/runtime/invocation/next"),       None);
        assert_eq!(parse(Method::GET,  "/2018-06-01/runtime/invocation/a/response"), None);
        assert_eq!(parse(Method::POST, "/2018-06-01/runtime/invocation/a/b/error"),  None);
        assert_eq!(parse(Method::GET,  "/2015-03-31/runtime/invocation/next"),       None);
    }

    #[test]
    fn any_json_fits_into_a_header_and_means_the_same() {
        for json in [r#"{"a":"é😀\n"}"#, "{\n\t\"a\" : [1,\r2]}", "\"\u{7f}\u{80}\""] {
            let carried = header_json(json);
            HeaderValue::from_str(&carried).unwrap();
            let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(parse(&carried), parse(&json.replace('\u{7f}', " ")));
        }
    }

    /// However many of them come at once: hyper would go on with the next one.
    #[tokio::test]
    async fn a_request_that_leads_nowhere_lets_others_run() {
        const REQUESTS: usize = 300;
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let _api = RuntimeApi::serve(listener, Doors { host: None, way: None }).unwrap();
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        let _others = JoinSet::from_iter([async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }]);
        let mut worker = TcpStream::connect(address).await.unwrap();
        let requests = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n".repeat(REQUESTS - 1);
        let last = "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        worker.write_all((requests + last).as_bytes()).await.unwrap();
        let before = turns.load(Ordering::Relaxed);
        let mut answers = String::new();
        worker.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers.matches("404 page not found").count(), REQUESTS);
        assert!(turns.load(Ordering::Relaxed) - before >= REQUESTS / 2);
    }
}
