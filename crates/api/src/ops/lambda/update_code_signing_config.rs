//! `PUT /2020-04-22/code-signing-configs/{CodeSigningConfigArn}` → 200.

use portcullis_model::lambda::types::{
    UpdateCodeSigningConfigInput, UpdateCodeSigningConfigOutput,
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::code_signing,
};

pub(crate) async fn update_code_signing_config(
    cx: &RequestCx<'_>,
    input: UpdateCodeSigningConfigInput,
) -> Result<Answer<UpdateCodeSigningConfigOutput>, ApiError> {
    let resource = shared::code_signing_config(&input.code_signing_config_arn)?;
    let permit = cx.authorize(resource, &Parameters::default())?;
    let asked = code_signing::update(input);
    let config = cx.state.catalog.update_code_signing_config(permit, &asked, cx.now()).await?;
    Ok(Answer::Output(UpdateCodeSigningConfigOutput {
        code_signing_config: code_signing::shown(&config),
    }))
}
