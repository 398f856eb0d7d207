//! `GET /2018-10-31/layers` → 200.

use portcullis_model::lambda::{
    operation::ListLayers,
    types::{ListLayersInput, ListLayersOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::{layer, marker},
};

pub(crate) async fn list_layers(
    cx: &RequestCx<'_>,
    input: ListLayersInput,
) -> Result<Answer<ListLayersOutput>, ApiError> {
    let permit = cx.whole_account::<ListLayers>()?;
    let filter = layer::filter(input.compatible_runtime, input.compatible_architecture)?;
    let after = marker::decode(input.marker.as_deref())?;
    let limit = marker::page_entries(input.max_items);
    let region = &cx.state.region;
    let page = cx.snapshot.list_layers(permit, region, &filter, after.as_deref(), limit);
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListLayersOutput {
        next_marker: last.map(|newest| marker::encode(newest.arn.layer().name().as_str())),
        layers: Some(page.entries.iter().map(|newest| layer::listed_layer(newest)).collect()),
    }))
}
