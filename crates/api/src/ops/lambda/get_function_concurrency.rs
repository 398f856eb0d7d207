//! `GET /2019-09-30/functions/{FunctionName}/concurrency` → 200; `{}` where nothing is reserved.

use portcullis_model::lambda::{
    operation::GetFunctionConcurrency,
    types::{GetFunctionConcurrencyInput, GetFunctionConcurrencyOutput},
};

use super::shared::{calls, whole_function};
use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn get_function_concurrency(
    cx: &RequestCx<'_>,
    input: GetFunctionConcurrencyInput,
) -> Result<Answer<GetFunctionConcurrencyOutput>, ApiError> {
    let permit = whole_function::<GetFunctionConcurrency>(cx, &input.function_name)?;
    let reserved = cx.snapshot.get_function_concurrency(permit)?;
    let reserved_concurrent_executions = reserved.map(calls);
    Ok(Answer::Output(GetFunctionConcurrencyOutput { reserved_concurrent_executions }))
}
