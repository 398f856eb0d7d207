//! What several function operations share: taking code in, passing a role, describing the result.

use std::sync::Arc;

use bytes::Bytes;
use portcullis_catalog::{
    CodeSigningConfigResource, EventSourceMappingResource, FunctionResource, LayerVersionResource,
    Permit, Resource, RoleResource, TaggableResource,
    effects::{Resolved, SettleScope},
};
use portcullis_lambda::{
    CodePackage, EventSourceMappingArn, Function, FunctionArn, InvalidParameter, LambdaError,
    NotFound, PublishedVersion, Qualifier, ReservedConcurrency, Target, WantedLayers,
};
use portcullis_model::{Operation, lambda::types::FunctionConfiguration};
use portcullis_sandbox::{
    Outliving,
    unpack::{Contents, ZipError, inspect},
};
use tokio::runtime::Handle;

use crate::{
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    execution::settle_later,
    objects,
    state::State,
    wire::{code::CodeSource, function::Described},
};

/// Largest code package in a request, in bytes: `aws-lambda.md §5.2`.
pub(crate) const ZIP_BYTES_MAX: usize = 52_428_800;

/// Checks a code package and keeps it; whoever asked for it may do so.
///
/// # Errors
/// Those of [`check_code`].
pub(crate) async fn store_code(
    cx: &RequestCx<'_>,
    source: CodeSource,
) -> Result<CodePackage, ApiError> {
    let (package, zip) = check_code(cx, source).await?;
    cx.state.blobs.put(zip).await.map_err(ApiError::internal)?;
    Ok(package)
}

/// A code package that may be kept: what it is, and its bytes.
///
/// # Errors
/// Those of an object that cannot be read, and of a package that is no zip, or too large, in either
/// form.
pub(crate) async fn check_code(
    cx: &RequestCx<'_>,
    source: CodeSource,
) -> Result<(CodePackage, Bytes), ApiError> {
    let zip = match source {
        CodeSource::Zip(zip) if zip.0.len() > ZIP_BYTES_MAX => {
            return Err(ApiError::ZipTooLarge(ZIP_BYTES_MAX));
        }
        CodeSource::Zip(zip) => Bytes::from(zip.0),
        CodeSource::Object(object) => objects::read(cx, object).await?,
    };
    let inspected = zip.clone();
    let work = tokio::task::spawn_blocking(move || package(&inspected));
    let package = work.await.map_err(ApiError::internal)?.map_err(LambdaError::from)?;
    Ok((package, zip))
}

/// What a zip is, all of which is looked through: blocking.
fn package(zip: &[u8]) -> Result<CodePackage, InvalidParameter> {
    if zip.is_empty() {
        return Err(InvalidParameter::EmptyZip);
    }
    match inspect(zip) {
        Ok(Contents { files: 0, .. }) => Err(InvalidParameter::EmptyZip),
        Ok(contents) => Ok(CodePackage::of(zip, contents.unzipped_bytes)),
        Err(error) => Err(refused(&error)),
    }
}

/// What a bad package is called on the wire; the log says more.
fn refused(error: &ZipError) -> InvalidParameter {
    tracing::debug!(%error, "a code package was refused");
    match error {
        ZipError::TooLarge => InvalidParameter::UnzippedTooLarge,
        _ => InvalidParameter::BadZip,
    }
}

/// Whoever gives a function a role must be allowed to pass it to Lambda. A role of another account
/// nobody passes.
///
/// # Errors
/// [`LambdaError::ForeignRole`], [`ApiError::Denied`].
pub(crate) fn check_pass_role(cx: &RequestCx<'_>, role: &str) -> Result<(), ApiError> {
    let no_role = || LambdaError::from(InvalidParameter::RoleNotAssumable);
    let resource = RoleResource::of_arn(role).ok_or_else(no_role)?;
    if resource.owner() != cx.account() {
        return Err(LambdaError::ForeignRole.into());
    }
    let parameters =
        Parameters::default().with("iam:passedtoservice", Some("lambda.amazonaws.com"));
    cx.check("iam:PassRole", &resource, &parameters)
}

/// The layers that a request gives a function, if it does: whoever gives them must be allowed to get
/// each (`§3.4`).
///
/// # Errors
/// Those of [`WantedLayers::new`], then [`ApiError::Denied`].
pub(crate) fn layers(
    cx: &RequestCx<'_>,
    arns: Option<&[String]>,
) -> Result<Option<WantedLayers>, ApiError> {
    let Some(arns) = arns else { return Ok(None) };
    let wanted = WantedLayers::new(arns, &cx.state.region)?;
    for arn in wanted.iter() {
        let resource = LayerVersionResource(arn.clone());
        cx.check("lambda:GetLayerVersion", &resource, &Parameters::default())?;
    }
    Ok(Some(wanted))
}

/// The permission to perform `A`, which versions and aliases do not have, on the function `name`.
///
/// # Errors
/// Those of [`RequestCx::function`]; then [`InvalidParameter::QualifiedConcurrency`].
pub(crate) fn whole_function<A: Operation>(
    cx: &RequestCx<'_>,
    name: &str,
) -> Result<Permit<A, FunctionResource>, ApiError> {
    let permit = cx.function::<A>(name, None, &Parameters::default())?;
    match cx.resolve(name, None)?.target().qualifier {
        Some(_) => Err(LambdaError::from(InvalidParameter::QualifiedConcurrency).into()),
        None => Ok(permit),
    }
}

