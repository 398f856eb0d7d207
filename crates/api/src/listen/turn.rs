//! Whose turn it is on a connection, and the pace at which an HTTP/2 client must take answers.
//!
//! Over HTTP/1 the socket tells when a client takes nothing. Over HTTP/2 it does not: the client
//! closes one request's window and the socket stays free. So an answer goes out in pieces, each of
//! which must be taken in time.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version, header::HOST};
use http_body_util::{BodyExt as _, Either, channel};
use hyper::{
    body::{Body, Frame, Incoming},
    service::{Service, service_fn},
};
use tokio::{sync::Notify, task::yield_now, time::timeout};

use super::{BoxError, Peer};

/// How much of an answer HTTP/2 holds for a client that does not take it, in bytes: one frame.
const PIECE_BYTES: usize = 16 * 1024;

/// How many requests of a connection are answered in a row, if they came at once and nothing has to be
/// waited for: then others run. More would keep them waiting, and each time costs a few microseconds.
const ROW: u64 = 8;

/// Which requests of a connection are being answered.
#[derive(Clone, Debug)]
pub(super) struct Turn(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Changes with every request that begins or ends.
    number: AtomicU64,
    running: AtomicUsize,
    multiplexed: AtomicBool,
    given_up: Notify,
    stall: Duration,
}

impl Turn {
    /// `stall` is how long a client may take nothing of an answer.
    pub(super) fn new(stall: Duration) -> Self {
        Self(Arc::new(Inner {
            number: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            multiplexed: AtomicBool::new(false),
            given_up: Notify::new(),
            stall,
        }))
    }

    pub(super) fn number(&self) -> u64 {
        self.0.number.load(Ordering::Acquire)
    }

    /// Whether any request is being answered.
    pub(super) fn answers(&self) -> bool {
        self.0.running.load(Ordering::Acquire) > 0
    }

    /// Whether the client has been heard to speak HTTP/2.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.0.multiplexed.load(Ordering::Acquire)
    }

    /// Completes once the client has taken nothing of an answer for too long.
    pub(super) async fn given_up(&self) {
        self.0.given_up.notified().await;
    }

    /// Whether others shall run before the request that has just begun is answered.
    fn ends_row(&self) -> bool {
        // Each request counts twice; the first has made it 1.
        self.number() % (2 * ROW) == 2 * ROW - 1
    }

    fn begin(&self, version: Version) -> Running {
        if version == Version::HTTP_2 {
            self.0.multiplexed.store(true, Ordering::Release);
        }
        self.0.running.fetch_add(1, Ordering::AcqRel);
        self.0.number.fetch_add(1, Ordering::AcqRel);
        Running(self.clone())
    }
}

/// A request that is being answered, as long as this lives.
struct Running(Turn);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::AcqRel);
        self.0.0.number.fetch_add(1, Ordering::AcqRel);
    }
}

/// What a connection sends: HTTP/1 the body itself, HTTP/2 its pieces.
type Sent<B> = Either<B, channel::Channel<Bytes, BoxError>>;

/// The service, keeping the count of turns, and telling each request its peer.
pub(super) fn turns<S, B>(
    service: S,
    turn: Turn,
    peer: SocketAddr,
) -> impl Service<
    Request<Incoming>,
    Response = Response<Sent<B>>,
    Error = S::Error,
    Future: Send + 'static,
> + Send
+ 'static
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    service_fn(move |mut request: Request<Incoming>| {
        let version = request.version();
        let running = turn.begin(version);
        request.extensions_mut().insert(Peer(peer));
        name_host(&mut request);
        let (answer, ends_row) = (service.call(request), turn.ends_row());
        async move {
            if ends_row {
                yield_now().await;
            }
            let answer = answer.await?;
            Ok(match version {
                Version::HTTP_2 => answer.map(|body| in_pieces(body, running)),
                _ => answer.map(Either::Left),
            })
        }
    })
}

/// A target that names its host is believed, not the `Host` beside it (RFC 9112 §3.2.2, RFC 9113
/// §8.3.1): what was signed for one host shall not be taken for another. Signatures, grants and
/// functions look among the headers. HTTP/1 needs its one `Host` nonetheless.
fn name_host(request: &mut Request<Incoming>) {
    let is_multiplexed = request.version() == Version::HTTP_2;
    let is_one = || request.headers().get_all(HOST).iter().count() == 1;
    let authority = request.uri().authority().filter(|_| is_multiplexed || is_one());
    if let Some(host) = authority.and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

/// `body`, of which no more than [`PIECE_BYTES`] wait in the connection.
fn in_pieces<B>(body: B, running: Running) -> Sent<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let is_small = body.size_hint().upper().is_some_and(|bytes| bytes <= PIECE_BYTES as u64);
    if is_small {
        return Either::Left(body);
    }
    let (sender, pieces) = channel::Channel::new(1);
    tokio::spawn(pump(body, sender, running));
    Either::Right(pieces)
}

/// Hands on a body piece by piece; gives the connection up when a piece is not taken in time.
async fn pump<B>(body: B, mut sender: channel::Sender<Bytes, BoxError>, running: Running)
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut body = pin!(body.map_err(Into::<BoxError>::into));
    let Inner { stall, given_up, .. } = &*running.0.0;
    while let Some(frame) = body.frame().await {
        let mut data = match frame.map(Frame::into_data) {
            Ok(Ok(data)) => data,
            Ok(Err(_trailers)) => continue,
            Err(error) => return sender.abort(error),
        };
        while !data.is_empty() {
            let piece = data.split_to(PIECE_BYTES.min(data.len()));
            match timeout(*stall, sender.send_data(piece)).await {
                Ok(Ok(())) => {}
                Ok(Err(_gone)) => return,
                Err(_elapsed) => {
                    given_up.notify_one();
                    return sender.abort(super::too_slow().into());
                }
            }
        }
    }
}
