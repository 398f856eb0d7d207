//! The base of the comparison: a hyper server with the runtime and protocol settings of the real
//! one, which answers static JSON and does nothing else.

use std::{convert::Infallible, io::Write as _, net::Ipv4Addr};

use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Fallible;

/// Serves a JSON string of `bytes` bytes, quotes included, until the process is ended.
pub(crate) fn run(bytes: usize) -> Fallible<()> {
    let body = format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(body.into()))
}

async fn serve(body: Bytes) -> Fallible<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let service = service_fn(move |_| {
            let mut answer = Response::new(Full::new(body.clone()));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            async { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
