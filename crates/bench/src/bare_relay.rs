//! The least that a call of a function can be: a caller, a bare hyper server with the runtime and
//! protocol settings of the real one, and a worker. Nothing is signed, decided, isolated or logged.

use std::{
    convert::Infallible, io::Write as _, net::Ipv4Addr, path::Path, sync::Arc, time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, oneshot},
};

use crate::{
    Fallible,
    bare_loop::{Function, start_worker},
    process::Process,
    session::PAYLOAD,
    wire::{Connection, REGION},
};

/// The server, a worker of its own, and a caller.
#[derive(Debug)]
pub(crate) struct BareRelay {
    /// First, so that it ends before its connections do.
    _worker: Process,
    _server: Process,
    caller: Connection,
    request: Vec<u8>,
}

impl BareRelay {
    /// Starts both for the function, its code in `code_dir`.
    pub(crate) fn start(function: &Function<'_>, code_dir: &Path) -> Fallible<Self> {
        let mut server = Process::start_role(&["bare-relay"])?;
        let (callers, runtime_api) = (server.line()?, server.line()?);
        let worker = start_worker(function, code_dir, &runtime_api)?;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {callers}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{PAYLOAD}",
            PAYLOAD.len()
        );
        let caller = Connection::open(callers.parse()?)?;
        Ok(Self { _worker: worker, _server: server, caller, request: request.into() })
    }

    /// Time of one call, as the caller sees it.
    pub(crate) fn call(&mut self) -> Fallible<Duration> {
        let answer = self.caller.send(&self.request)?;
        if answer.status != 200 {
            return Err(format!("the bare relay answered {}", answer.status).into());
        }
        Ok(answer.time)
    }
}

/// Serves callers and one worker until the process is ended; prints the address of each side.
pub(crate) fn run() -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let relay = Arc::new(Relay::new());
        let [callers, workers] = [listen().await?, listen().await?];
        let of_callers = relay.clone();
        tokio::spawn(serve(callers, move |request| of_callers.clone().call(request)));
        serve(workers, move |request| relay.clone().runtime_api(request)).await
    })
}

async fn listen() -> Fallible<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    Ok(listener)
}

async fn serve<F, A>(listener: TcpListener, answer: F) -> Fallible<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Full<Bytes>>> + Send,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answer = answer(request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// What a caller sends, and where its answer goes.
type Event = (Bytes, oneshot::Sender<Bytes>);

/// Brings events to the worker, and answers back.
struct Relay {
    send: mpsc::Sender<Event>,
    events: Mutex<mpsc::Receiver<Event>>,
    /// Of the event that the worker has.
    caller: Mutex<Option<oneshot::Sender<Bytes>>>,
}

impl Relay {
    fn new() -> Self {
        let (send, events) = mpsc::channel(1);
        Self { send, events: Mutex::new(events), caller: Mutex::new(None) }
    }

    async fn call(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (answer, answered) = oneshot::channel();
        let sent = self.send.send((whole(request).await, answer)).await;
        match answered.await {
            Ok(answer) if sent.is_ok() => Response::new(Full::new(answer)),
            _ => of_status(StatusCode::BAD_GATEWAY),
        }
    }

    async fn runtime_api(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() == Method::GET {
            return self.next().await;
        }
        let answer = whole(request).await;
        if let Some(caller) = self.caller.lock().await.take() {
            let _ = caller.send(answer);
        }
        of_status(StatusCode::ACCEPTED)
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let Some((event, caller)) = self.events.lock().await.recv().await else {
            return of_status(StatusCode::GONE);
        };
        *self.caller.lock().await = Some(caller);
        let arn = format!("arn:aws:lambda:{REGION}:123456789012:function:bench");
        let answer = Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header("Lambda-Runtime-Deadline-Ms", "4000000000000")
            .header("Lambda-Runtime-Invoked-Function-Arn", arn)
            .header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
            .body(Full::new(event));
        answer.unwrap_or_else(|_| of_status(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

async fn whole(request: Request<Incoming>) -> Bytes {
    request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default()
}

fn of_status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer
}
