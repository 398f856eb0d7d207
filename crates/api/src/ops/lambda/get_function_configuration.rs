//! `GET /2015-03-31/functions/{FunctionName}/configuration` → 200.

use portcullis_model::lambda::{
    operation::GetFunctionConfiguration,
    types::{FunctionConfiguration, GetFunctionConfigurationInput},
};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_function_configuration(
    cx: &RequestCx<'_>,
    input: GetFunctionConfigurationInput,
) -> Result<Answer<FunctionConfiguration>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.function::<GetFunctionConfiguration>(name, qualifier, &none)?;
    let resolved = cx.snapshot.get_function_configuration(permit)?;
    Ok(Answer::Output(shared::resolved(cx, &resolved)))
}
