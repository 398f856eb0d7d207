//! Function URLs: an HTTP address of a function or alias, how it knows its callers, and its CORS.
//!
//! A URL gives nobody leave to call: the resource policy does (`aws-lambda.md §7.2`). Its settings
//! are one value; a URL that is made again has another id.

mod cors;

use std::fmt;

use jiff::Timestamp;

use crate::names::text_type;
use crate::{
    AliasName, Conflict, FunctionArn, InvalidValue, LambdaError, Qualifier, Target, UrlAuthType,
};

pub use cors::{Cors, CorsHeader, CorsInput, Preflight};

text_type! {
    /// The first label of a URL's host: 32 of `[a-z0-9]`.
    ///
    /// Source: `[snap] aws-lambda.md §7.1`.
    pub UrlId, "function URL id", "32 of [a-z0-9]",
    |text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

text_type! {
    /// The domain under which URLs have their hosts: 1 to 128 of `[a-z0-9-.]`.
    pub UrlDomain, "function URL domain", "1 to 128 of [a-z0-9-.], no empty label",
    |text| text.len() <= 128
        && text.split('.').all(|label| !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
}

/// How the answer of a function travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InvokeMode {
    /// Whole, once the function has ended.
    #[default]
    Buffered,
    /// As the function produces it.
    ResponseStream,
}

impl InvokeMode {
    /// `BUFFERED` or `RESPONSE_STREAM`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buffered => "BUFFERED",
            Self::ResponseStream => "RESPONSE_STREAM",
        }
    }
}

impl std::str::FromStr for InvokeMode {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("invoke mode", text, "BUFFERED or RESPONSE_STREAM");
        let all = [Self::Buffered, Self::ResponseStream];
        all.into_iter().find(|mode| mode.as_str() == text).ok_or_else(refusal)
    }
}

/// What `CreateFunctionUrlConfig` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlInput {
    /// `AuthType`
    pub auth_type: UrlAuthType,
    /// `Cors`
    pub cors: Option<CorsInput>,
    /// `InvokeMode`, if the request says one.
    pub invoke_mode: Option<InvokeMode>,
}

/// What `UpdateFunctionUrlConfig` asks for; `None` leaves as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlChange {
    /// `AuthType`
    pub auth_type: Option<UrlAuthType>,
    /// `Cors`, whole; an empty one clears.
    pub cors: Option<CorsInput>,
    /// `InvokeMode`
    pub invoke_mode: Option<InvokeMode>,
}

/// The URL of a function or of one alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionUrl {
    function: FunctionArn,
    alias: Option<AliasName>,
    id: UrlId,
    auth_type: UrlAuthType,
    cors: Option<Cors>,
    invoke_mode: Option<InvokeMode>,
    created: Timestamp,
    modified: Timestamp,
}

impl FunctionUrl {
    /// `CreateFunctionUrlConfig`. `taken` says whether the function or alias has a URL; `id` is one
    /// that nobody had before.
    ///
    /// # Errors
    /// [`Conflict::UrlExists`]; a CORS configuration outside its limits.
    pub fn create(
        function: &FunctionArn,
        alias: Option<&AliasName>,
        input: UrlInput,
        taken: bool,
        id: UrlId,
        now: Timestamp,
    ) -> Result<Self, LambdaError> {
        let url = Self {
            function: function.clone(),
            alias: alias.cloned(),
            id,
            auth_type: input.auth_type,
            cors: input.cors.map(Cors::try_from).transpose()?,
            invoke_mode: input.invoke_mode,
            created: now,
            modified: now,
        };
        if taken { Err(Conflict::UrlExists(url.target()).into()) } else { Ok(url) }
    }

    /// `UpdateFunctionUrlConfig`.
    ///
    /// # Errors
    /// A CORS configuration outside its limits.
    pub fn update(&self, change: UrlChange, now: Timestamp) -> Result<Self, LambdaError> {
        let mut changed = self.clone();
        changed.auth_type = change.auth_type.unwrap_or(self.auth_type);
        if let Some(cors) = change.cors {
            changed.cors = Some(Cors::try_from(cors)?).filter(|cors| !cors.is_empty());
        }
        changed.invoke_mode = change.invoke_mode.or(self.invoke_mode);
        changed.modified = now;
        Ok(changed)
    }