/// A reservation as an integer of the API.
pub(crate) fn calls(reserved: ReservedConcurrency) -> i32 {
    i32::try_from(reserved.get()).unwrap_or(i32::MAX)
}

/// Makes an effect, and what follows from it, whatever becomes of the caller meanwhile.
///
/// # Errors
/// The effect's.
pub(crate) async fn whole<T: Send + 'static>(
    effect: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    Outliving::new(Handle::current(), effect).await
}

/// Starts what ends the preparation of `$LATEST` and of the version published with it.
pub(crate) fn settle_both(
    state: &Arc<State>,
    arn: &FunctionArn,
    version: Option<&PublishedVersion>,
) {
    settle_later(state, arn.clone(), SettleScope::Latest);
    if let Some(version) = version {
        settle_later(state, arn.clone(), SettleScope::Version(version.number));
    }
}

/// What creation and the updates answer: the new version if one was published, else `$LATEST`;
/// `target` is how the answer shows the ARN.
pub(crate) fn updated(
    cx: &RequestCx<'_>,
    target: &Target,
    function: &Function,
    version: Option<&PublishedVersion>,
) -> FunctionConfiguration {
    let (version, deployment) = match version {
        Some(version) => (Qualifier::Version(version.number), &version.deployment),
        None => (Qualifier::Latest, function.latest()),
    };
    Described { target, version: &version, deployment, region: &cx.state.region }.whole()
}

/// What the reads answer.
pub(crate) fn resolved(cx: &RequestCx<'_>, resolved: &Resolved) -> FunctionConfiguration {
    describe(cx, resolved, |described| described.whole())
}

/// What the lists show.
pub(crate) fn listed(cx: &RequestCx<'_>, resolved: &Resolved) -> FunctionConfiguration {
    describe(cx, resolved, |described| described.listed())
}

fn describe(
    cx: &RequestCx<'_>,
    resolved: &Resolved,
    show: impl FnOnce(&Described<'_>) -> FunctionConfiguration,
) -> FunctionConfiguration {
    show(&Described {
        target: &resolved.target,
        version: &resolved.version(),
        deployment: resolved.deployment(),
        region: &cx.state.region,
    })
}

/// The tags of a map, as pairs.
pub(crate) fn pairs(
    tags: &std::collections::BTreeMap<String, String>,
) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// The code-signing configuration that an operation names.
///
/// # Errors
/// An ARN that is none, which validation should have refused.
pub(crate) fn code_signing_config(arn: &str) -> Result<CodeSigningConfigResource, ApiError> {
    Ok(CodeSigningConfigResource(arn.parse().map_err(LambdaError::from)?))
}

/// The event source mapping of the caller's account that an operation names.
pub(crate) fn event_source_mapping(cx: &RequestCx<'_>, id: &str) -> EventSourceMappingResource {
    EventSourceMappingResource::new(&cx.state.region, cx.account(), id)
}

/// The permission to perform `A` on what a tag operation names by ARN.
///
/// # Errors
/// [`ApiError::Denied`]; then a function of another region, or what is of a kind that there is none
/// of here, which AWS has words for one of.
pub(crate) fn taggable<A: Operation>(
    cx: &RequestCx<'_>,
    arn: &str,
    parameters: &Parameters<'_>,
) -> Result<Permit<A, TaggableResource>, ApiError> {
    if let Ok(config) = code_signing_config(arn) {
        return cx.authorize(TaggableResource::CodeSigningConfig(config), parameters);
    }
    if let Ok(mapping) = arn.parse::<EventSourceMappingArn>() {
        return cx.authorize(TaggableResource::EventSourceMapping(mapping.into()), parameters);
    }
    let Some((function, qualifier)) = function_in(arn) else {
        return Err(other_kind::<A>(cx, arn, parameters));
    };
    let resolution = cx.resolve(function, qualifier)?;
    let resource = FunctionResource::new(resolution.target().clone());
    let permit = cx.authorize(TaggableResource::Function(resource), parameters)?;
    resolution.check()?;
    Ok(permit)
}

/// Why a tag operation does not find what is of another kind.
fn other_kind<A: Operation>(
    cx: &RequestCx<'_>,
    arn: &str,
    parameters: &Parameters<'_>,
) -> ApiError {
    let action = A::MODEL.authorization.map_or("", |row| row.action);
    if let Err(denied) = cx.check(action, &Elsewhere(arn), parameters) {
        return denied;
    }
    let missing = match arn.split(':').nth(5) {
        Some("capacity-provider") => NotFound::CapacityProvider(arn.into()),
        _ => return ApiError::NotServed(format!("tags on {arn}").into()),
    };
    LambdaError::from(missing).into()
}

/// A resource of a kind that this server has none of, by its ARN.
struct Elsewhere<'a>(&'a str);

impl Resource for Elsewhere<'_> {
    fn arn(&self) -> &str {
        self.0
    }

    fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

/// Splits a function's ARN from its qualifier; `None` for the ARN of anything else.
fn function_in(arn: &str) -> Option<(&str, Option<&str>)> {
    let (before, after) = arn.split_once(":function:")?;
    match after.split_once(':') {
        None => Some((arn, None)),
        Some((name, qualifier)) => {
            let end = before.len() + ":function:".len() + name.len();
            Some((arn.get(..end)?, Some(qualifier)))
        }
    }
}
