//! What a handler answers, and how that becomes a response.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{Either, Full};
use portcullis_catalog::decisions::RequestId;
use portcullis_model::{OperationModel, Protocol, Service, xml};
use serde::Serialize;

use crate::{doubts::WARNING, error::ApiError, streaming::Streamed};

/// The body of every response: one piece, or a function's answer as it comes.
pub(crate) type Body = Either<Full<Bytes>, Streamed>;

/// A body in one piece.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Either::Left(Full::new(bytes))
}

/// A body as it comes.
pub(crate) fn streamed(parts: Streamed) -> Body {
    Either::Right(parts)
}

/// A handler's answer.
pub(crate) enum Answer<T> {
    /// The operation's output, rendered in its service's protocol.
    Output(T),
    /// The same, with a warning if there is one.
    Doubtful(T, Option<HeaderValue>),
    /// JSON that was rendered before; rest-json only.
    Rendered(Bytes),
    /// A whole response: `Invoke` has its own.
    Whole(Response<Body>),
}

/// Renders an answer with the operation's status.
pub(crate) fn render<T: Serialize>(
    service: &'static Service,
    operation: &'static OperationModel,
    answer: Answer<T>,
    request_id: RequestId,
) -> Result<Response<Body>, ApiError> {
    let (output, warning) = match answer {
        Answer::Output(output) => (output, None),
        Answer::Doubtful(output, warning) => (output, warning),
        Answer::Rendered(json) => return Ok(response(operation.status, JSON, json)),
        Answer::Whole(response) => return Ok(response),
    };
    let mut response = if operation.status == 204 || is_bodiless(operation) {
        empty(operation.status)
    } else {
        written(service, operation, &output, request_id)?
    };
    response.headers_mut().extend(warning.map(|warning| (WARNING, warning)));
    Ok(response)
}

/// An output in the protocol of its service.
fn written<T: Serialize>(
    service: &'static Service,
    operation: &'static OperationModel,
    output: &T,
    request_id: RequestId,
) -> Result<Response<Body>, ApiError> {
    match service.protocol {
        Protocol::RestJson => {
            let json = serde_json::to_vec(output).map_err(ApiError::internal)?;
            Ok(response(operation.status, JSON, json.into()))
        }
        Protocol::Json if operation.output.is_none() => {
            Ok(response(operation.status, JSON_1_1, Bytes::new()))
        }
        Protocol::Json => {
            let json = serde_json::to_vec(output).map_err(ApiError::internal)?;
            Ok(response(operation.status, JSON_1_1, json.into()))
        }
        Protocol::Query => {
            let output = serde_json::to_value(output).map_err(ApiError::internal)?;
            let xml = xml(service, operation, &output, request_id.as_str());
            Ok(response(operation.status, XML, xml.into()))
        }
    }
}

/// A REST operation without an output shape answers an empty body.
fn is_bodiless(operation: &OperationModel) -> bool {
    operation.output.is_none() && operation.service == "lambda"
}

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Of services that a target header addresses.
pub(crate) const JSON_1_1: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
pub(crate) const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// A response with a body.
pub(crate) fn response(status: u16, kind: HeaderValue, body: Bytes) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status_code(status);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A response without a body.
pub(crate) fn empty(status: u16) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = status_code(status);
    response
}

/// Statuses come from the model and the error table: constants, all legal.
pub(crate) fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
