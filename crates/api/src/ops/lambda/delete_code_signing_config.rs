//! `DELETE /2020-04-22/code-signing-configs/{CodeSigningConfigArn}` → 204.

use portcullis_model::lambda::types::{
    DeleteCodeSigningConfigInput, DeleteCodeSigningConfigOutput,
};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_code_signing_config(
    cx: &RequestCx<'_>,
    input: DeleteCodeSigningConfigInput,
) -> Result<Answer<DeleteCodeSigningConfigOutput>, ApiError> {
    let resource = shared::code_signing_config(&input.code_signing_config_arn)?;
    let permit = cx.authorize(resource, &Parameters::default())?;
    cx.state.catalog.delete_code_signing_config(permit).await?;
    Ok(Answer::Output(DeleteCodeSigningConfigOutput {}))
}
