//! Function URLs on the wire: what their operations take, and what they show.

use portcullis_lambda::{
    CorsInput, FunctionUrl, InvokeMode, Target, UrlAuthType, UrlChange, UrlId, UrlInput,
};
use portcullis_model::lambda::types::{
    Cors, CreateFunctionUrlConfigInput, CreateFunctionUrlConfigOutput, FunctionUrlAuthType,
    FunctionUrlConfig, GetFunctionUrlConfigOutput, InvokeMode as WireMode,
    UpdateFunctionUrlConfigInput, UpdateFunctionUrlConfigOutput,
};
use portcullis_model::{Operation, validate_member};

use crate::{conditions::Parameters, context::RequestCx, error::ApiError};

/// The condition keys of an operation on the URL of `name` and `qualifier`: the kind of
/// authentication that it asks for, or else that the URL has (`aws-lambda.md §10`).
///
/// # Errors
/// A name that is none; a qualifier in the name that is no alias.
pub(crate) fn keys<A: Operation>(
    cx: &RequestCx<'_>,
    name: &str,
    qualifier: Option<&str>,
    asked: Option<FunctionUrlAuthType>,
) -> Result<Parameters<'static>, ApiError> {
    let resolution = cx.resolve(name, qualifier)?;
    let target = resolution.target();
    check_derived::<A>(target, qualifier)?;
    let current = || Some(cx.snapshot.url_of(target)?.auth_type());
    let auth_type = asked.map(auth_type).or_else(current);
    Ok(Parameters::default()
        .with("lambda:functionurlauthtype", auth_type.map(UrlAuthType::as_str))
        .with("lambda:functionarn", Some(target.function.as_str().to_owned())))
}

/// That a qualifier which only the name has could be the parameter: an alias (`[snap] §4.4`).
fn check_derived<A: Operation>(target: &Target, parameter: Option<&str>) -> Result<(), ApiError> {
    match (parameter, &target.qualifier) {
        (None, Some(derived)) => {
            Ok(validate_member(A::MODEL, "Qualifier", &derived.to_string().into())?)
        }
        _ => Ok(()),
    }
}

/// A new id: 32 of the 36 letters and digits, from random bytes.
///
/// # Errors
/// None that can happen: every text made here is an id.
pub(crate) fn fresh_id() -> Result<UrlId, ApiError> {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // 256 random bits, for 165 that are shown: no letter is noticeably likelier than another.
    let [high, low] = [(); 2].map(|()| uuid::Uuid::new_v4().as_u128());
    let letter = |mut number: u128, out: &mut String| {
        for _ in 0..16 {
            let at = usize::try_from(number % 36).unwrap_or_default();
            out.extend(LETTERS.get(at).copied().map(char::from));
            number /= 36;
        }
    };
    let mut id = String::with_capacity(32);
    letter(high, &mut id);
    letter(low, &mut id);
    id.parse().map_err(ApiError::internal)
}

/// What `CreateFunctionUrlConfig` asks for.
pub(crate) fn requested(input: CreateFunctionUrlConfigInput) -> UrlInput {
    UrlInput {
        auth_type: auth_type(input.auth_type),
        cors: input.cors.map(cors),
        invoke_mode: input.invoke_mode.map(mode),
    }
}

/// What `UpdateFunctionUrlConfig` asks for.
pub(crate) fn change(input: UpdateFunctionUrlConfigInput) -> UrlChange {
    UrlChange {
        auth_type: input.auth_type.map(auth_type),
        cors: input.cors.map(cors),
        invoke_mode: input.invoke_mode.map(mode),
    }
}

fn auth_type(asked: FunctionUrlAuthType) -> UrlAuthType {
    match asked {
        FunctionUrlAuthType::None => UrlAuthType::None,
        FunctionUrlAuthType::AwsIam => UrlAuthType::AwsIam,
    }
}

