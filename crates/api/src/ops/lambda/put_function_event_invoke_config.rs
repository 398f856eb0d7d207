//! `PUT /2019-09-25/functions/{FunctionName}/event-invoke-config` → 200.

use portcullis_model::lambda::{
    operation::PutFunctionEventInvokeConfig,
    types::{FunctionEventInvokeConfig, PutFunctionEventInvokeConfigInput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::event_invoke,
};

pub(crate) async fn put_function_event_invoke_config(
    cx: &RequestCx<'_>,
    input: PutFunctionEventInvokeConfigInput,
) -> Result<Answer<FunctionEventInvokeConfig>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.function::<PutFunctionEventInvokeConfig>(name, qualifier, &none)?;
    let asked = event_invoke::put(input)?;
    let config = cx.state.catalog.put_event_invoke_config(permit, &asked, cx.now()).await?;
    Ok(Answer::Output(event_invoke::shown(&config)))
}
