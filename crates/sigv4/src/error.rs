//! Why a request is not believed, in AWS's words.

use jiff::Timestamp;

use crate::date::BasicDate;

/// Why a request is refused before anyone asks what it may do. Every row answers 403.
///
/// `Display` is the text that the client gets. Source: `[snap] aws-lambda.md §9.4`; texts that
/// are not there are AWS's of other services, or our own where AWS's are unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The request carries no signature of any form.
    #[error("Missing Authentication Token")]
    MissingToken,
    /// The request speaks of a signature, but not in whole sentences. Holds the whole text.
    #[error("{0}")]
    Incomplete(String),
    /// The access key is unknown, or the session token is not its own. For the one who looks up
    /// keys to return.
    #[error("The security token included in the request is invalid.")]
    UnrecognizedClient,
    /// The session that the key belongs to is over. For the one who looks up keys to return.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// Another key, another request, or another body than the one that was signed.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check \
         your AWS Secret Access Key and signing method. Consult the service documentation for \
         details."
    )]
    Mismatch,
    /// The clock is outside the time that the signature is good for. Holds the whole text.
    #[error("{0}")]
    Time(String),
    /// The credential scope names another region, service, day or purpose. Holds the whole text.
    #[error("{0}")]
    Scope(String),
    /// A header that must be signed is not. Holds its name or names.
    #[error("{0} must be a 'SignedHeader' in the AWS Authorization.")]
    UnsignedHeader(String),
    /// Header and query form in one request: neither is believed.
    #[error(
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    )]
    TwoForms,
}

impl SignatureError {
    /// The code on the wire, `x-amzn-ErrorType`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingToken => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::Mismatch
            | Self::Time(_)
            | Self::Scope(_)
            | Self::UnsignedHeader(_)
            | Self::TwoForms => "InvalidSignatureException",
        }
    }

    pub(crate) fn incomplete(text: impl Into<String>) -> Self {
        Self::Incomplete(text.into())
    }

    /// `signed` lies more than `window` seconds before `now`.
    pub(crate) fn expired(signed: &BasicDate, now: Timestamp, window: i64) -> Self {
        let now = BasicDate::new(now);
        let limit = now.plus(-window);
        let window = span(window);
        Self::Time(format!(
            "Signature expired: {signed} is now earlier than {limit} ({now} - {window}.)"
        ))
    }

    /// `signed` lies more than `window` seconds after `now`.
    pub(crate) fn not_yet_current(signed: &BasicDate, now: Timestamp, window: i64) -> Self {
        let now = BasicDate::new(now);
        let limit = now.plus(window);
        let window = span(window);
        Self::Time(format!(
            "Signature not yet current: {signed} is still later than {limit} ({now} + {window}.)"
        ))
    }
}

/// AWS prints minutes; a presigned request may also live for a number of seconds.
fn span(seconds: i64) -> String {
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} sec") }
}
