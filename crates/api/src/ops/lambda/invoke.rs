//! `POST /2015-03-31/functions/{FunctionName}/invocations` → 200; 202 for an event that nobody waits
//! for, 204 for a dry run.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use portcullis_catalog::{
    FunctionResource, Permit,
    effects::{PermittedEvent, Resolved, SendsEvents},
};
use portcullis_lambda::{EVENT_BYTES_MAX, QueuedEvent};
use portcullis_model::lambda::{
    operation::Invoke,
    types::{InvocationType, InvokeInput, InvokeOutput, LogType},
};
use portcullis_sandbox::{Event, Outcome};
use serde::de::IgnoredAny;

use crate::{
    answer::{Answer, Body, JSON, empty, response},
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    events,
    wire::configuration::unsupported,
};

/// Longest client context, in bytes of base64: `aws-lambda.md §8.1`.
const CLIENT_CONTEXT_BYTES_MAX: usize = 3583;

pub(crate) async fn invoke(
    cx: &RequestCx<'_>,
    input: InvokeInput,
) -> Result<Answer<InvokeOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.created(cx.function::<Invoke>(name, qualifier, &none)?, &none).await?;
    let kind = input.invocation_type.unwrap_or(InvocationType::RequestResponse);
    unsupported(&[
        (input.durable_execution_name.is_some(), "DurableExecutionName"),
        (input.tenant_id.is_some(), "TenantId"),
    ])?;
    if kind == InvocationType::Event {
        let context = client_context(input.client_context)?;
        return Ok(Answer::Whole(accept(cx, permit, context).await?));
    }
    let resolved = cx.state.catalog.load().invocation(permit, chance())?;
    if kind == InvocationType::DryRun {
        return Ok(Answer::Whole(empty(204)));
    }
    let event = event(cx, input, &resolved)?;
    let outcome = cx.state.run(&resolved, event).await?;
    Ok(Answer::Whole(answer(&resolved, outcome)))
}

/// Accepts the event; nobody waits for its answer.
pub(super) async fn accept<A: SendsEvents>(
    cx: &RequestCx<'_>,
    permit: Permit<A, FunctionResource>,
    client_context: Option<String>,
) -> Result<Response<Body>, ApiError> {
    let (size, limit) = (cx.body.len() as u64, EVENT_BYTES_MAX);
    if size > limit as u64 {
        return Err(ApiError::PayloadTooLarge { kind: "Event", size, limit });
    }
    let payload = payload(cx)?;
    let event = QueuedEvent {
        request_id: cx.request_id().as_str().into(),
        target: permit.resource().target().clone(),
        accepted: cx.now(),
        due: cx.now(),
        attempts: 0,
        hops: 0,
        client_context: client_context.map(Into::into),
        trace_id: trace_id(cx).into(),
        payload: String::from_utf8_lossy(&payload).into(),
    };
    events::accept(cx.state, PermittedEvent::new(permit, event)).await?;
    Ok(empty(202))
}

/// A new number between 0 and 1, for aliases that route by weight.
pub(crate) fn chance() -> f64 {
    let random =
        u32::from_le_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap_or(&[0; 4]));
    f64::from(random) / f64::from(u32::MAX)
}

/// The payload: JSON. An empty body is delivered as `{}` ([impl] `§8.1`).
pub(super) fn payload(cx: &RequestCx<'_>) -> Result<Bytes, ApiError> {
    let payload = if cx.body.is_empty() { Bytes::from_static(b"{}") } else { cx.body.clone() };
    let text = std::str::from_utf8(&payload).map_err(|error| not_json(&error))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
    Ok(payload)
}

/// The event as the worker gets it.
fn event(cx: &RequestCx<'_>, input: InvokeInput, resolved: &Resolved) -> Result<Event, ApiError> {
    Ok(Event {
        request_id: cx.request_id().to_string(),
        payload: payload(cx)?,
        invoked_function_arn: resolved.target.to_string(),
        client_context: client_context(input.client_context)?,
        trace_id: trace_id(cx),
        log_tail: input.log_type == Some(LogType::Tail),
        output: None,
    })
}

fn not_json(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::PayloadNotJson(error.to_string())
}

/// The client context, which travels to the worker as the JSON inside the base64.
pub(super) fn client_context(base64: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(base64) = base64 else { return Ok(None) };
    if base64.len() > CLIENT_CONTEXT_BYTES_MAX {
        return Err(ApiError::ClientContextTooLarge(CLIENT_CONTEXT_BYTES_MAX));
    }
    let bytes = BASE64_STANDARD.decode(base64).map_err(|_| ApiError::ClientContext)?;
    let text = String::from_utf8(bytes).map_err(|_| ApiError::ClientContext)?;
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
    object.map_err(|_| ApiError::ClientContext)?;
    Ok(Some(text))
}

/// The caller's trace header, or a new trace that is not sampled.
pub(crate) fn trace_id(cx: &RequestCx<'_>) -> String {
    let given = cx.head.headers.get("x-amzn-trace-id").and_then(|given| given.to_str().ok());
    given.map_or_else(
        || {
            let [root, parent] = [(); 2].map(|()| uuid::Uuid::new_v4().simple().to_string());
            let (time, root) = (cx.now().as_second(), root.get(..24).unwrap_or_default());
            let parent = parent.get(..16).unwrap_or_default();
            format!("Root=1-{time:08x}-{root};Parent={parent};Sampled=0")
        },
        str::to_owned,
    )
}

/// 200 also when the function fails: then with its own description of the failure.
fn answer(resolved: &Resolved, outcome: Outcome) -> Response<Body> {
    let mut response = response(200, JSON, outcome.payload);
    let version = resolved.version().to_string();
    let log = outcome.log_tail.map(|log| BASE64_STANDARD.encode(log));
    let error = outcome.function_error.map(str::to_owned);
    let headers = [
        ("x-amz-executed-version", Some(version)),
        ("x-amz-function-error", error),
        ("x-amz-log-result", log),
    ];
    for (name, value) in headers {
        // Numbers, `$LATEST`, constants and base64 are legal in a header.
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
