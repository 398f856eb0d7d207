//! `GET /2019-09-25/functions/{FunctionName}/event-invoke-config/list` → 200.

use portcullis_model::lambda::{
    operation::ListFunctionEventInvokeConfigs,
    types::{ListFunctionEventInvokeConfigsInput, ListFunctionEventInvokeConfigsOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{event_invoke, marker},
};

pub(crate) async fn list_function_event_invoke_configs(
    cx: &RequestCx<'_>,
    input: ListFunctionEventInvokeConfigsInput,
) -> Result<Answer<ListFunctionEventInvokeConfigsOutput>, ApiError> {
    let none = Parameters::default();
    let name = &input.function_name;
    let permit = cx.function::<ListFunctionEventInvokeConfigs>(name, None, &none)?;
    let after = marker::decode(input.marker.as_deref())?;
    let limit = marker::page_entries(input.max_items);
    let page = cx.snapshot.list_event_invoke_configs(permit, after.as_deref(), limit)?;
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListFunctionEventInvokeConfigsOutput {
        next_marker: last.map(|config| marker::encode(&config.qualifier.to_string())),
        function_event_invoke_configs: Some(
            page.entries.iter().map(|config| event_invoke::shown(config)).collect(),
        ),
    }))
}
