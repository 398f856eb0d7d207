//! `DELETE /2019-09-25/functions/{FunctionName}/event-invoke-config` → 204.

use portcullis_model::lambda::{
    operation::DeleteFunctionEventInvokeConfig, types::DeleteFunctionEventInvokeConfigInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_function_event_invoke_config(
    cx: &RequestCx<'_>,
    input: DeleteFunctionEventInvokeConfigInput,
) -> Result<Answer<()>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.function::<DeleteFunctionEventInvokeConfig>(name, qualifier, &none)?;
    cx.state.catalog.delete_event_invoke_config(permit).await?;
    Ok(Answer::Output(()))
}
