//! `GET /2015-03-31/functions/{FunctionName}/aliases` → 200.

use portcullis_lambda::Qualifier;
use portcullis_model::lambda::{
    operation::ListAliases,
    types::{ListAliasesInput, ListAliasesOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{alias, marker},
};

pub(crate) async fn list_aliases(
    cx: &RequestCx<'_>,
    input: ListAliasesInput,
) -> Result<Answer<ListAliasesOutput>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<ListAliases>(&input.function_name, None, &none)?;
    let after = marker::decode(input.marker.as_deref())?;
    let version = input.function_version.as_deref().map(Qualifier::parse);
    let limit = marker::page_entries(input.max_items);
    let page = cx.snapshot.list_aliases(permit, version.as_ref(), after.as_deref(), limit)?;
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListAliasesOutput {
        next_marker: last.map(|alias| marker::encode(alias.name().as_str())),
        aliases: Some(page.entries.iter().map(|entry| alias::output(entry)).collect()),
    }))
}
