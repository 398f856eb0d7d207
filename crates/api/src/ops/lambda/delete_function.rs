//! `DELETE /2015-03-31/functions/{FunctionName}` → 204.

use std::sync::Arc;

use portcullis_model::lambda::{
    operation::DeleteFunction,
    types::{DeleteFunctionInput, DeleteFunctionOutput},
};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_function(
    cx: &RequestCx<'_>,
    input: DeleteFunctionInput,
) -> Result<Answer<DeleteFunctionOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let permit = cx.function::<DeleteFunction>(name, qualifier, &Parameters::default())?;
    let (state, target) = (Arc::clone(cx.state), permit.resource().target().clone());
    let deletion = async move {
        state.catalog.delete_function(permit).await?;
        state.execution.forget(&target);
        Ok(())
    };
    shared::whole(deletion).await?;
    Ok(Answer::Output(DeleteFunctionOutput::default()))
}
