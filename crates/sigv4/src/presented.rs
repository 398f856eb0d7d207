//! Finding the signature in a request: in the `Authorization` header or in the query.
//!
//! Order and texts are AWS's where they are known (`[snap] aws-lambda.md §9.4`).

use std::borrow::Cow;

use http::{
    HeaderMap,
    header::{AUTHORIZATION, DATE},
    request::Parts,
};

use crate::{
    SignatureError,
    canonical::{SIGNATURE_PARAMETER, query_pairs},
    date::BasicDate,
};

/// Longest `Authorization` header that is read, in bytes. Ours: a hundred signed headers fit.
const AUTHORIZATION_BYTES_MAX: usize = 8 * 1024;

/// Longest life of a presigned request: one week, in seconds. Source: AWS, `X-Amz-Expires`.
const EXPIRES_SECONDS_MAX: u32 = 604_800;

/// The parts of a claim as they were found: each is there, none is understood but the date.
pub(crate) struct Presented<'a> {
    pub(crate) algorithm: Cow<'a, str>,
    pub(crate) credential: Cow<'a, str>,
    pub(crate) signed_headers: Cow<'a, str>,
    pub(crate) signature: Cow<'a, str>,
    pub(crate) session_token: Option<Cow<'a, str>>,
    pub(crate) date: BasicDate,
    /// Seconds from `date`; query form only.
    pub(crate) expires: Option<u32>,
}

/// Finds the one form that this request uses.
pub(crate) fn present(head: &Parts) -> Result<Presented<'_>, SignatureError> {
    let query = Query::collect(head.uri.query().unwrap_or_default())?;
    match (one(&head.headers, AUTHORIZATION.as_str())?, query.is_used) {
        (Some(_), true) => Err(SignatureError::TwoForms),
        (Some(header), false) => in_header(&head.headers, header),
        (None, true) => query.present(),
        (None, false) => Err(SignatureError::MissingToken),
    }
}

fn in_header<'a>(
    headers: &'a HeaderMap,
    authorization: &'a [u8],
) -> Result<Presented<'a>, SignatureError> {
    if authorization.len() > AUTHORIZATION_BYTES_MAX {
        let text = format!("Authorization header is longer than {AUTHORIZATION_BYTES_MAX} bytes.");
        return Err(SignatureError::Incomplete(text));
    }
    let Ok(text) = str::from_utf8(authorization) else {
        return Err(SignatureError::incomplete("Authorization header is not text in UTF-8."));
    };
    let parts = Authorization::parse(text)?;
    let [amz_date, date] = [one(headers, "x-amz-date")?, one(headers, DATE.as_str())?];
    let token = one(headers, "x-amz-security-token")?;
    let (Some(credential), Some(signature), Some(signed_headers), Some(written)) =
        (parts.credential, parts.signature, parts.signed_headers, amz_date.or(date))
    else {
        return Err(parts.missing(amz_date.or(date).is_some(), text));
    };
    let parse = if amz_date.is_some() { BasicDate::parse } else { BasicDate::parse_http };
    Ok(Presented {
        algorithm: parts.algorithm.into(),
        credential: credential.into(),
        signed_headers: signed_headers.into(),
        signature: signature.into(),
        session_token: token.filter(|token| !token.is_empty()).map(utf8).transpose()?,
        date: parse(written).ok_or_else(|| not_a_date(written))?,
        expires: None,
    })
}

/// `ALGORITHM Credential=…, SignedHeaders=…, Signature=…`; white space separates as commas do.
#[derive(Default)]
struct Authorization<'a> {
    algorithm: &'a str,
    credential: Option<&'a str>,
    signature: Option<&'a str>,
    signed_headers: Option<&'a str>,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Result<Self, SignatureError> {
        let mut words = words(text);
        let mut parts = Self { algorithm: words.next().unwrap_or_default(), ..Self::default() };
        for word in words {
            let Some((key, value)) = word.split_once('=') else {
                return Err(SignatureError::Incomplete(format!(
                    "'{word}' not a valid key=value pair (missing equal-sign) in Authorization \
                     header: '{text}'."
                )));
            };
            match key {
                "Credential" => put(&mut parts.credential, key, value)?,
                "Signature" => put(&mut parts.signature, key, value)?,
                "SignedHeaders" => put(&mut parts.signed_headers, key, value)?,
                _ => {}
            }
        }
        drop_empty([&mut parts.credential, &mut parts.signature, &mut parts.signed_headers]);
        Ok(parts)
    }

    fn missing(&self, dated: bool, text: &str) -> SignatureError {
        let parameters = [
            ("Credential", self.credential),
            ("Signature", self.signature),
            ("SignedHeaders", self.signed_headers),
        ];
        let mut sentences = String::new();
        for (name, _) in parameters.iter().filter(|(_, value)| value.is_none()) {
            sentences += &format!("Authorization header requires '{name}' parameter. ");
        }
        if !dated {
            sentences += "Authorization header requires existence of either a 'X-Amz-Date' or a \
                          'Date' header. ";
        }
        SignatureError::Incomplete(format!("{sentences}Authorization={text}"))
    }
}

