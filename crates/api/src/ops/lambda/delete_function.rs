//! `DELETE /2015-03-31/functions/{FunctionName}` → 204.

use portcullis_model::lambda::{
    operation::DeleteFunction,
    types::{DeleteFunctionInput, DeleteFunctionOutput},
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_function(
    cx: &RequestCx<'_>,
    input: DeleteFunctionInput,
) -> Result<Answer<DeleteFunctionOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let permit = cx.function::<DeleteFunction>(name, qualifier, &Parameters::default())?;
    let target = permit.resource().target().clone();
    cx.state.catalog.delete_function(permit).await?;
    cx.state.execution.forget(&target);
    Ok(Answer::Output(DeleteFunctionOutput::default()))
}
