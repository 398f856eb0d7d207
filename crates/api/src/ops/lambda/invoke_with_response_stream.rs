//! `POST /2021-11-15/functions/{FunctionName}/response-streaming-invocations` → 200 and a stream of
//! events: `aws-lambda.md §8.7`; 204 for a dry run.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use portcullis_model::lambda::{
    operation::InvokeWithResponseStream,
    types::{
        InvokeWithResponseStreamCompleteEvent, InvokeWithResponseStreamInput,
        InvokeWithResponseStreamOutput, LogType, ResponseStreamingInvocationType,
    },
};
use portcullis_sandbox::{Event, Outcome};
use serde::Deserialize;

use super::invoke::{chance, client_context, payload, trace_id};
use crate::{
    answer::{Answer, Body, empty, streamed, whole},
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    event_stream::{self, event},
    streaming::{Answered, Broken, run},
    wire::configuration::unsupported,
};

pub(crate) async fn invoke_with_response_stream(
    cx: &RequestCx<'_>,
    input: InvokeWithResponseStreamInput,
) -> Result<Answer<InvokeWithResponseStreamOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.function::<InvokeWithResponseStream>(name, qualifier, &none)?;
    let permit = cx.created(permit, &none).await?;
    unsupported(&[(input.tenant_id.is_some(), "TenantId")])?;
    let resolved = cx.state.catalog.load().invocation(permit, chance())?;
    if input.invocation_type == Some(ResponseStreamingInvocationType::DryRun) {
        return Ok(Answer::Whole(empty(204)));
    }
    let event = call(cx, input, resolved.target.to_string())?;
    let version = resolved.version().to_string();
    let body = match run(cx.state, resolved, event).await? {
        Answered::Whole(outcome) => whole(frames(&outcome)),
        Answered::Begun(stream) => streamed(stream.into_body(None, chunk, complete)),
    };
    Ok(Answer::Whole(answer(&version, body)))
}

/// The event as the worker gets it.
fn call(
    cx: &RequestCx<'_>,
    input: InvokeWithResponseStreamInput,
    invoked_function_arn: String,
) -> Result<Event, ApiError> {
    Ok(Event {
        request_id: cx.request_id().to_string(),
        payload: payload(cx)?,
        invoked_function_arn,
        client_context: client_context(input.client_context)?,
        trace_id: trace_id(cx),
        log_tail: input.log_type == Some(LogType::Tail),
        output: None,
    })
}

fn answer(version: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(event_stream::CONTENT_TYPE));
    // A number or `$LATEST`.
    if let Ok(version) = HeaderValue::from_str(version) {
        headers.insert("x-amz-executed-version", version);
    }
    response
}

fn chunk(bytes: &Bytes) -> Bytes {
    event("PayloadChunk", "application/octet-stream", bytes)
}

/// All events of an answer that came whole: it is one chunk, unless the function failed.
fn frames(outcome: &Outcome) -> Bytes {
    let mut frames = Vec::new();
    if outcome.function_error.is_none() {
        frames.extend_from_slice(&chunk(&outcome.payload));
    }
    frames.extend_from_slice(&completion(outcome));
    frames.into()
}

/// The last event of a stream. A failure of the server's own breaks the stream.
fn complete(end: &Result<Outcome, ApiError>) -> Result<Option<Bytes>, Broken> {
    match end {
        Ok(outcome) => Ok(Some(completion(outcome))),
        Err(error) => {
            tracing::warn!(?error, "a streamed answer broke off");
            Err(Broken)
        }
    }
}

/// `InvokeComplete`: what went wrong, if anything did, and the end of the log, if it was asked for.
fn completion(outcome: &Outcome) -> Bytes {
    let details = outcome.function_error.map(|_| String::from_utf8_lossy(&outcome.payload));
    let done = InvokeWithResponseStreamCompleteEvent {
        error_code: outcome.function_error.map(|kind| error_type(&outcome.payload, kind)),
        error_details: details.map(std::borrow::Cow::into_owned),
        log_result: outcome.log_tail.as_ref().map(|log| BASE64_STANDARD.encode(log)),
    };
    let payload = serde_json::to_vec(&done).unwrap_or_default();
    event("InvokeComplete", "application/json", &payload)
}

/// What is asked of a function's description of its failure, however large it is.
#[derive(Default, Deserialize)]
struct Described {
    #[serde(rename = "errorType")]
    error_type: Option<String>,
}

/// The type that a function's description of its failure names, else `kind`.
fn error_type(description: &[u8], kind: &str) -> String {
    let described: Described = serde_json::from_slice(description).unwrap_or_default();
    described.error_type.unwrap_or_else(|| kind.to_owned())
}