/// The words of a text, blanks and commas between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.as_bytes().split(|byte| matches!(byte, b' ' | b'\t' | b','));
    // What is cut at ASCII characters stays UTF-8.
    words.filter(|word| !word.is_empty()).filter_map(|word| str::from_utf8(word).ok())
}

/// The parameters of the query form, decoded.
#[derive(Default)]
struct Query<'a> {
    algorithm: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    session_token: Option<Cow<'a, str>>,
    /// Whether one of the names that stand for this form is there, even without a value.
    is_used: bool,
}

impl<'a> Query<'a> {
    fn collect(query: &'a str) -> Result<Self, SignatureError> {
        let mut found = Self::default();
        if !query.contains('%') && !query.contains("X-Amz-") {
            return Ok(found); // The usual case: none of the names below, in any encoding.
        }
        for (name, value) in query_pairs(query) {
            let slot = match name.as_ref() {
                b"X-Amz-Algorithm" => &mut found.algorithm,
                b"X-Amz-Credential" => &mut found.credential,
                b"X-Amz-Date" => &mut found.date,
                b"X-Amz-Expires" => &mut found.expires,
                b"X-Amz-Security-Token" => &mut found.session_token,
                b"X-Amz-SignedHeaders" => &mut found.signed_headers,
                name if name == SIGNATURE_PARAMETER.as_bytes() => &mut found.signature,
                _ => continue,
            };
            let name = String::from_utf8_lossy(&name);
            put(slot, &name, utf8_owned(value)?)?;
        }
        found.is_used = found.algorithm.is_some() || found.signature.is_some();
        drop_empty([&mut found.algorithm, &mut found.credential, &mut found.signature]);
        drop_empty([&mut found.signed_headers, &mut found.date, &mut found.expires]);
        drop_empty([&mut found.session_token]);
        Ok(found)
    }

    fn present(self) -> Result<Presented<'a>, SignatureError> {
        let missing = self.missing();
        let (Some(algorithm), Some(credential), Some(signature), Some(signed_headers)) =
            (self.algorithm, self.credential, self.signature, self.signed_headers)
        else {
            return Err(missing);
        };
        let (Some(date), Some(expires)) = (self.date, self.expires) else { return Err(missing) };
        Ok(Presented {
            algorithm,
            credential,
            signed_headers,
            signature,
            session_token: self.session_token,
            date: BasicDate::parse(date.as_bytes()).ok_or_else(|| not_a_date(date.as_bytes()))?,
            expires: Some(parse_expires(&expires)?),
        })
    }

    fn missing(&self) -> SignatureError {
        let parameters = [
            ("X-Amz-Algorithm", &self.algorithm),
            ("X-Amz-Credential", &self.credential),
            (SIGNATURE_PARAMETER, &self.signature),
            ("X-Amz-SignedHeaders", &self.signed_headers),
            ("X-Amz-Date", &self.date),
            ("X-Amz-Expires", &self.expires),
        ];
        let mut sentences = String::new();
        for (name, _) in parameters.iter().filter(|(_, value)| value.is_none()) {
            sentences += &format!("AWS query-string parameters must include '{name}'. ");
        }
        SignatureError::Incomplete(sentences + "Re-examine the query-string parameters.")
    }
}

fn parse_expires(text: &str) -> Result<u32, SignatureError> {
    let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
    seconds.flatten().filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds)).ok_or_else(
        || {
            SignatureError::Incomplete(format!(
                "X-Amz-Expires must be a number of seconds from 1 to {EXPIRES_SECONDS_MAX}, got \
                 '{text}'."
            ))
        },
    )
}

/// A part may come once: of two, no one could say which was meant.
fn put<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), SignatureError> {
    if slot.is_some() {
        return Err(SignatureError::Incomplete(format!("'{name}' must be given once.")));
    }
    *slot = Some(value);
    Ok(())
}

/// An empty part is as good as none.
fn drop_empty<T: AsRef<str>, const N: usize>(slots: [&mut Option<T>; N]) {
    for slot in slots {
        drop(slot.take_if(|value| value.as_ref().is_empty()));
    }
}

/// The value of a header that may come once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(SignatureError::Incomplete(format!("Header '{name}' must be given once.")));
    }
    Ok(first.map(http::HeaderValue::as_bytes))
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, SignatureError> {
    utf8_owned(Cow::Borrowed(bytes))
}

fn utf8_owned(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, SignatureError> {
    let text = match bytes {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).map(Cow::Borrowed).ok(),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).ok(),
    };
    text.ok_or_else(|| SignatureError::incomplete("A part of the signature is not text in UTF-8."))
}

fn not_a_date(written: &[u8]) -> SignatureError {
    let written = String::from_utf8_lossy(written);
    SignatureError::Incomplete(format!(
        "Date must be in ISO-8601 'basic format'. Got '{written}'. See \
         http://en.wikipedia.org/wiki/ISO_8601"
    ))
}
