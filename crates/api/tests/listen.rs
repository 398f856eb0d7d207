//! Laws of the accept loop, over real sockets: what a client cannot hold, and how serving ends.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

#[path = "../src/listen.rs"]
pub mod listen;

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http2::{self, SendRequest},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use listen::{BodyError, Drained, Limits, Pace, Peer, read_bounded, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::{interval, timeout},
};

/// Longer than any test: a deadline that must not be the one that acts.
const LONG: Duration = Duration::from_secs(3600);
/// Short, and the one that must act.
const SHORT: Duration = Duration::from_millis(50);
/// When a test that waits for something gives up.
const PATIENCE: Duration = Duration::from_secs(20);

const LIMITS: Limits = Limits {
    connections_max: 64,
    first_byte: LONG,
    head: LONG,
    idle: LONG,
    stall: LONG,
    grace: LONG,
};
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A server of one test.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

impl Server {
    async fn start<F, A>(limits: Limits, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move { stopped.await.unwrap() };
        let ended = tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            serve(listener, service, limits, shutdown).await
        });
        Self { address, stop, ended }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn stop(self) -> Drained {
        self.stop.send(()).unwrap();
        soon(self.ended).await.unwrap()
    }
}

/// A client that speaks in bytes.
struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// One answer without a body, or with the body `ok`.
    async fn answer(&mut self) -> String {
        let mut text = String::new();
        let empty =
            |text: &str| text.contains("content-length: 0\r\n") && text.ends_with("\r\n\r\n");
        while !(text.ends_with("\r\n\r\nok") || empty(&text)) {
            let byte = soon(self.0.read_u8()).await;
            let byte = byte.unwrap_or_else(|error| panic!("{error} after {text:?}"));
            text.push(char::from(byte));
        }
        text
    }

    /// Waits until the server has closed, whatever it said before.
    async fn end(&mut self) -> String {
        let mut bytes = vec![];
        let _ = soon(self.0.read_to_end(&mut bytes)).await; // A reset is an end too.
        String::from_utf8(bytes).unwrap()
    }
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.unwrap()
}

async fn ok(_: Request<Incoming>) -> Response<Full<Bytes>> {
    Response::new(Full::from("ok"))
}

fn status(status: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status.try_into().unwrap();
    response
}

/// 200 with what [`read_bounded`] reads, or the status of its error.
async fn bounded(request: Request<Incoming>, pace: Pace) -> Response<Full<Bytes>> {
    match read_bounded(request.into_body(), 8, pace).await {
        Ok(_) => Response::new(Full::from("ok")),
        Err(BodyError::TooLarge { max: 8 }) => status(413),
        Err(BodyError::TimedOut) => status(408),
        Err(BodyError::Malformed(_)) => status(400),
        Err(other) => panic!("{other}"),
    }
}

fn patient(request: Request<Incoming>) -> impl Future<Output = Response<Full<Bytes>>> + Send {
    bounded(request, Pace { patience: LONG, bytes_per_second_min: 1 })
}

#[tokio::test]
async fn a_silent_client_is_dropped() {
    let server = Server::start(Limits { first_byte: SHORT, ..LIMITS }, ok).await;
    assert_eq!(server.connect().await.end().await, "");
    assert_eq!(server.stop().await, Drained::Whole);
}

#[tokio::test]
async fn a_client_that_stops_in_its_head_is_dropped() {
    let server = Server::start(Limits { head: SHORT, ..LIMITS }, ok).await;
    let mut client = server.connect().await;
    client.send(b"GET / HTTP/1.1\r\nhost:").await;
    assert_eq!(client.end().await, "");
}

#[tokio::test]
async fn a_client_that_drips_its_head_is_dropped() {
    let server = Server::start(Limits { head: SHORT, ..LIMITS }, ok).await;
    let mut client = server.connect().await;
    client.send(b"GET / HTTP/1.1\r\nhost:").await;
    let mut pace = interval(SHORT / 10);
    let dripping = async {
        while client.0.write_all(b"a").await.is_ok() {
            pace.tick().await;
        }
    };
    soon(dripping).await;
}

