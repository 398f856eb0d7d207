//! `GET /2024-08-31/functions/{FunctionName}/recursion-config` → 200.

use portcullis_lambda as domain;
use portcullis_model::lambda::{
    operation::GetFunctionRecursionConfig,
    types::{GetFunctionRecursionConfigInput, GetFunctionRecursionConfigOutput, RecursiveLoop},
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_function_recursion_config(
    cx: &RequestCx<'_>,
    input: GetFunctionRecursionConfigInput,
) -> Result<Answer<GetFunctionRecursionConfigOutput>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<GetFunctionRecursionConfig>(&input.function_name, None, &none)?;
    let shown = match cx.snapshot.get_function_recursion_config(permit)? {
        domain::RecursiveLoop::Allow => RecursiveLoop::Allow,
        domain::RecursiveLoop::Terminate => RecursiveLoop::Terminate,
    };
    Ok(Answer::Output(GetFunctionRecursionConfigOutput { recursive_loop: Some(shown) }))
}
