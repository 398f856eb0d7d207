//! `GET /2015-03-31/functions/{FunctionName}/versions` → 200: `$LATEST`, then ascending.

use portcullis_model::lambda::{
    operation::ListVersionsByFunction,
    types::{ListVersionsByFunctionInput, ListVersionsByFunctionOutput},
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::marker,
};

pub(crate) async fn list_versions_by_function(
    cx: &RequestCx<'_>,
    input: ListVersionsByFunctionInput,
) -> Result<Answer<ListVersionsByFunctionOutput>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<ListVersionsByFunction>(&input.function_name, None, &none)?;
    let after = marker::decode(input.marker.as_deref())?;
    let limit = marker::page_entries(input.max_items);
    let page = cx.snapshot.list_versions(permit, after.as_deref(), limit)?;
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListVersionsByFunctionOutput {
        next_marker: last.map(|entry| marker::encode(&entry.version().to_string())),
        versions: Some(page.entries.iter().map(|entry| shared::listed(cx, entry)).collect()),
    }))
}
