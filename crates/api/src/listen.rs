//! The accept loop: HTTP/1 and HTTP/2 over TCP, where everything that a client can hold is bounded.
//!
//! A connection that is silent, sends its head slowly, idles too long or takes no answer is
//! closed; a body is read no further than its limit and no slower than its pace; connections
//! beyond the cap wait in the kernel's queue. On shutdown, running requests finish, within a
//! grace. A client that begins with HTTP/2's preface speaks HTTP/2.
//!
//! hyper alone does not do this: its one head deadline counts idle time and slow sending alike,
//! it answers an unread body with a reset that may destroy the answer, and over HTTP/2 it waits
//! for ever.
//!
//! Never here: what a request means.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::{
    body::{Body, Incoming},
    service::Service,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use portcullis_sandbox::SelfWaking;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinSet},
    time::{Instant, Sleep, sleep, sleep_until, timeout, timeout_at},
};

// The path is given because the tests of this file take it in by its path.
#[path = "listen/turn.rs"]
mod turn;

use turn::{Turn, turns};

/// Longest request line and headers together, in bytes. Ours: presigned queries carry session
/// tokens of several KB, and hyper's URIs end at 64 KB anyway.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// What one HTTP/2 connection may send before anyone reads it, in bytes: of one body no more than is
/// held without a share of the memory, and of all together twice that.
const WINDOW_BYTES: u32 = 128 * 1024;

/// Requests that one HTTP/2 connection may have running: the least that RFC 9113 §6.5.2 recommends.
const STREAMS_MAX: u32 = 100;

/// How long a client that still sends may go on after our answer, so that it reads the answer
/// and not a reset.
const LINGER: Duration = Duration::from_secs(2);

/// How long to wait when the system has no descriptor or memory for a connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

type BoxError = Box<dyn Error + Send + Sync>;

/// What a client may hold, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; further ones wait unaccepted. At least 1.
    pub connections_max: usize,
    /// From the accepted connection to its first byte. No longer than `idle` counts.
    pub first_byte: Duration,
    /// From the first byte of a request to the end of its headers. No longer than `idle` counts.
    pub head: Duration,
    /// From an answer to the end of the next request's headers.
    pub idle: Duration,
    /// While the client takes none of an answer.
    pub stall: Duration,
    /// From the shutdown signal to the end of the last running request.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Drained {
    /// Every request was answered.
    Whole,
    /// The grace ended first: this many connections were cut.
    Cut(usize),
}

/// The address that a request came from; in the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves connections until `shutdown` completes, then drains: accepts no more, closes idle
/// connections, lets running requests finish within `limits.grace`, and cuts the rest.
///
/// A panic in `service` costs its own connection only.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Drained
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let mut shutdown = pin!(shutdown);
    let mut connections = Connections::new(limits);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = connections.accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => connections.start(stream, peer, permit, service.clone()),
            Err(error) => tracing::warn!(%error, "cannot accept a connection"),
        }
    }
    drop(listener);
    connections.drain().await
}

/// The open connections, each a task that holds one permit.
struct Connections {
    limits: Limits,
    http: auto::Builder<TokioExecutor>,
    free: Arc<Semaphore>,
    graceful: GracefulShutdown,
    tasks: JoinSet<()>,
}

impl Connections {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            http: protocols(&limits),
            free: Arc::new(Semaphore::new(limits.connections_max.clamp(1, Semaphore::MAX_PERMITS))),
            graceful: GracefulShutdown::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Waits for a free place first: a connection that cannot be served is not accepted.
    ///
    /// Safe to cancel: no connection is lost.
    async fn accept(
        &mut self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(io::Error::other)?;
        while let Some(ended) = self.tasks.try_join_next() {
            report(ended);
        }
        match listener.accept().await {
            Ok((stream, peer)) => Ok((stream, peer, permit)),
            Err(error) => {
                if !is_of_one_connection(&error) {
                    sleep(ACCEPT_RETRY).await;
                }
                Err(error)
            }
        }
    }

