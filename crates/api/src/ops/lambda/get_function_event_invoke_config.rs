//! `GET /2019-09-25/functions/{FunctionName}/event-invoke-config` → 200.

use portcullis_model::lambda::{
    operation::GetFunctionEventInvokeConfig,
    types::{FunctionEventInvokeConfig, GetFunctionEventInvokeConfigInput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::event_invoke,
};

pub(crate) async fn get_function_event_invoke_config(
    cx: &RequestCx<'_>,
    input: GetFunctionEventInvokeConfigInput,
) -> Result<Answer<FunctionEventInvokeConfig>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.function::<GetFunctionEventInvokeConfig>(name, qualifier, &none)?;
    let config = cx.snapshot.get_event_invoke_config(permit)?;
    Ok(Answer::Output(event_invoke::shown(&config)))
}
