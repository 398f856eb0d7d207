//! `GET /2020-06-30/functions/{FunctionName}/code-signing-config` → 200, empty where it has none.

use portcullis_model::lambda::types::{
    GetFunctionCodeSigningConfigInput, GetFunctionCodeSigningConfigOutput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_function_code_signing_config(
    cx: &RequestCx<'_>,
    input: GetFunctionCodeSigningConfigInput,
) -> Result<Answer<GetFunctionCodeSigningConfigOutput>, ApiError> {
    let permit = cx.function(&input.function_name, None, &Parameters::default())?;
    let (function, config) = cx.snapshot.get_function_code_signing_config(permit)?.unzip();
    Ok(Answer::Output(GetFunctionCodeSigningConfigOutput {
        code_signing_config_arn: config.map(|config| config.to_string()),
        function_name: function.map(|function| function.name().to_owned()),
    }))
}
