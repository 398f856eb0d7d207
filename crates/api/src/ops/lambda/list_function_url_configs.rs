//! `GET /2021-10-31/functions/{FunctionName}/urls` → 200.

use portcullis_lambda::AliasName;
use portcullis_model::lambda::{
    operation::ListFunctionUrlConfigs,
    types::{ListFunctionUrlConfigsInput, ListFunctionUrlConfigsOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{marker, url},
};

/// The function's own URL as a place in the list: before every alias.
const FIRST: &str = "$LATEST";

pub(crate) async fn list_function_url_configs(
    cx: &RequestCx<'_>,
    input: ListFunctionUrlConfigsInput,
) -> Result<Answer<ListFunctionUrlConfigsOutput>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<ListFunctionUrlConfigs>(&input.function_name, None, &none)?;
    let after = marker::decode(input.marker.as_deref())?;
    let limit = marker::page_entries(input.max_items);
    let page = cx.snapshot.list_urls(permit, after.as_deref(), limit)?;
    let last = page.entries.last().filter(|_| page.more);
    let place = |alias: Option<&AliasName>| alias.map_or(FIRST, AliasName::as_str).to_owned();
    Ok(Answer::Output(ListFunctionUrlConfigsOutput {
        next_marker: last.map(|url| marker::encode(&place(url.alias()))),
        function_url_configs: page.entries.iter().map(|entry| url::listed(cx, entry)).collect(),
    }))
}
