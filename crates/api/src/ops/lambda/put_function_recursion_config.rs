//! `PUT /2024-08-31/functions/{FunctionName}/recursion-config` → 200.

use portcullis_lambda::{LambdaError, RecursiveLoop};
use portcullis_model::lambda::{
    operation::PutFunctionRecursionConfig,
    types::{PutFunctionRecursionConfigInput, PutFunctionRecursionConfigOutput},
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn put_function_recursion_config(
    cx: &RequestCx<'_>,
    input: PutFunctionRecursionConfigInput,
) -> Result<Answer<PutFunctionRecursionConfigOutput>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<PutFunctionRecursionConfig>(&input.function_name, None, &none)?;
    let asked: RecursiveLoop = input.recursive_loop.as_str().parse().map_err(LambdaError::from)?;
    cx.state.catalog.put_function_recursion_config(permit, asked).await?;
    Ok(Answer::Output(PutFunctionRecursionConfigOutput {
        recursive_loop: Some(input.recursive_loop),
    }))
}
