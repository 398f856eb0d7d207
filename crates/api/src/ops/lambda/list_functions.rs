//! `GET /2015-03-31/functions` → 200.

use portcullis_catalog::WholeAccount;
use portcullis_model::lambda::{
    operation::ListFunctions,
    types::{ListFunctionsInput, ListFunctionsOutput},
};

use super::shared;
use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{configuration::unsupported, marker},
};

pub(crate) async fn list_functions(
    cx: &RequestCx<'_>,
    input: ListFunctionsInput,
) -> Result<Answer<ListFunctionsOutput>, ApiError> {
    let permit =
        cx.authorize::<ListFunctions, _>(WholeAccount(cx.account()), &Parameters::default())?;
    unsupported(&[(input.master_region.is_some(), "MasterRegion")])?;
    let after = marker::decode(input.marker.as_deref())?;
    let all_versions = input.function_version.is_some();
    let limit = marker::page_entries(input.max_items);
    let page =
        cx.snapshot.list_functions(permit, &cx.state.region, all_versions, after.as_deref(), limit);
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListFunctionsOutput {
        next_marker: last.map(|entry| marker::encode(&entry.place())),
        functions: Some(page.entries.iter().map(|entry| shared::listed(cx, entry)).collect()),
    }))
}
