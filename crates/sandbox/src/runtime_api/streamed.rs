//! An answer that the runtime streams: its parts go on as they come, or are put together for a
//! caller that takes it whole.
//!
//! Source: AWS Lambda developer guide, "Building a custom runtime", "Implementing response streaming".

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;

use super::RESPONSE_BYTES_MAX;
use crate::exchange::{Answer, Cut};
use crate::output::{Output, Part};

/// Says that an answer is streamed, with the value `streaming`.
const MODE: &str = "lambda-runtime-function-response-mode";

/// The trailers of an answer that failed after it had begun: the type, and a description in base64.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// Longest streamed answer, in bytes. Source: `[doc]` aws-lambda.md §7.7.
pub(super) const STREAM_BYTES_MAX: usize = 200 << 20;

/// Whether the runtime streams this answer.
pub(super) fn is_streamed(headers: &HeaderMap) -> bool {
    headers.get(MODE).is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"))
}

/// Takes an answer to its end, handing it to `output` if there is one; or until no more of it is wanted.
pub(super) async fn take(
    output: Option<Output>,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Result<Answer, Cut>, hyper::Error> {
    let mut failure = None;
    let mut taker = match Taker::begin(output, headers).await {
        Ok(taker) => taker,
        Err(cut) => return Ok(Err(cut)),
    };
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = taker.left() => return Ok(Err(Cut::Left)),
        };
        let Some(frame) = frame else { break };
        match frame?.into_data() {
            Ok(bytes) => {
                if let Err(cut) = taker.take(bytes).await {
                    return Ok(Err(cut));
                }
            }
            Err(frame) => failure = frame.into_trailers().ok().and_then(|it| described(&it)),
        }
    }
    Ok(Ok(failure.map_or_else(|| taker.answer(), Answer::Error)))
}

/// The description of a failure, if the trailers tell of one.
fn described(trailers: &HeaderMap) -> Option<Bytes> {
    let error_type = trailers.get(ERROR_TYPE)?.to_str().unwrap_or("Runtime.Unknown");
    let body = trailers.get(ERROR_BODY).and_then(|body| BASE64_STANDARD.decode(body).ok());
    let is_json = |body: &Vec<u8>| serde_json::from_slice::<serde_json::Value>(body).is_ok();
    let bare = || json!({"errorType": error_type}).to_string().into_bytes();
    Some(body.filter(is_json).unwrap_or_else(bare).into())
}

/// What becomes of the bytes.
struct Taker {
    to: To,
    bytes: usize,
}

enum To {
    /// Whoever waits for parts.
    Output(Output),
    /// A caller that takes it whole. The rest of one that is too long is read, so that the worker can
    /// go on.
    Whole(BytesMut),
}

impl Taker {
    async fn begin(output: Option<Output>, headers: &HeaderMap) -> Result<Self, Cut> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let to = match output {
            None => To::Whole(BytesMut::new()),
            Some(output) => {
                let begin = Part::Begin { content_type: content_type.map(str::to_owned) };
                if !output.send(begin).await {
                    return Err(Cut::Left);
                }
                To::Output(output)
            }
        };
        Ok(Self { to, bytes: 0 })
    }

    /// Comes back once nobody waits for parts any more; never for a caller that takes it whole.
    async fn left(&self) {
        match &self.to {
            To::Output(output) => output.left().await,
            To::Whole(_) => std::future::pending().await,
        }
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), Cut> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        match &mut self.to {
            To::Whole(whole) if self.bytes > RESPONSE_BYTES_MAX => whole.clear(),
            To::Whole(whole) => whole.extend_from_slice(&bytes),
            To::Output(_) if self.bytes > STREAM_BYTES_MAX => return Err(Cut::TooLarge),
            To::Output(output) => {
                if !output.send(Part::Bytes(bytes)).await {
                    return Err(Cut::Left);
                }
            }
        }
        Ok(())
    }

    fn answer(self) -> Answer {
        match self.to {
            To::Whole(_) if self.bytes > RESPONSE_BYTES_MAX => Answer::TooLarge,
            To::Whole(whole) => Answer::Response(whole.freeze()),
            To::Output(_) => Answer::Response(Bytes::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(trailers: &[(&'static str, &str)], want: Option<&str>) {
        let trailers =
            trailers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let told = described(&trailers.collect());
        assert_eq!(told.as_deref(), want.map(str::as_bytes));
    }

    #[test]
    fn trailers_tell_of_a_failure() {
        check(&[], None);
        check(&[(ERROR_BODY, "e30=")], None);
        check(&[(ERROR_TYPE, "T"), (ERROR_BODY, "e30=")], Some("{}"));
        check(&[(ERROR_TYPE, "T"), (ERROR_BODY, "!")], Some(r#"{"errorType":"T"}"#));
        check(&[(ERROR_TYPE, "T"), (ERROR_BODY, "aGk=")], Some(r#"{"errorType":"T"}"#));
        check(&[(ERROR_TYPE, "T")], Some(r#"{"errorType":"T"}"#));
    }
}
