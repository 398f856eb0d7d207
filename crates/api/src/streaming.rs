//! A function's answer as it comes, on its way to a client.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use portcullis_catalog::effects::Resolved;
use portcullis_sandbox::{Event, Outcome, Output, Part};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{error::ApiError, state::State};

/// So many pieces wait for the client's connection; then the worker waits.
const PIECES_WAITING: usize = 1;

/// How an event ended.
pub(crate) type End = Result<Outcome, ApiError>;

/// How an answer came.
pub(crate) enum Answered {
    /// Whole, or not at all.
    Whole(Outcome),
    /// It has begun.
    Begun(Stream),
}

/// An answer that has begun.
pub(crate) struct Stream {
    /// What its runtime says that it is.
    pub(crate) content_type: Option<String>,
    parts: mpsc::Receiver<Part>,
    end: JoinHandle<End>,
}

/// Runs an event, and answers as soon as its answer has begun. The event runs to its end even when
/// nobody takes its answer any more, as on AWS; but its worker's output ends then.
///
/// # Errors
/// Those of [`State::run`].
pub(crate) async fn run(
    state: &Arc<State>,
    resolved: Resolved,
    event: Event,
) -> Result<Answered, ApiError> {
    let (output, mut parts) = Output::channel();
    let event = Event { output: Some(output), ..event };
    let state = Arc::clone(state);
    let end = tokio::spawn(async move { state.run(&resolved, event).await });
    match parts.recv().await {
        Some(Part::Begin { content_type }) => {
            Ok(Answered::Begun(Stream { content_type, parts, end }))
        }
        Some(Part::Bytes(_)) | None => Ok(Answered::Whole(end.await.map_err(ApiError::internal)??)),
    }
}

impl Stream {
    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.parts.recv().await? {
                Part::Bytes(bytes) if bytes.is_empty() => {}
                Part::Bytes(bytes) => return Some(bytes),
                Part::Begin { .. } => {}
            }
        }
    }

    /// How the event ended.
    pub(crate) async fn end(self) -> End {
        self.end.await.map_err(ApiError::internal)?
    }

    /// A body of the rest: each piece as `frame` makes it, then what `last` makes of the end. The
    /// client's connection breaks where that is an error.
    pub(crate) fn into_body(
        self,
        first: Option<Bytes>,
        frame: fn(&Bytes) -> Bytes,
        last: fn(&End) -> Result<Option<Bytes>, Broken>,
    ) -> Streamed {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                // The client has gone, perhaps while the function says nothing.
                () = sender.closed() => {}
                () = self.pass_on(first, frame, last, &sender) => {}
            }
        });
        Streamed(receiver)
    }

    async fn pass_on(
        mut self,
        first: Option<Bytes>,
        frame: fn(&Bytes) -> Bytes,
        last: fn(&End) -> Result<Option<Bytes>, Broken>,
        pieces: &mpsc::Sender<Result<Bytes, Broken>>,
    ) {
        let mut next = match first.filter(|first| !first.is_empty()) {
            Some(first) => Some(first),
            None => self.next().await,
        };
        while let Some(bytes) = next {
            if pieces.send(Ok(frame(&bytes))).await.is_err() {
                return;
            }
            next = self.next().await;
        }
        if let Some(piece) = last(&self.end().await).transpose() {
            let _ = pieces.send(piece).await; // The client may have gone.
        }
    }
}

/// An answer that ended before it was whole.
#[derive(Debug, thiserror::Error)]
#[error("the function's answer broke off")]
pub struct Broken;

/// The body of an answer as it comes.
#[derive(Debug)]
pub struct Streamed(mpsc::Receiver<Result<Bytes, Broken>>);

impl Body for Streamed {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
