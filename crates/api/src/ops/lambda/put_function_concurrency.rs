//! `PUT /2017-10-31/functions/{FunctionName}/concurrency` → 200.

use portcullis_lambda::{LambdaError, ReservedConcurrency};
use portcullis_model::lambda::{
    operation::PutFunctionConcurrency,
    types::{Concurrency, PutFunctionConcurrencyInput},
};

use super::shared::whole_function;
use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn put_function_concurrency(
    cx: &RequestCx<'_>,
    input: PutFunctionConcurrencyInput,
) -> Result<Answer<Concurrency>, ApiError> {
    let permit = whole_function::<PutFunctionConcurrency>(cx, &input.function_name)?;
    let calls = input.reserved_concurrent_executions;
    let asked = ReservedConcurrency::new(calls.into()).map_err(LambdaError::from)?;
    let limit = cx.state.execution.concurrency.limit();
    cx.state.catalog.put_function_concurrency(permit, asked, limit).await?;
    Ok(Answer::Output(Concurrency { reserved_concurrent_executions: Some(calls) }))
}
