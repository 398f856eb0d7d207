//! `DELETE /2020-06-30/functions/{FunctionName}/code-signing-config` → 204.

use portcullis_model::lambda::types::DeleteFunctionCodeSigningConfigInput;

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_function_code_signing_config(
    cx: &RequestCx<'_>,
    input: DeleteFunctionCodeSigningConfigInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.function(&input.function_name, None, &Parameters::default())?;
    cx.state.catalog.delete_function_code_signing_config(permit).await?;
    Ok(Answer::Output(()))
}
