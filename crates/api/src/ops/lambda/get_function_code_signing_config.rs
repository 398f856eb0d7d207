//! `GET /2020-06-30/functions/{FunctionName}/code-signing-config` → 200, empty: none can be put.

use portcullis_model::lambda::{
    operation::GetFunctionCodeSigningConfig,
    types::{GetFunctionCodeSigningConfigInput, GetFunctionCodeSigningConfigOutput},
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_function_code_signing_config(
    cx: &RequestCx<'_>,
    input: GetFunctionCodeSigningConfigInput,
) -> Result<Answer<GetFunctionCodeSigningConfigOutput>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<GetFunctionCodeSigningConfig>(&input.function_name, None, &none)?;
    cx.snapshot.get_function_code_signing_config(permit)?;
    Ok(Answer::Output(GetFunctionCodeSigningConfigOutput::default()))
}