    /// A URL from its parts, as they were stored.
    ///
    /// # Errors
    /// Those of [`FunctionUrl::create`], but for the conflict.
    pub fn restore(
        (function, alias): (&FunctionArn, Option<&AliasName>),
        id: UrlId,
        input: UrlInput,
        created: Timestamp,
        modified: Timestamp,
    ) -> Result<Self, LambdaError> {
        let url = Self::create(function, alias, input, false, id, created)?;
        Ok(Self { modified, ..url })
    }

    /// What calls through it address: the function's ARN, or the alias'.
    #[must_use]
    pub fn target(&self) -> Target {
        let qualifier = self.alias.clone().map(Qualifier::Alias);
        Target { function: self.function.clone(), qualifier }
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> &FunctionArn {
        &self.function
    }

    /// The alias, unless it is the function's own URL.
    #[must_use]
    pub fn alias(&self) -> Option<&AliasName> {
        self.alias.as_ref()
    }

    /// The first label of its host.
    #[must_use]
    pub fn id(&self) -> &UrlId {
        &self.id
    }

    /// `AuthType`
    #[must_use]
    pub fn auth_type(&self) -> UrlAuthType {
        self.auth_type
    }

    /// `Cors`, if it was configured.
    #[must_use]
    pub fn cors(&self) -> Option<&Cors> {
        self.cors.as_ref()
    }

    /// `InvokeMode`, if it was ever given.
    #[must_use]
    pub fn invoke_mode(&self) -> Option<InvokeMode> {
        self.invoke_mode
    }

    /// `CreationTime`
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// `LastModifiedTime`
    #[must_use]
    pub fn modified(&self) -> Timestamp {
        self.modified
    }
}

impl fmt::Display for InvokeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn url(alias: Option<&str>, taken: bool) -> Result<FunctionUrl, LambdaError> {
        let alias = alias.map(|alias| alias.parse().unwrap());
        let input = UrlInput { auth_type: UrlAuthType::None, cors: None, invoke_mode: None };
        let id = "0123456789abcdefghijklmnopqrstuv".parse().unwrap();
        FunctionUrl::create(&ARN.parse().unwrap(), alias.as_ref(), input, taken, id, now(1))
    }

    fn now(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_url_is_of_the_function_or_of_one_alias() {
        assert_eq!(url(None, false).unwrap().target().to_string(), ARN);
        assert_eq!(url(Some("prod"), false).unwrap().target().to_string(), format!("{ARN}:prod"));
    }

    #[test]
    fn a_function_has_one_url() {
        let conflict = url(Some("prod"), true).unwrap_err();
        let target = Target::qualified(ARN.parse().unwrap(), Qualifier::parse("prod"));
        assert_eq!(conflict, Conflict::UrlExists(target).into());
    }

    #[test]
    fn an_update_leaves_what_it_does_not_name() {
        let cors = CorsInput { max_age: Some(1), ..CorsInput::default() };
        let change = UrlChange { cors: Some(cors), ..UrlChange::default() };
        let with_cors = url(None, false).unwrap().update(change, now(2)).unwrap();
        let auth = UrlChange { auth_type: Some(UrlAuthType::AwsIam), ..UrlChange::default() };
        let signed = with_cors.update(auth, now(3)).unwrap();
        assert_eq!((signed.auth_type(), signed.cors()), (UrlAuthType::AwsIam, with_cors.cors()));
        assert_eq!((signed.created(), signed.modified()), (now(1), now(3)));
        assert_eq!(signed.id(), with_cors.id());
        let clear = UrlChange { cors: Some(CorsInput::default()), ..UrlChange::default() };
        assert_eq!(signed.update(clear, now(4)).unwrap().cors(), None);
    }

    #[test]
    fn a_mode_is_kept_until_another_is_given() {
        let mode = |mode| UrlChange { invoke_mode: Some(mode), ..UrlChange::default() };
        let first = url(None, false).unwrap();
        assert_eq!(first.invoke_mode(), None);
        for given in [InvokeMode::ResponseStream, InvokeMode::Buffered] {
            let url = first.update(mode(given), now(2)).unwrap();
            let kept = url.update(UrlChange::default(), now(3)).unwrap();
            assert_eq!(kept.invoke_mode(), Some(given));
        }
    }
}
