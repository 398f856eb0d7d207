//! `PUT /2015-03-31/functions/{FunctionName}/code` → 200, `InProgress`; with `DryRun`, what stands.

use std::sync::Arc;

use portcullis_catalog::{FunctionResource, Permit};
use portcullis_lambda::{Qualifier, Target};
use portcullis_model::lambda::{
    operation::UpdateFunctionCode,
    types::{FunctionCode, FunctionConfiguration, UpdateFunctionCodeInput},
};

use super::shared;
use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{
        code,
        configuration::{self, unsupported},
    },
};

pub(crate) async fn update_function_code(
    cx: &RequestCx<'_>,
    input: UpdateFunctionCodeInput,
) -> Result<Answer<FunctionConfiguration>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<UpdateFunctionCode>(&input.function_name, None, &none)?;
    let permit = cx.created(permit, &none).await?;
    match input.dry_run {
        Some(true) => rehearse(cx, permit, input).await,
        _ => replace(cx, permit, input).await,
    }
}

/// The update.
async fn replace(
    cx: &RequestCx<'_>,
    permit: Permit<UpdateFunctionCode, FunctionResource>,
    input: UpdateFunctionCodeInput,
) -> Result<Answer<FunctionConfiguration>, ApiError> {
    let arn = permit.resource().target().function.clone();
    let publish = input.publish.unwrap_or(false);
    let architecture = configuration::of_code_update(&input)?;
    let expected = input.revision_id.clone();
    let code = shared::store_code(cx, code::of_function(given(input)?)?).await?;
    let permit = cx.renew(permit, &Parameters::default())?;
    let (state, updated, now) = (Arc::clone(cx.state), arn.clone(), cx.now());
    let update = async move {
        let (catalog, expected) = (&state.catalog, expected.as_deref());
        let effect =
            catalog.update_function_code(permit, code, architecture, publish, expected, now);
        let (function, version) = effect.await?;
        shared::settle_both(&state, &updated, version.as_ref());
        Ok((function, version))
    };
    let (function, version) = shared::whole(update).await?;
    let qualifier = version.as_ref().map(|version| Qualifier::Version(version.number));
    let target = Target { function: arn, qualifier };
    Ok(Answer::Output(shared::updated(cx, &target, &function, version.as_ref())))
}

/// `DryRun`: every check of the update, and `$LATEST` with the code that it would have. Neither the
/// function nor the code is kept, and no version is published, so none is shown.
async fn rehearse(
    cx: &RequestCx<'_>,
    permit: Permit<UpdateFunctionCode, FunctionResource>,
    input: UpdateFunctionCodeInput,
) -> Result<Answer<FunctionConfiguration>, ApiError> {
    let target = Target::unqualified(permit.resource().target().function.clone());
    let architecture = configuration::of_code_update(&input)?;
    let expected = input.revision_id.clone();
    let (code, _) = shared::check_code(cx, code::of_function(given(input)?)?).await?;
    let permit = cx.renew(permit, &Parameters::default())?;
    let newest = cx.state.catalog.load();
    let function =
        newest.rehearse_function_code(permit, code, architecture, expected.as_deref())?;
    Ok(Answer::Output(shared::updated(cx, &target, &function, None)))
}

/// The members that say what the code is.
fn given(input: UpdateFunctionCodeInput) -> Result<FunctionCode, ApiError> {
    unsupported(&[(input.publish_to.is_some(), "PublishTo")])?;
    Ok(FunctionCode {
        zip_file: input.zip_file,
        s3_bucket: input.s3_bucket,
        s3_key: input.s3_key,
        s3_object_version: input.s3_object_version,
        s3_object_storage_mode: input.s3_object_storage_mode,
        image_uri: input.image_uri,
        source_kms_key_arn: input.source_kms_key_arn,
    })
}
