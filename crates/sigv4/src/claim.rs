//! What a request says about its signature, and whether that is so.

use http::{HeaderName, header::HOST, request::Parts};
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::{
    ALGORITHM, Scope, SignatureError, SigningKey,
    body::parse_hexadecimal,
    canonical::CanonicalRequest,
    date::BasicDate,
    presented::{Presented, present},
};

/// How far a request's clock may be from ours, in seconds. Source: `[snap] aws-lambda.md §9.4`.
const CLOCK_SKEW_SECONDS_MAX: i64 = 5 * 60;

/// Headers with this prefix mean something to AWS and must be signed where they are present.
const SIGNED_PREFIX: &str = "x-amz-";

/// The exceptions: proxies add the first after signing; SDKs leave the others out of presigned
/// requests. No operation gives any of them a meaning.
const UNSIGNED_ALLOWED: [&str; 3] = ["x-amz-cf-id", "x-amz-user-agent", "x-amz-checksum-mode"];

/// What a request says about its signature: whole, timely, over the headers that matter, and
/// believed by no one until [`Claim::verify`].
#[derive(Clone, Debug)]
pub struct Claim {
    access_key_id: String,
    scope: Scope,
    date: BasicDate,
    signed_headers: String,
    signature: [u8; 32],
    session_token: Option<String>,
    presigned: bool,
}

/// Reads the claim of a request, in the header or the query form.
///
/// The header form must be dated within five minutes of `now`. The query form lives from its
/// date (less five minutes) for the `X-Amz-Expires` seconds that it names, at most a week. `Host`
/// and every `x-amz-*` header present must be signed, but for a few that mean nothing.
///
/// # Errors
/// The first fault, in AWS's order: no signature; missing parts; date; clock; unsigned headers;
/// algorithm; credential.
pub fn claim(head: &Parts, now: Timestamp) -> Result<Claim, SignatureError> {
    let presented = present(head)?;
    check_time(&presented, now)?;
    check_signed_headers(head, &presented.signed_headers)?;
    if presented.algorithm != ALGORITHM {
        let text = format!("Unsupported AWS 'algorithm': '{}'.", presented.algorithm);
        return Err(SignatureError::Incomplete(text));
    }
    let (access_key_id, scope) = Scope::parse_credential(&presented.credential)?;
    Ok(Claim {
        access_key_id,
        scope,
        signature: parse_hexadecimal(&presented.signature).ok_or(SignatureError::Mismatch)?,
        signed_headers: presented.signed_headers.into_owned(),
        session_token: presented.session_token.map(Into::into),
        presigned: presented.expires.is_some(),
        date: presented.date,
    })
}

impl Claim {
    /// Whose key is said to have signed. Never empty.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The session token that came with the request; never empty.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// What the key is said to be good for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether the signature is in the query (a presigned request).
    #[must_use]
    pub fn is_presigned(&self) -> bool {
        self.presigned
    }

    /// Whether the signature covers this header. Case does not matter.
    #[must_use]
    pub fn signs_header(&self, name: &str) -> bool {
        signs(&self.signed_headers, name)
    }

    /// Checks that the scope is for one of `regions`, for `service`, and for the request's day.
    ///
    /// # Errors
    /// [`SignatureError::Scope`] naming every part that is wrong.
    pub fn check_scope(&self, regions: &[&str], service: &str) -> Result<(), SignatureError> {
        self.scope.check(regions, service, &self.date)
    }

    /// Checks that `key` signed this request: `head` as the claim was read from it, and a body
    /// whose hash ([`crate::body_sha256`]) is `body_sha256`. Takes the same time for every wrong
    /// signature.
    ///
    /// An `x-amz-content-sha256` header must be that hash: bodies that are not signed
    /// (`UNSIGNED-PAYLOAD`, `STREAMING-…`) are refused.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`], without saying what differs.
    pub fn verify(
        &self,
        head: &Parts,
        body_sha256: &str,
        key: &SigningKey,
    ) -> Result<(), SignatureError> {
        let declared = head.headers.get_all("x-amz-content-sha256");
        if declared.iter().any(|hash| hash.as_bytes() != body_sha256.as_bytes()) {
            return Err(SignatureError::Mismatch);
        }
        let sorted = names(&self.signed_headers).is_sorted_by(|a, b| a < b);
        if !sorted || !self.scope.fits(&self.date) {
            return Err(SignatureError::Mismatch);
        }
        let canonical = CanonicalRequest::new(head, &self.signed_headers, body_sha256).write();
        let canonical = canonical.ok_or(SignatureError::Mismatch)?;
        let ours = key.signature(self.date.as_str(), self.scope.as_str(), &canonical);
        let same = ours.ct_eq(&self.signature).into();
        if same { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

fn check_time(presented: &Presented<'_>, now: Timestamp) -> Result<(), SignatureError> {
    let life = presented.expires.map_or(CLOCK_SKEW_SECONDS_MAX, i64::from);
    let age = now.as_second().saturating_sub(presented.date.second());
    if age > life {
        return Err(SignatureError::expired(&presented.date, now, life));
    }
    if age < -CLOCK_SKEW_SECONDS_MAX {
        return Err(SignatureError::not_yet_current(&presented.date, now, CLOCK_SKEW_SECONDS_MAX));
    }
    Ok(())
}

fn check_signed_headers(head: &Parts, signed_headers: &str) -> Result<(), SignatureError> {
    if !signs(signed_headers, HOST.as_str()) {
        return Err(SignatureError::UnsignedHeader("'Host' or ':authority'".to_owned()));
    }
    let must_be_signed = |name: &&HeaderName| {
        name.as_str().starts_with(SIGNED_PREFIX) && !UNSIGNED_ALLOWED.contains(&name.as_str())
    };
    let unsigned = |name: &&HeaderName| !signs(signed_headers, name.as_str());
    match head.headers.keys().filter(must_be_signed).find(unsigned) {
        Some(name) => Err(SignatureError::UnsignedHeader(format!("'{}'", capitalized(name)))),
        None => Ok(()),
    }
}

fn signs(signed_headers: &str, name: &str) -> bool {
    names(signed_headers).any(|signed| signed.eq_ignore_ascii_case(name.as_bytes()))
}

/// The names in a list of signed headers.
fn names(signed_headers: &str) -> impl Iterator<Item = &[u8]> {
    signed_headers.as_bytes().split(|byte| *byte == b';')
}

/// `x-amz-date` as people write it: `X-Amz-Date`.
fn capitalized(name: &HeaderName) -> String {
    let mut start = true;
    let letter = |letter: char| {
        let written = if start { letter.to_ascii_uppercase() } else { letter };
        start = letter == '-';
        written
    };
    name.as_str().chars().map(letter).collect()
}