fn mode(asked: WireMode) -> InvokeMode {
    match asked {
        WireMode::Buffered => InvokeMode::Buffered,
        WireMode::ResponseStream => InvokeMode::ResponseStream,
    }
}

fn cors(asked: Cors) -> CorsInput {
    CorsInput {
        allow_credentials: asked.allow_credentials,
        allow_headers: asked.allow_headers,
        allow_methods: asked.allow_methods,
        allow_origins: asked.allow_origins,
        expose_headers: asked.expose_headers,
        max_age: asked.max_age.map(i64::from),
    }
}

/// What `CreateFunctionUrlConfig` answers: the mode only if it was given.
pub(crate) fn created(cx: &RequestCx<'_>, url: &FunctionUrl) -> CreateFunctionUrlConfigOutput {
    let all = listed(cx, url);
    CreateFunctionUrlConfigOutput {
        function_url: all.function_url,
        function_arn: all.function_arn,
        auth_type: all.auth_type,
        cors: all.cors,
        creation_time: all.creation_time,
        invoke_mode: url.invoke_mode().map(wire_mode),
    }
}

/// What `GetFunctionUrlConfig` answers: the mode in any case.
pub(crate) fn shown(cx: &RequestCx<'_>, url: &FunctionUrl) -> GetFunctionUrlConfigOutput {
    let all = listed(cx, url);
    GetFunctionUrlConfigOutput {
        function_url: all.function_url,
        function_arn: all.function_arn,
        auth_type: all.auth_type,
        cors: all.cors,
        creation_time: all.creation_time,
        last_modified_time: all.last_modified_time,
        invoke_mode: all.invoke_mode,
    }
}

/// What `UpdateFunctionUrlConfig` answers: the mode only if it was ever given.
pub(crate) fn updated(cx: &RequestCx<'_>, url: &FunctionUrl) -> UpdateFunctionUrlConfigOutput {
    let all = listed(cx, url);
    UpdateFunctionUrlConfigOutput {
        function_url: all.function_url,
        function_arn: all.function_arn,
        auth_type: all.auth_type,
        cors: all.cors,
        creation_time: all.creation_time,
        last_modified_time: all.last_modified_time,
        invoke_mode: url.invoke_mode().map(wire_mode),
    }
}

/// A URL as the list shows it.
pub(crate) fn listed(cx: &RequestCx<'_>, url: &FunctionUrl) -> FunctionUrlConfig {
    let time = |time: jiff::Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string();
    FunctionUrlConfig {
        function_url: cx.url_text(url.id()),
        function_arn: url.target().to_string(),
        creation_time: time(url.created()),
        last_modified_time: time(url.modified()),
        cors: url.cors().map(|cors| wire_cors(cors.members())),
        auth_type: match url.auth_type() {
            UrlAuthType::None => FunctionUrlAuthType::None,
            UrlAuthType::AwsIam => FunctionUrlAuthType::AwsIam,
        },
        invoke_mode: Some(wire_mode(url.invoke_mode().unwrap_or_default())),
    }
}

fn wire_mode(mode: InvokeMode) -> WireMode {
    match mode {
        InvokeMode::Buffered => WireMode::Buffered,
        InvokeMode::ResponseStream => WireMode::ResponseStream,
    }
}

fn wire_cors(cors: &CorsInput) -> Cors {
    Cors {
        allow_credentials: cors.allow_credentials,
        allow_headers: cors.allow_headers.clone(),
        allow_methods: cors.allow_methods.clone(),
        allow_origins: cors.allow_origins.clone(),
        expose_headers: cors.expose_headers.clone(),
        max_age: cors.max_age.and_then(|age| i32::try_from(age).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::fresh_id;

    #[test]
    fn ids_differ() {
        let ids: std::collections::BTreeSet<_> =
            (0..100).map(|_| fresh_id().unwrap().to_string()).collect();
        assert_eq!(ids.len(), 100);
    }
}