    fn start<S, B>(
        &mut self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
        service: S,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "connection closed at once");
            return;
        }
        let turn = Turn::new(self.limits.stall);
        let stream = TokioIo::new(Paced::new(stream, turn.clone(), &self.limits));
        let connection = self.http.serve_connection(stream, turns(service, turn.clone(), peer));
        let connection = self.graceful.watch(connection.into_owned());
        self.tasks.spawn(SelfWaking::new(async move {
            let ended = tokio::select! {
                ended = connection => ended,
                () = turn.given_up() => Err(too_slow().into()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, %peer, "connection ended");
            }
            drop(permit);
        }));
    }

    async fn drain(mut self) -> Drained {
        let finished = timeout(self.limits.grace, self.graceful.shutdown()).await;
        if finished.is_ok() {
            while let Some(ended) = self.tasks.join_next().await {
                report(ended);
            }
            return Drained::Whole;
        }
        while let Some(ended) = self.tasks.try_join_next() {
            report(ended);
        }
        let cut = self.tasks.len();
        self.tasks.shutdown().await;
        if cut == 0 { Drained::Whole } else { Drained::Cut(cut) }
    }
}

/// Both protocols with their limits.
fn protocols(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(HEAD_BYTES_MAX as usize);
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(2 * WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX);
    http
}

/// Whether the next connection may be accepted at once: this one died in the queue.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}

/// A moment to wait for, or none. Setting it costs no allocation.
#[derive(Debug)]
struct Alarm {
    until: Option<Instant>,
    /// Moved to `until` only where that is waited for.
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    fn new(until: Option<Instant>) -> Self {
        Self { until, sleep: Box::pin(sleep_until(until.unwrap_or_else(Instant::now))) }
    }

    /// Ready once the moment has passed; never, if there is none.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.until else { return Poll::Pending };
        if self.sleep.deadline() != until {
            self.sleep.as_mut().reset(until);
        }
        self.sleep.as_mut().poll(cx)
    }
}

/// A connection that ends itself when its client takes too long over the head of a request or
/// takes nothing of an answer, and that hears the client out before it closes.
#[derive(Debug)]
struct Paced {
    stream: TcpStream,
    head: Duration,
    idle: Duration,
    stall: Duration,
    turn: Turn,
    /// The turn that `reads_head` and `reading` are of.
    seen: u64,
    reads_head: bool,
    reading: Alarm,
    writing: Alarm,
    closed: bool,
}

impl Paced {
    fn new(stream: TcpStream, turn: Turn, limits: &Limits) -> Self {
        Self {
            stream,
            head: limits.head,
            idle: limits.idle,
            stall: limits.stall,
            seen: turn.number(),
            turn,
            reads_head: false,
            reading: Alarm::new(Some(after(Instant::now(), limits.first_byte))),
            writing: Alarm::new(None),
            closed: false,
        }
    }

    /// Over HTTP/1, hyper keeps the time between an answer and the next head.
    fn follow_turn(&mut self) {
        let number = self.turn.number();
        if number != self.seen {
            self.seen = number;
            self.reads_head = false;
            let idles = self.turn.is_multiplexed() && !self.turn.answers();
            self.reading.until = idles.then(|| after(Instant::now(), self.idle));
        }
    }

    /// The first bytes of a request start the time for the rest of its head. Over HTTP/2 bytes may
    /// be of anything: after the first request, the time to idle is the time for the next head.
    fn note_bytes(&mut self) {
        let waiting = !self.turn.answers() && !self.turn.is_multiplexed();
        if waiting && !self.reads_head {
            self.reads_head = true;
            self.reading.until = Some(after(Instant::now(), self.head));
        }
    }

    /// A write that waits starts the time for the client to take anything; one that does not
    /// ends it.
    fn time_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing.until = None;
            return written;
        }
        self.writing.until.get_or_insert_with(|| after(Instant::now(), self.stall));
        self.writing.poll(cx).map(|()| Err(too_slow()))
    }

    /// Reads on until the client has nothing more to say, or [`LINGER`] has passed.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [std::mem::MaybeUninit::uninit(); 8 * 1024];
        loop {
            let mut heard = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.stream).poll_read(cx, &mut heard) {
                Poll::Ready(Ok(())) if !heard.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if self.reading.until.is_none() => return Poll::Ready(()),
                Poll::Pending => return self.reading.poll(cx),
            }
            let until = *self.reading.until.get_or_insert_with(|| Instant::now() + LINGER);
            if Instant::now() >= until {
                return Poll::Ready(());
            }
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.follow_turn();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Pending => this.reading.poll(cx).map(|()| Err(too_slow())),
            Poll::Ready(done) => {
                if buffer.filled().len() > before {
                    this.note_bytes();
                }
                Poll::Ready(done)
            }
        }
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.time_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.time_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closed {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.closed = true;
            this.reading.until = None;
        }
        this.poll_linger(cx).map(Ok)
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client is too slow")
}

