//! `DELETE /2017-10-31/functions/{FunctionName}/concurrency` → 204.

use portcullis_model::lambda::{
    operation::DeleteFunctionConcurrency, types::DeleteFunctionConcurrencyInput,
};

use super::shared::whole_function;
use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_function_concurrency(
    cx: &RequestCx<'_>,
    input: DeleteFunctionConcurrencyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = whole_function::<DeleteFunctionConcurrency>(cx, &input.function_name)?;
    cx.state.catalog.delete_function_concurrency(permit).await?;
    Ok(Answer::Output(()))
}
