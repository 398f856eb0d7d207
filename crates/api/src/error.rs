//! Every refusal, and the one table of how each looks on the wire, in both protocols.
//!
//! Source: `aws-lambda.md §5` for rest-json; the IAM and STS references for the query protocol.
//! What the server itself fails at is logged whole and sent without detail.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Response, header::RETRY_AFTER};
use portcullis_catalog::{
    CannotSuppose, CatalogError, Denial, Failure,
    decisions::{Behind, RequestId},
};
use portcullis_identity::{IdentityError, organization::OrganizationError};
use portcullis_lambda::{LambdaError, ObjectDenied};
use portcullis_model::{
    BindError, BrokenRule, IAM, Protocol, STS, Service, ValidationError, xml_error,
};
use portcullis_sigv4::SignatureError;
use serde_json::{Map, Value};

use crate::answer::{Body, JSON, JSON_1_1, XML, response};

/// On a denial within an account: the id to ask an explanation for, `portcullis explain ID`.
pub(crate) const EXPLAIN: HeaderName = HeaderName::from_static("x-portcullis-explain");

/// Why a request is not answered as it hoped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request is not believed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The caller may not read the object that is to be the code.
    #[error("{refusal}")]
    ObjectDenied {
        /// What is told.
        refusal: ObjectDenied,
        /// Whether the denial is ours, and the caller may ask about it.
        is_explainable: bool,
    },
    /// Constraints of the request's shape fail.
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// The request cannot be read.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A rule of the Lambda domain refuses.
    #[error(transparent)]
    Lambda(#[from] LambdaError),
    /// A rule of the identity domain refuses.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A rule of Organizations refuses.
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    /// The payload of an invocation is not JSON.
    #[error("Could not parse request body into json: Could not parse payload into json: {0}")]
    PayloadNotJson(String),
    /// The client context of an invocation is no context. Known from AWS, not recorded in the sheet.
    #[error("Client context must be a valid Base64-encoded JSON object.")]
    ClientContext,
    /// The client context of an invocation is too large; the text is our own.
    #[error("Client context must be no more than {0} bytes.")]
    ClientContextTooLarge(usize),
    /// The payload of an invocation is too large.
    #[error(
        "{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    )]
    PayloadTooLarge {
        /// `RequestResponse` or `Event`.
        kind: &'static str,
        /// Bytes sent, or announced.
        size: u64,
        /// Bytes allowed.
        limit: usize,
    },
    /// The request is larger than its operation takes.
    #[error("Request must be smaller than {limit} bytes for the {operation} operation")]
    RequestTooLarge {
        /// Bytes allowed.
        limit: usize,
        /// The operation's name.
        operation: &'static str,
    },
    /// The code package is larger than a function may have.
    #[error("Zipped size must be smaller than {0} bytes")]
    ZipTooLarge(usize),
    /// The body did not arrive in time.
    #[error("The request body could not be read in time.")]
    BodyUnread,
    /// The body is not framed as HTTP demands.
    #[error("The body of the request is not framed as HTTP demands.")]
    BodyMalformed,
    /// It does not name one host: whoever passed it on may have read another than we would.
    #[error("The request has {0}.")]
    Misaddressed(&'static str),
    /// The operation exists on AWS and is not served here.
    #[error("Portcullis does not serve {0} yet.")]
    NotServed(Cow<'static, str>),
    /// No decision about the asking account's resources is known of this request.
    #[error("No decision about a resource of this account is kept for the request {0}.")]
    NoDecision(String),
    /// Nothing can be said about a supposed call.
    #[error(transparent)]
    CannotSuppose(#[from] CannotSuppose),
    /// No operation has this method and path.
    #[error("Unable to determine service/operation name to be authorized")]
    UnknownOperation,
    /// A request to a query service has no form, or one that names no action.
    #[error("Missing Action")]
    MissingAction,
    /// No action of the query service has this name.
    #[error("Could not find operation {action} for version {version}")]
    UnknownAction {
        /// As given.
        action: String,
        /// As given.
        version: String,
    },
    /// Too many calls at once.
    #[error("Rate Exceeded.")]
    Throttled {
        /// `aws-lambda.md §5.4`.
        reason: &'static str,
    },
    /// The catalog cannot serve.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// No decision can be kept, so that none is made.
    #[error(transparent)]
    Behind(#[from] Behind),
    /// The server is going down.
    #[error("The server is shutting down.")]
    ShuttingDown,
    /// Something that must not fail did.
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    /// A failure of the server's own.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<Failure<LambdaError>> for ApiError {
    fn from(failure: Failure<LambdaError>) -> Self {
        match failure {
            Failure::Rule(error) => Self::Lambda(error),
            Failure::Catalog(error) => Self::Catalog(error),
        }
    }
}

impl From<Failure<IdentityError>> for ApiError {
    fn from(failure: Failure<IdentityError>) -> Self {
        match failure {
            Failure::Rule(error) => Self::Identity(error),
            Failure::Catalog(error) => Self::Catalog(error),
        }
    }
}

impl From<Failure<OrganizationError>> for ApiError {
    fn from(failure: Failure<OrganizationError>) -> Self {
        match failure {
            Failure::Rule(error) => Self::Organization(error),
            Failure::Catalog(error) => Self::Catalog(error),
        }
    }
}

/// The shape of an error body in rest-json.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `{"Type":"User","message":…}`
    TypedLower,
    /// `{"Type":"User","Message":…}`
    TypedUpper,
    /// `{"message":…}`
    Lower,
    /// `{"Message":…}`
    Upper,
    /// `{"Message":null}`
    Null,
}

/// Status, code, and shape of a refusal in rest-json.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row(u16, &'static str, Shape);

impl ApiError {
    /// The wire contract of rest-json, whole. Source: `aws-lambda.md §5`, `§9`.
    #[rustfmt::skip]
    fn json_row(&self) -> Row {
        match self {
            Self::Signature(error)        => Row(403, error.code(), Shape::Lower),
            Self::Denied(_)
            | Self::ObjectDenied { .. }   => Row(403, "AccessDeniedException", Shape::Upper),
            Self::Validation(_)           => Row(400, "ValidationException", Shape::Lower),
            Self::Bind(error)             => bind_row(error),
            Self::Lambda(error)           => lambda_row(error),
            Self::Identity(error)         => Row(query_status(error.code()), error.code(), Shape::Lower),
            Self::Organization(error)     => Row(400, error.code(), Shape::Upper),
            Self::PayloadNotJson(_)
            | Self::ClientContext
            | Self::ClientContextTooLarge(_) => Row(400, "InvalidRequestContentException", Shape::TypedLower),
            Self::PayloadTooLarge { .. }  => Row(413, "RequestTooLargeException", Shape::TypedLower),
            Self::RequestTooLarge { .. }
            | Self::ZipTooLarge(_)        => Row(413, "RequestEntityTooLargeException", Shape::TypedLower),
            Self::BodyUnread              => Row(408, "RequestTimeoutException", Shape::Lower),
            Self::BodyMalformed
            | Self::Misaddressed(_)       => Row(400, "MalformedHttpRequestException", Shape::Lower),
            Self::NotServed(_)            => Row(400, "UnsupportedOperationException", Shape::Lower),
            Self::CannotSuppose(_)        => Row(400, "InvalidParameterValueException", Shape::TypedLower),
            Self::NoDecision(_)           => Row(404, "ResourceNotFoundException", Shape::TypedUpper),
            Self::UnknownOperation
            | Self::MissingAction
            | Self::UnknownAction { .. }  => Row(403, "AccessDeniedException", Shape::Upper),
            Self::Throttled { .. }        => Row(429, "TooManyRequestsException", Shape::TypedLower),
            Self::Catalog(_)
            | Self::Behind(_)
            | Self::ShuttingDown          => Row(503, "ServiceUnavailableException", Shape::TypedUpper),
            Self::Internal(_)             => Row(500, "ServiceException", Shape::TypedUpper),
        }
    }

    /// Status and code in the query protocol.
    #[rustfmt::skip]
    fn query_row(&self) -> (u16, &'static str) {
        match self {
            Self::Signature(error)        => signature_query_row(error),
            Self::Denied(_)
            | Self::ObjectDenied { .. }   => (403, "AccessDenied"),
            Self::Validation(_)           => (400, "ValidationError"),
            Self::Bind(error)             => (400, error.code(Protocol::Query)),
            Self::Identity(error)         => (query_status(error.code()), error.code()),
            Self::Lambda(error)           => (lambda_row(error).0, lambda_row(error).1),
            Self::Organization(error)     => (400, error.code()),
            Self::PayloadNotJson(_)
            | Self::ClientContext
            | Self::ClientContextTooLarge(_) => (400, "MalformedInput"),
            Self::PayloadTooLarge { .. }
            | Self::RequestTooLarge { .. }
            | Self::ZipTooLarge(_)        => (413, "RequestEntityTooLarge"),
            Self::BodyUnread              => (408, "RequestTimeout"),
            Self::BodyMalformed
            | Self::Misaddressed(_)       => (400, "MalformedHttpRequest"),
            Self::NotServed(_)            => (400, "UnsupportedOperation"),
            Self::CannotSuppose(_)        => (400, "InvalidInput"),
            Self::NoDecision(_)           => (404, "NoSuchEntity"),
            Self::UnknownOperation        => (404, "UnknownOperation"),
            Self::MissingAction           => (400, "MissingAction"),
            Self::UnknownAction { .. }    => (400, "InvalidAction"),
            Self::Throttled { .. }        => (429, "Throttling"),
            Self::Catalog(_)
            | Self::Behind(_)
            | Self::ShuttingDown          => (503, "ServiceUnavailable"),
            Self::Internal(_)             => (500, "InternalFailure"),
        }
    }

    /// Status and code in JSON 1.1, where every fault of the client's is a 400. Source: the common
    /// errors of the Organizations reference; its operations know one error for values out of shape.
    fn target_row(&self) -> (u16, &'static str) {
        match self {
            Self::Validation(_) => (400, "InvalidInputException"),
            Self::Bind(error) => (400, error.code(Protocol::Json)),
            Self::UnknownOperation => (400, "UnknownOperationException"),
            _ => {
                let Row(status, code, _) = self.json_row();
                (if status < 500 { 400 } else { status }, code)
            }
        }
    }

    /// What the client is told; the inside of a server's failure stays in the log.
    fn message(&self) -> String {
        match self {
            Self::Internal(_) => {
                "An error occurred and the request cannot be processed.".to_owned()
            }
            Self::Catalog(_) | Self::Behind(_) => {
                "The service is temporarily unavailable.".to_owned()
            }
            told => told.to_string(),
        }
    }

    /// The response, in the protocol of `service`.
    pub(crate) fn response(&self, service: &Service, request_id: RequestId) -> Response<Body> {
        self.log(request_id.as_str());
        let mut response = match service.protocol {
            Protocol::RestJson => self.json_response(),
            Protocol::Json => self.target_response(),
            Protocol::Query => {
                let (status, code) = self.query_row();
                let xml = xml_error(service, status, code, &self.message(), request_id.as_str());
                response(status, XML, xml.into())
            }
        };
        if self.is_explainable()
            && let Ok(id) = HeaderValue::from_str(request_id.as_str())
        {
            response.headers_mut().insert(EXPLAIN, id);
        }
        response
    }

    /// Whether it is a denial that the caller may ask about: strangers are told nothing more.
    fn is_explainable(&self) -> bool {
        match self {
            Self::Denied(denial) => denial.is_within_account,
            Self::ObjectDenied { is_explainable, .. } => *is_explainable,
            _ => false,
        }
    }

    fn json_response(&self) -> Response<Body> {
        let Row(status, code, shape) = self.json_row();
        let mut body = Map::new();
        if let Self::Throttled { reason } = self {
            body.insert("Reason".to_owned(), (*reason).into());
        }
        if matches!(shape, Shape::TypedLower | Shape::TypedUpper) {
            let whose = if status < 500 { "User" } else { "Service" };
            body.insert("Type".to_owned(), whose.into());
        }
        let (key, message) = match shape {
            Shape::TypedLower | Shape::Lower => ("message", self.message().into()),
            Shape::TypedUpper | Shape::Upper => ("Message", self.message().into()),
            Shape::Null => ("Message", Value::Null),
        };
        body.insert(key.to_owned(), message);
        let mut response = response(status, JSON, Value::Object(body).to_string().into());
        let headers = response.headers_mut();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
        if status == 429 {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// `{"__type":…,"Message":…}`, with the `Reason` that some codes have.
    fn target_response(&self) -> Response<Body> {
        let (status, code) = self.target_row();
        let mut body = Map::new();
        body.insert("__type".to_owned(), code.into());
        body.insert("Message".to_owned(), self.message().into());
        if let Some(reason) = self.reason() {
            body.insert("Reason".to_owned(), reason.into());
        }
        let mut response = response(status, JSON_1_1, Value::Object(body).to_string().into());
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(code));
        response
    }

    /// Which of several rules of the code was broken, where Organizations tells it.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Organization(error) => error.reason(),
            Self::Validation(error) => Some(match error.rule()? {
                BrokenRule::Required => "INPUT_REQUIRED",
                BrokenRule::Enum => "INVALID_ENUM",
                BrokenRule::MaxLength => "MAX_LENGTH_EXCEEDED",
                BrokenRule::MinLength => "MIN_LENGTH_EXCEEDED",
                BrokenRule::Pattern => "INVALID_PATTERN",
                BrokenRule::MaxValue => "MAX_VALUE_EXCEEDED",
                BrokenRule::MinValue => "MIN_VALUE_EXCEEDED",
                BrokenRule::Part => "INVALID_LIST_MEMBER",
            }),
            _ => None,
        }
    }

    /// A denial is news for the operator; a failure of ours is an error; the rest is the client's.
    ///
    /// Of what the client alone wrote, only the code is logged: the text repeats headers and values,
    /// which may be secret. A denial's text is quoted, so that no name in it can end the line.
    fn log(&self, request_id: &str) {
        let Row(_, code, _) = self.json_row();
        match self {
            Self::Internal(_) | Self::Catalog(_) | Self::Behind(_) => {
                tracing::error!(request_id, error = ?self.to_string(), "a request failed");
            }
            Self::Denied(_) | Self::ObjectDenied { .. } => {
                tracing::info!(request_id, reason = ?self.to_string(), "a request was denied");
            }
            Self::Signature(_) => tracing::info!(request_id, code, "a request was not believed"),
            _ => tracing::debug!(request_id, code, "a request was refused"),
        }
    }
}

/// rest-json: JSON that does not parse is the client's content; a wrong type is serialization.
fn bind_row(error: &BindError) -> Row {
    match error {
        BindError::Json { .. } => Row(400, "InvalidRequestContentException", Shape::TypedLower),
        other => Row(400, other.code(Protocol::RestJson), Shape::Lower),
    }
}

/// The rows of the Lambda domain. Source: `aws-lambda.md §5.2`, `§5.3`, `§9.3`.
#[rustfmt::skip]
fn lambda_row(error: &LambdaError) -> Row {
    match error {
        LambdaError::Malformed(_)
        | LambdaError::InvalidParameter(_) => Row(400, "InvalidParameterValueException", Shape::TypedLower),
        LambdaError::WeightedLatest
        | LambdaError::ReservationTooLarge { .. }
        | LambdaError::ReservedUnderProvisioned { .. }
        | LambdaError::ProvisionedTooLarge { .. }
        | LambdaError::ProvisionedOverAccount { .. } => Row(400, "InvalidParameterValueException", Shape::Lower),
        LambdaError::ProvisionedMissing    => Row(404, "ProvisionedConcurrencyConfigNotFoundException", Shape::TypedLower),
        LambdaError::NotFound(_)           => Row(404, "ResourceNotFoundException", Shape::TypedUpper),
        LambdaError::Conflict(_)           => Row(409, "ResourceConflictException", Shape::TypedLower),
        LambdaError::StaleRevision(_)      => Row(412, "PreconditionFailedException", Shape::TypedLower),
        LambdaError::PolicyTooLong { .. }  => Row(400, "PolicyLengthExceededException", Shape::TypedLower),
        LambdaError::CodeSigningConfigUnknown(_) => Row(404, "ResourceNotFoundException", Shape::Upper),
        LambdaError::CodeSigningConfigMissing(_) => Row(404, "CodeSigningConfigNotFoundException", Shape::TypedUpper),
        LambdaError::CodeVerificationFailed(_) => Row(400, "CodeVerificationFailedException", Shape::TypedUpper),
        LambdaError::ForeignAccount        => Row(403, "AccessDeniedException", Shape::Null),
        LambdaError::ForeignRole           => Row(403, "AccessDeniedException", Shape::Upper),
        LambdaError::NoS3Endpoint
        | LambdaError::Unsupported { .. }  => Row(400, "UnsupportedOperationException", Shape::Lower),
    }
}

/// The status of a code of the identity domain: what the models declare, or else one of the common
/// errors of IAM and STS.
fn query_status(code: &str) -> u16 {
    let declared = IAM.errors.iter().chain(STS.errors).find(|error| error.code == code);
    let common = if code == "AccessDenied" { 403 } else { 400 };
    declared.map_or(common, |error| error.status)
}

/// What IAM and STS call a signature's failures. Source: IAM reference, "Common errors".
fn signature_query_row(error: &SignatureError) -> (u16, &'static str) {
    match error {
        SignatureError::MissingToken => (403, "MissingAuthenticationToken"),
        SignatureError::Incomplete(_) => (400, "IncompleteSignature"),
        SignatureError::UnrecognizedClient => (403, "InvalidClientTokenId"),
        SignatureError::ExpiredToken => (403, "ExpiredToken"),
        SignatureError::Mismatch
        | SignatureError::Time(_)
        | SignatureError::Scope(_)
        | SignatureError::UnsignedHeader(_)
        | SignatureError::TwoForms => (403, "SignatureDoesNotMatch"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_iam_or_sts_has_the_status_that_its_model_declares() {
        for (code, status) in [
            ("NoSuchEntity", 404),
            ("EntityAlreadyExists", 409),
            ("DeleteConflict", 409),
            ("LimitExceeded", 409),
            ("IDPRejectedClaim", 403),
            ("InvalidIdentityToken", 400),
            ("AccessDenied", 403),
            ("ValidationError", 400),
        ] {
            assert_eq!(query_status(code), status, "{code}");
        }
    }
}
