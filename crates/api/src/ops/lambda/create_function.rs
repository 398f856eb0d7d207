//! `POST /2015-03-31/functions` → 201, `Pending`; the code is made ready after the answer.

use std::sync::Arc;

use portcullis_catalog::{FunctionResource, Permit, effects::NewFunction};
use portcullis_lambda::{CodeSigningConfigArn, FunctionArn, LambdaError, Tags, Target};
use portcullis_model::lambda::{
    operation::CreateFunction,
    types::{CreateFunctionInput, FunctionConfiguration},
};

use super::shared;
use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{code, configuration},
};

pub(crate) async fn create_function(
    cx: &RequestCx<'_>,
    input: CreateFunctionInput,
) -> Result<Answer<FunctionConfiguration>, ApiError> {
    let (permit, arn) = permit(cx, &input)?;
    let layers = shared::layers(cx, input.layers.as_deref())?;
    let configuration = configuration::of_create(&input)?;
    let tags = Tags::new(input.tags.unwrap_or_default())?;
    let code = shared::store_code(cx, code::of_function(input.code)?).await?;
    let signing = code_signing(&input.code_signing_config_arn)?;
    let again = Parameters::default().creating(tags.iter()).layered(input.layers.as_deref());
    let permit = cx.renew(permit, &signed_by(again, signing.as_ref()))?;
    let publish = input.publish.unwrap_or(false);
    let new = NewFunction { configuration, code, layers, tags, code_signing: signing, publish };
    let target = Target::unqualified(arn.clone()); // Also when version 1 is what it describes.
    let (state, now) = (Arc::clone(cx.state), cx.now());
    let creation = async move {
        let (created, version) = state.catalog.create_function(permit, new, now).await?;
        shared::settle_both(&state, &arn, version.as_ref());
        Ok((created, version))
    };
    let (created, version) = shared::whole(creation).await?;
    Ok(Answer::Output(shared::updated(cx, &target, &created, version.as_ref())))
}

/// The name's own rules, which look nothing up and answer another account's name without a reason
/// (`[snap] aws-lambda.md §9.3`); then the permission to create, to tag, and to pass the role.
fn permit(
    cx: &RequestCx<'_>,
    input: &CreateFunctionInput,
) -> Result<(Permit<CreateFunction, FunctionResource>, FunctionArn), ApiError> {
    let arn = cx.resolve(&input.function_name, None)?.check_creation()?;
    let resource = FunctionResource::new(Target::unqualified(arn.clone()));
    let tagged = Parameters::default().creating(input.tags.iter().flat_map(shared::pairs));
    let signing = code_signing(&input.code_signing_config_arn)?;
    let parameters = signed_by(tagged, signing.as_ref()).layered(input.layers.as_deref());
    if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        cx.check("lambda:TagResource", &resource, &parameters)?;
    }
    let permit = cx.authorize(resource, &parameters)?;
    shared::check_pass_role(cx, &input.role)?;
    Ok((permit, arn))
}

/// The code-signing configuration asked for; an empty text means none, as Terraform sends it.
fn code_signing(arn: &Option<String>) -> Result<Option<CodeSigningConfigArn>, LambdaError> {
    let arn = arn.as_deref().filter(|arn| !arn.is_empty());
    Ok(arn.map(str::parse).transpose()?)
}

/// The parameters, and the condition key of the code-signing configuration.
fn signed_by<'a>(
    parameters: Parameters<'a>,
    config: Option<&'a CodeSigningConfigArn>,
) -> Parameters<'a> {
    parameters.with("lambda:codesigningconfigarn", config.map(CodeSigningConfigArn::as_str))
}
