//! `GET /2015-03-31/event-source-mappings` → 200.

use portcullis_catalog::{WholeAccount, effects::MappingFilter};
use portcullis_lambda::{MappingState, Resolution};
use portcullis_model::lambda::types::{
    ListEventSourceMappingsInput, ListEventSourceMappingsOutput,
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{event_source, marker},
};

pub(crate) async fn list_event_source_mappings(
    cx: &RequestCx<'_>,
    input: ListEventSourceMappingsInput,
) -> Result<Answer<ListEventSourceMappingsOutput>, ApiError> {
    let permit = cx.authorize(WholeAccount(cx.account()), &Parameters::default())?;
    let named = input.function_name.as_deref().map(|name| cx.resolve(name, None)).transpose()?;
    let function = named.map(Resolution::check).transpose()?;
    let filter = MappingFilter { function, event_source_arn: input.event_source_arn };
    let after = marker::decode(input.marker.as_deref())?;
    let place = (after.as_deref(), marker::mapping_entries(input.max_items));
    let (snapshot, region) = (&cx.snapshot, &cx.state.region);
    let page = snapshot.list_event_source_mappings(permit, region, &filter, place)?;
    let last = page.entries.last().filter(|_| page.more);
    let shown = page.entries.iter().map(|one| event_source::shown(one, MappingState::Disabled));
    Ok(Answer::Output(ListEventSourceMappingsOutput {
        next_marker: last.map(|mapping| marker::encode(mapping.arn().id())),
        event_source_mappings: Some(shown.collect()),
    }))
}
