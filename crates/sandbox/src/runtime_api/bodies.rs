//! Bodies that are put together in memory. A worker may have many connections, and send a long body over
//! each: only the newest is kept, as only the newest call for an event is answered.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};

use super::RESPONSE_BYTES_MAX;
use crate::exchange::{Refusal, Turn};

/// What became of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// All of it, and its trailers if it has any.
    Whole(Bytes, Option<HeaderMap>),
    /// It is longer than an answer may be.
    TooLong,
    /// Nobody wants it, or not any more.
    Refused(Refusal),
}

/// Takes a body in if it has its `turn`, as long as it keeps it. What is not kept is read and forgotten,
/// so that the worker can send it and then hear us.
pub(super) async fn take<B>(body: B, turn: Result<Turn, Refusal>) -> Result<Taken, B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    take_bounded(body, turn, RESPONSE_BYTES_MAX).await
}

async fn take_bounded<B>(
    mut body: B,
    turn: Result<Turn, Refusal>,
    max: usize,
) -> Result<Taken, B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut turn = match turn {
        Ok(turn) => turn,
        Err(refusal) => return forget(body, Taken::Refused(refusal)).await,
    };
    let (mut whole, mut trailers) = (BytesMut::new(), None);
    loop {
        let frame = tokio::select! {
            biased;
            () = turn.lost() => {
                drop(whole);
                return forget(body, Taken::Refused(Refusal::Transition)).await;
            }
            frame = body.frame() => frame,
        };
        match frame.transpose()?.map(Frame::into_data) {
            Some(Ok(part)) if part.len() > max - whole.len() => {
                drop(whole);
                return forget(body, Taken::TooLong).await;
            }
            // Most come at once.
            Some(Ok(part)) if whole.is_empty() && body.is_end_stream() => {
                return Ok(Taken::Whole(part, None));
            }
            Some(Ok(part)) => whole.extend_from_slice(&part),
            Some(Err(frame)) => trailers = frame.into_trailers().ok(),
            None => return Ok(Taken::Whole(whole.freeze(), trailers)),
        }
    }
}

/// Reads a body to its end.
async fn forget<B>(mut body: B, taken: Taken) -> Result<Taken, B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use tokio::sync::mpsc;

    use super::*;
    use crate::exchange::Turns;

    #[tokio::test]
    async fn a_body_is_taken_whole_or_not_at_all() {
        for (length, fits) in [(0, true), (1, true), (10, true), (11, false), (100, false)] {
            let text = Bytes::from(vec![b'a'; length]);
            let turns = Turns::default();
            let taken = take_bounded(Full::new(text.clone()), Ok(turns.next()), 10).await.unwrap();
            assert_eq!(taken, if fits { Taken::Whole(text, None) } else { Taken::TooLong });
        }
        let refused = take(Full::new(Bytes::new()), Err(Refusal::RequestId)).await.unwrap();
        assert_eq!(refused, Taken::Refused(Refusal::RequestId));
    }

    /// What comes as it is sent.
    struct Sent(mpsc::UnboundedReceiver<Frame<Bytes>>);

    impl Body for Sent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.poll_recv(context).map(|frame| frame.map(Ok))
        }
    }

    #[tokio::test]
    async fn the_newest_body_is_kept_and_an_older_one_forgotten() {
        let turns = Turns::default();
        let begin = || {
            let (sender, receiver) = mpsc::unbounded_channel();
            sender.send(Frame::data(Bytes::from_static(b"a"))).unwrap();
            (sender, tokio::spawn(take(Sent(receiver), Ok(turns.next()))))
        };
        let (older, first) = begin();
        let (newer, second) = begin();
        for sender in [&older, &newer] {
            sender.send(Frame::data(Bytes::from_static(b"b"))).unwrap();
        }
        let trailers = HeaderMap::from_iter([(http::header::ETAG, "t".parse().unwrap())]);
        newer.send(Frame::trailers(trailers.clone())).unwrap();
        drop((older, newer));
        assert_eq!(first.await.unwrap().unwrap(), Taken::Refused(Refusal::Transition));
        let whole = Taken::Whole(Bytes::from_static(b"ab"), Some(trailers));
        assert_eq!(second.await.unwrap().unwrap(), whole);
    }
}