#[tokio::test]
async fn a_second_head_has_as_little_time_as_the_first() {
    let server = Server::start(Limits { head: SHORT, ..LIMITS }, ok).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200"));
    client.send(b"GET / HTTP/1.1\r\nhost:").await;
    assert_eq!(client.end().await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_not_before() {
    let idle = SHORT * 4;
    let server = Server::start(Limits { head: SHORT, idle, ..LIMITS }, ok).await;
    let mut client = server.connect().await;
    let start = tokio::time::Instant::now();
    client.send(GET).await;
    client.answer().await;
    assert_eq!(client.end().await, "");
    assert!(start.elapsed() >= idle, "{:?}", start.elapsed());
}

#[tokio::test]
async fn no_deadline_ends_a_request_that_is_being_answered() {
    let limit = SHORT * 5; // The client has to keep it itself.
    let slowly = move |request| async move {
        tokio::time::sleep(limit * 3).await;
        ok(request).await
    };
    let limits = Limits { first_byte: limit, head: limit, idle: limit, ..LIMITS };
    let server = Server::start(limits, slowly).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_dropped() {
    let entered = Arc::new(Notify::new());
    let enter = Arc::clone(&entered);
    let long = move |_| {
        enter.notify_one();
        async { Response::new(Full::from(vec![0; 64 * 1024 * 1024])) }
    };
    let server = Server::start(Limits { stall: SHORT, ..LIMITS }, long).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    soon(entered.notified()).await;
    assert_eq!(server.stop().await, Drained::Whole, "the grace is longer than the test");
}

#[tokio::test]
async fn a_client_that_takes_an_answer_slowly_gets_it_whole() {
    let length = 16 * 1024 * 1024; // Several times what the kernel holds for us.
    let long = move |_| async move { Response::new(Full::from(vec![0; length])) };
    let server = Server::start(Limits { stall: SHORT * 10, ..LIMITS }, long).await;
    let mut client = server.connect().await;
    client.send(b"GET / HTTP/1.0\r\n\r\n").await;
    let (mut taken, mut space) = (0, vec![0; 64 * 1024]);
    let mut pace = interval(SHORT / 10);
    loop {
        match soon(client.0.read(&mut space)).await.unwrap() {
            0 => break,
            read => taken += read,
        }
        pace.tick().await;
    }
    assert!(taken > length, "{taken}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = Server::start(LIMITS, ok).await;
    let mut client = server.connect().await;
    client.send(b"GET / HTTP/1.1\r\nhost: ").await;
    client.send(&[b'a'; 66 * 1024]).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_until_one_ends() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let counting = move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        ok(request)
    };
    let server = Server::start(Limits { connections_max: 1, ..LIMITS }, counting).await;
    let mut first = server.connect().await;
    first.send(GET).await;
    first.answer().await;
    let mut second = server.connect().await;
    second.send(GET).await;
    for request in 2..100 {
        first.send(GET).await;
        first.answer().await;
        assert_eq!(served.load(Ordering::SeqCst), request, "the second was served too");
    }
    drop(first);
    assert!(second.answer().await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_request_knows_its_peer() {
    let peer = |request: Request<Incoming>| async move {
        let peer = request.extensions().get::<Peer>().copied();
        let mut response = ok(request).await;
        response.headers_mut().insert("x-peer", format!("{}", peer.unwrap().0).parse().unwrap());
        response
    };
    let server = Server::start(LIMITS, peer).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    let own = client.0.local_addr().unwrap();
    assert!(client.answer().await.contains(&format!("x-peer: {own}\r\n")));
}

/// However many came at once.
#[tokio::test]
async fn others_run_between_the_requests_of_a_connection() {
    const REQUESTS: usize = 800;
    let server = Server::start(LIMITS, ok).await;
    let mut client = server.connect().await;
    client.send(&GET.repeat(REQUESTS - 1)).await;
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let others = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(client.end().await.matches("200 OK").count(), REQUESTS);
    assert!(turns.load(Ordering::Relaxed) >= REQUESTS / 8);
    others.abort();
}

#[tokio::test]
async fn a_panic_costs_its_own_connection_only() {
    let failing = |request: Request<Incoming>| {
        assert!(request.uri() != "/panic", "as the test wants");
        ok(request)
    };
    let server = Server::start(LIMITS, failing).await;
    let mut client = server.connect().await;
    client.send(b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(client.end().await, "");
    let mut client = server.connect().await;
    client.send(GET).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn draining_answers_what_runs_and_refuses_what_comes() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, left) = (Arc::clone(&entered), Arc::clone(&leave));
    let waiting = move |request| {
        let (enter, left) = (Arc::clone(&enter), Arc::clone(&left));
        async move {
            enter.notify_one();
            left.notified().await;
            ok(request).await
        }
    };
    let server = Server::start(LIMITS, waiting).await;
    let (mut silent, mut running) = (server.connect().await, server.connect().await);
    running.send(GET).await;
    soon(entered.notified()).await;
    let address = server.address;
    let ended = tokio::spawn(server.stop());
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    soon(refused).await;
    assert_eq!(silent.end().await, "");
    assert!(!ended.is_finished());
    leave.notify_one();
    let answer = running.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"));
    assert_eq!(soon(ended).await.unwrap(), Drained::Whole);
}

#[tokio::test]
async fn what_outlasts_the_grace_is_cut_and_counted() {
    let entered = Arc::new(Notify::new());
    let enter = Arc::clone(&entered);
    let forever = move |_| {
        enter.notify_one();
        pending()
    };
    let server = Server::start(Limits { grace: SHORT, ..LIMITS }, forever).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    soon(entered.notified()).await;
    assert_eq!(server.stop().await, Drained::Cut(1));
    assert_eq!(client.end().await, "");
}

#[tokio::test]
async fn a_body_within_the_limit_is_read() {
    let server = Server::start(LIMITS, patient).await;
    let mut client = server.connect().await;
    let bodies: [&[u8]; 4] = [
        b"content-length: 8\r\n\r\n12345678",
        b"content-length: 0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n0\r\ntrailer: a\r\n\r\n",
    ];
    for body in bodies {
        client.send(b"PUT / HTTP/1.1\r\nhost: a\r\n").await;
        client.send(body).await;
        assert!(client.answer().await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_refused_unread() {
    let server = Server::start(LIMITS, patient).await;
    let mut client = server.connect().await;
    client.send(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n").await;
    assert!(client.answer().await.starts_with("HTTP/1.1 413"), "without one byte of it");
}

/// hyper alone would reset the connection, and the client would never see why.
#[tokio::test]
async fn a_client_that_sends_a_refused_body_still_reads_the_answer() {
    let server = Server::start(LIMITS, patient).await;
    let mut client = server.connect().await;
    let length = 16 * 1024 * 1024;
    client
        .send(format!("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n").as_bytes())
        .await;
    client.send(&vec![0; length]).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let hasty = |request| bounded(request, Pace { patience: SHORT, bytes_per_second_min: 1000 });
    let server = Server::start(LIMITS, hasty).await;
    for start in ["content-length: 8\r\n\r\n", "content-length: 8\r\n\r\n1234"] {
        let mut client = server.connect().await;
        client.send(format!("PUT / HTTP/1.1\r\nhost: a\r\n{start}").as_bytes()).await;
        assert!(client.answer().await.starts_with("HTTP/1.1 408"), "{start:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_misframed_is_told_from_one_that_breaks_off() {
    let server = Server::start(LIMITS, patient).await;
    for body in ["zz\r\n", "fffffffffffffffff\r\n", "1\r\nab\r\n", "1\r\na\r\n\r\n"] {
        let mut client = server.connect().await;
        client.send(b"PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
        client.send(body.as_bytes()).await;
        assert!(client.answer().await.starts_with("HTTP/1.1 400"), "{body:?}");
    }
}

/// A body of frames of four bytes, without end, that counts how many were asked for.
struct Endless {
    asked: Arc<AtomicUsize>,
    hint: u64,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"1234")))))
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.hint);
        hint
    }
}

#[tokio::test]
async fn reading_stops_at_the_first_byte_too_many() {
    let rows = [(0, 0, 1), (3, 0, 1), (4, 0, 2), (8, 0, 3), (9, 0, 3), (8, 9, 0), (8, u64::MAX, 0)];
    for (max, hint, frames) in rows {
        let asked = Arc::new(AtomicUsize::new(0));
        let body = Endless { asked: Arc::clone(&asked), hint };
        let error = read_bounded(body, max, Pace::default()).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { max: m } if m == max), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), frames, "max {max}, announced {hint}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let (sender, told) = oneshot::channel();
    let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
    let telling = move |request: Request<Incoming>| {
        let sender = sender.lock().unwrap().take();
        async move {
            let read = read_bounded(request.into_body(), 8, Pace::default()).await;
            sender.unwrap().send(read).unwrap();
            status(400)
        }
    };
    let server = Server::start(LIMITS, telling).await;
    let mut client = server.connect().await;
    client.send(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\n1234").await;
    drop(client);
    assert!(matches!(soon(told).await.unwrap(), Err(BodyError::Malformed(_))));
}

/// HTTP/2 by a client that knows beforehand; `window` is what it takes of an answer unread, in bytes.
async fn http2(server: &Server, window: u32) -> SendRequest<Full<Bytes>> {
    let stream = TokioIo::new(server.connect().await.0);
    let mut client = http2::Builder::new(TokioExecutor::new());
    client.initial_stream_window_size(window);
    let (sender, connection) = client.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn get(sender: &mut SendRequest<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
    soon(sender.ready()).await?;
    let request = Request::get("http://a:80/path").body(Full::default()).unwrap();
    soon(sender.send_request(request)).await
}

/// Waits until the server has closed.
async fn closed(sender: &mut SendRequest<Full<Bytes>>) {
    soon(async {
        while !sender.is_closed() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn http_2_has_its_host_among_the_headers() {
    let host = |request: Request<Incoming>| async move {
        let host = request.headers().get("host").unwrap().as_bytes().to_vec();
        Response::new(Full::from(host))
    };
    let server = Server::start(LIMITS, host).await;
    let mut sender = http2(&server, 65_535).await;
    let body = get(&mut sender).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "a:80");
}

#[tokio::test]
async fn http_2_answers_arrive_whole_whatever_their_size() {
    let sizes = [0, 1, 16 * 1024, 16 * 1024 + 1, 3_000_000];
    for size in sizes {
        let long = move |_| async move { Response::new(Full::from(vec![7; size])) };
        let server = Server::start(LIMITS, long).await;
        let mut sender = http2(&server, 65_535).await;
        let body = get(&mut sender).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes().len(), size);
    }
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let server = Server::start(Limits { idle: SHORT * 10, ..LIMITS }, ok).await;
    let mut sender = http2(&server, 65_535).await;
    for _ in 0..3 {
        get(&mut sender).await.unwrap();
    }
    closed(&mut sender).await;
}

#[tokio::test]
async fn http_2_that_asks_nothing_is_dropped() {
    let server = Server::start(Limits { head: SHORT, ..LIMITS }, ok).await;
    closed(&mut http2(&server, 65_535).await).await;
}

#[tokio::test]
async fn no_deadline_ends_a_request_that_http_2_has_answered() {
    let limit = SHORT * 5; // The client has to keep it itself.
    let slowly = move |request| async move {
        tokio::time::sleep(limit * 3).await;
        ok(request).await
    };
    let limits = Limits { idle: limit, head: limit, ..LIMITS };
    let server = Server::start(limits, slowly).await;
    get(&mut http2(&server, 65_535).await).await.unwrap();
}

#[tokio::test]
async fn an_http_2_client_that_takes_no_answer_is_dropped_whatever_else_it_asks() {
    let long = |request: Request<Incoming>| async move {
        let size = if request.uri().path() == "/path" { 64 * 1024 * 1024 } else { 0 };
        Response::new(Full::from(vec![0; size]))
    };
    let server = Server::start(Limits { stall: SHORT, ..LIMITS }, long).await;
    let mut sender = http2(&server, 1024).await;
    let untaken = get(&mut sender).await.unwrap();
    closed(&mut sender).await;
    assert!(untaken.into_body().collect().await.is_err(), "it is not whole");
}

#[tokio::test]
async fn draining_answers_what_runs_over_http_2() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, left) = (Arc::clone(&entered), Arc::clone(&leave));
    let waiting = move |request| {
        let (enter, left) = (Arc::clone(&enter), Arc::clone(&left));
        async move {
            enter.notify_one();
            left.notified().await;
            ok(request).await
        }
    };
    let server = Server::start(LIMITS, waiting).await;
    let mut sender = http2(&server, 65_535).await;
    let running = tokio::spawn(async move { get(&mut sender).await });
    soon(entered.notified()).await;
    let address = server.address;
    let ended = tokio::spawn(server.stop());
    soon(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    assert!(!ended.is_finished());
    leave.notify_one();
    assert_eq!(running.await.unwrap().unwrap().status(), 200);
    assert_eq!(soon(ended).await.unwrap(), Drained::Whole);
}
