//! An answer that the runtime streams: its parts go on as they come. For a caller that takes it whole they
//! are put together, as of any other.
//!
//! Source: AWS Lambda developer guide, "Building a custom runtime", "Implementing response streaming".

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use serde_json::json;

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

/// The answer that came whole.
pub(super) fn answer_of(bytes: Bytes, trailers: Option<HeaderMap>) -> Answer {
    let failure = trailers.and_then(|trailers| described(&trailers));
    failure.map_or(Answer::Response(bytes), Answer::Error)
}

/// Hands an answer to `output` as it comes, to its end; or until no more of it is wanted.
pub(super) async fn take(
    output: Output,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Result<Answer, Cut>, hyper::Error> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if !output.send(Part::Begin { content_type: content_type.map(str::to_owned) }).await {
        return Ok(Err(Cut::Left));
    }
    let (mut sent, mut trailers) = (0_usize, None);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = output.left() => return Ok(Err(Cut::Left)),
        };
        match frame.transpose()?.map(Frame::into_data) {
            Some(Ok(bytes)) => {
                sent = sent.saturating_add(bytes.len());
                if sent > STREAM_BYTES_MAX {
                    return Ok(Err(Cut::TooLarge));
                }
                if !output.send(Part::Bytes(bytes)).await {
                    return Ok(Err(Cut::Left));
                }
            }
            Some(Err(frame)) => trailers = frame.into_trailers().ok(),
            None => return Ok(Ok(answer_of(Bytes::new(), trailers))),
        }
    }
}

/// The description of a failure, if the trailers tell of one.
fn described(trailers: &HeaderMap) -> Option<Bytes> {
    let error_type = trailers.get(ERROR_TYPE)?.to_str().unwrap_or("Runtime.Unknown");
    let body = trailers.get(ERROR_BODY).and_then(|body| BASE64_STANDARD.decode(body).ok());
    let is_json = |body: &Vec<u8>| serde_json::from_slice::<serde_json::Value>(body).is_ok();
    let bare = || json!({"errorType": error_type}).to_string().into_bytes();
    Some(body.filter(is_json).unwrap_or_else(bare).into())
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
