//! Function URLs as they are stored.

use std::borrow::Cow;

use jiff::Timestamp;
use portcullis_lambda::{AliasName, CorsInput, FunctionUrl, UrlInput};
use serde::{Deserialize, Serialize};

use super::{
    Document, DocumentError, decode_json, encode_json,
    lambda::{invalid, read},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredUrl<'a> {
    function: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alias: Option<Cow<'a, str>>,
    id: Cow<'a, str>,
    auth_type: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cors: Option<StoredCors>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invoke_mode: Option<Cow<'a, str>>,
    created: Cow<'a, str>,
    modified: Cow<'a, str>,
}

/// The members that were given, as they were given.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCors {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allow_credentials: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allow_headers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allow_methods: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allow_origins: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expose_headers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<i64>,
}

impl From<CorsInput> for StoredCors {
    fn from(input: CorsInput) -> Self {
        Self {
            allow_credentials: input.allow_credentials,
            allow_headers: input.allow_headers,
            allow_methods: input.allow_methods,
            allow_origins: input.allow_origins,
            expose_headers: input.expose_headers,
            max_age_seconds: input.max_age,
        }
    }
}

impl From<StoredCors> for CorsInput {
    fn from(stored: StoredCors) -> Self {
        Self {
            allow_credentials: stored.allow_credentials,
            allow_headers: stored.allow_headers,
            allow_methods: stored.allow_methods,
            allow_origins: stored.allow_origins,
            expose_headers: stored.expose_headers,
            max_age: stored.max_age_seconds,
        }
    }
}

impl Document for FunctionUrl {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredUrl {
            function: self.function().as_str().into(),
            alias: self.alias().map(|alias| alias.as_str().into()),
            id: self.id().as_str().into(),
            auth_type: self.auth_type().as_str().into(),
            cors: self.cors().map(|cors| cors.members().clone().into()),
            invoke_mode: self.invoke_mode().map(|mode| mode.as_str().into()),
            created: self.created().to_string().into(),
            modified: self.modified().to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredUrl<'_> = decode_json(bytes)?;
        let function = read("function", &stored.function)?;
        let alias: Option<AliasName> =
            stored.alias.map(|alias| read("alias", &alias)).transpose()?;
        let mode = stored.invoke_mode.map(|mode| read("invoke mode", &mode)).transpose()?;
        let input = UrlInput {
            auth_type: read("auth type", &stored.auth_type)?,
            cors: stored.cors.map(Into::into),
            invoke_mode: mode,
        };
        let id = read("id", &stored.id)?;
        let whose = (&function, alias.as_ref());
        let created: Timestamp = read("creation time", &stored.created)?;
        let modified = read("modification time", &stored.modified)?;
        let url = Self::restore(whose, id, input, created, modified);
        url.map_err(|error| invalid("function URL", &error))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_lambda::{CorsInput, FunctionUrl, InvokeMode, UrlAuthType, UrlInput};

    use crate::documents::Document;

    #[track_caller]
    fn check(alias: Option<&str>, cors: Option<CorsInput>, invoke_mode: Option<InvokeMode>) {
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f".parse().unwrap();
        let alias = alias.map(|alias| alias.parse().unwrap());
        let input = UrlInput { auth_type: UrlAuthType::AwsIam, cors, invoke_mode };
        let id = "0123456789abcdefghijklmnopqrstuv".parse().unwrap();
        let [created, modified] =
            ["2026-01-02T03:04:05.000000006Z", "2026-02-03T04:05:06Z"].map(|t| t.parse().unwrap());
        let whose = (&function, alias.as_ref());
        let url = FunctionUrl::restore(whose, id, input, created, modified).unwrap();
        assert_eq!(FunctionUrl::decode(&url.encode()).unwrap(), url);
    }

    #[test]
    fn a_url_reads_back_as_it_was_written() {
        check(None, None, None);
        let empty = CorsInput::default();
        check(Some("prod"), Some(empty.clone()), Some(InvokeMode::Buffered));
        let list = |text: &str| Some(vec![text.to_owned()]);
        let whole = CorsInput {
            allow_credentials: Some(false),
            allow_headers: list("x-a"),
            allow_methods: list("*"),
            allow_origins: list("https://a.example"),
            expose_headers: Some(vec![]),
            max_age: Some(0),
        };
        check(Some("prod"), Some(whole), None);
    }
}