/// How fast a body must arrive, at the least: by any moment, as many bytes as
/// `bytes_per_second_min` gives for the time since `patience` ended.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Free of charge at the start.
    pub patience: Duration,
    /// At least 1.
    pub bytes_per_second_min: u32,
}

impl Default for Pace {
    /// 10 seconds, then 32 KB a second: the slowest mobile uplinks.
    fn default() -> Self {
        Self { patience: Duration::from_secs(10), bytes_per_second_min: 32 * 1024 }
    }
}

impl Pace {
    /// How long a body may have taken, of which this many bytes are there.
    fn allows(&self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let paid = Duration::from_secs(1) * bytes / self.bytes_per_second_min.max(1);
        self.patience.saturating_add(paid)
    }
}

/// Why a body is not there.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than it may be, or says that it will be.
    #[error("the body is longer than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The connection broke.
    #[error("the body cannot be read")]
    Io(#[source] BoxError),
    /// What came was no HTTP.
    #[error("the body is not framed as HTTP demands")]
    Malformed(#[source] BoxError),
    /// It fell behind its [`Pace`].
    #[error("the body arrives too slowly")]
    TimedOut,
}

/// Reads a body whole, or not at all. Memory for all of it is set aside at once, as its
/// `Content-Length` says: whoever calls this bounds how many may be read at a time.
///
/// A body whose `Content-Length` exceeds `max` is not touched; of any other, reading ends with
/// the frame that byte `max + 1` is in.
///
/// # Errors
/// [`BodyError`], each of them.
pub async fn read_bounded<B>(body: B, max: usize, pace: Pace) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(BodyError::TooLarge { max });
    }
    let mut body = pin!(body);
    let start = Instant::now();
    let first = next_data(body.as_mut(), after(start, pace.patience)).await?.unwrap_or_default();
    if first.len() > max {
        return Err(BodyError::TooLarge { max });
    }
    if body.is_end_stream() {
        return Ok(first); // The usual case: one piece, not copied.
    }
    let mut bytes = BytesMut::with_capacity(announced.max(first.len()));
    bytes.extend_from_slice(&first);
    loop {
        let until = after(start, pace.allows(bytes.len()));
        let Some(data) = next_data(body.as_mut(), until).await? else { return Ok(bytes.freeze()) };
        if data.len() > max.saturating_sub(bytes.len()) {
            return Err(BodyError::TooLarge { max });
        }
        bytes.extend_from_slice(&data);
    }
}

/// The next frame of data; trailers mean nothing to us.
async fn next_data<B>(mut body: Pin<&mut B>, until: Instant) -> Result<Option<Bytes>, BodyError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    loop {
        let frame = timeout_at(until, body.frame()).await.map_err(|_| BodyError::TimedOut)?;
        match frame.transpose().map_err(|error| unread(error.into()))? {
            None => return Ok(None),
            Some(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Whether the connection broke or the client misframed its body, as one does who ends before its
/// length is reached: hyper tells by the kind of the error below its own.
fn unread(error: BoxError) -> BodyError {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    let below = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let is_misframed =
        below.is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput | UnexpectedEof));
    if is_misframed { BodyError::Malformed(error) } else { BodyError::Io(error) }
}

/// A deadline; one beyond what clocks can hold is a year away.
fn after(start: Instant, time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    start + time.min(YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_buys_time() {
        let pace = Pace { patience: Duration::from_secs(10), bytes_per_second_min: 1000 };
        let rows = [(0, 10_000), (1, 10_001), (500, 10_500), (1_000_000, 1_010_000)];
        for (bytes, milliseconds) in rows {
            assert_eq!(pace.allows(bytes), Duration::from_millis(milliseconds), "{bytes}");
        }
    }

    #[test]
    fn no_pace_and_no_body_overflow() {
        let pace = Pace { patience: Duration::MAX, bytes_per_second_min: 0 };
        assert_eq!(pace.allows(usize::MAX), Duration::MAX);
    }
}
