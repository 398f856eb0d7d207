//! `PUT /2020-06-30/functions/{FunctionName}/code-signing-config` → 200.

use portcullis_model::lambda::types::{
    PutFunctionCodeSigningConfigInput, PutFunctionCodeSigningConfigOutput,
};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn put_function_code_signing_config(
    cx: &RequestCx<'_>,
    input: PutFunctionCodeSigningConfigInput,
) -> Result<Answer<PutFunctionCodeSigningConfigOutput>, ApiError> {
    let config = &input.code_signing_config_arn;
    let parameters =
        Parameters::default().with("lambda:codesigningconfigarn", Some(config.as_str()));
    let permit = cx.function(&input.function_name, None, &parameters)?;
    let config = cx.authorize(shared::code_signing_config(config)?, &parameters)?;
    let (function, config) =
        cx.state.catalog.put_function_code_signing_config(permit, config).await?;
    Ok(Answer::Output(PutFunctionCodeSigningConfigOutput {
        code_signing_config_arn: config.to_string(),
        function_name: function.name().to_owned(),
    }))
}
