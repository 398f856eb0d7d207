//! `GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}` → 200.

use portcullis_model::lambda::types::{GetCodeSigningConfigInput, GetCodeSigningConfigOutput};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::code_signing,
};

pub(crate) async fn get_code_signing_config(
    cx: &RequestCx<'_>,
    input: GetCodeSigningConfigInput,
) -> Result<Answer<GetCodeSigningConfigOutput>, ApiError> {
    let resource = shared::code_signing_config(&input.code_signing_config_arn)?;
    let permit = cx.authorize(resource, &Parameters::default())?;
    let config = cx.snapshot.get_code_signing_config(permit)?;
    Ok(Answer::Output(GetCodeSigningConfigOutput {
        code_signing_config: code_signing::shown(&config),
    }))
}
