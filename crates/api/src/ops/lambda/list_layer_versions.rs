//! `GET /2018-10-31/layers/{LayerName}/versions` → 200, newest first; empty for an unknown layer.

use portcullis_lambda::LambdaError;
use portcullis_model::lambda::{
    operation::ListLayerVersions,
    types::{ListLayerVersionsInput, ListLayerVersionsOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::{layer, marker},
};

pub(crate) async fn list_layer_versions(
    cx: &RequestCx<'_>,
    input: ListLayerVersionsInput,
) -> Result<Answer<ListLayerVersionsOutput>, ApiError> {
    let permit = cx.layer::<ListLayerVersions>(&input.layer_name)?;
    let filter = layer::filter(input.compatible_runtime, input.compatible_architecture)?;
    let before = marker::decode(input.marker.as_deref())?.map(|number| number.parse()).transpose();
    let before = before.map_err(LambdaError::from)?;
    let limit = marker::page_entries(input.max_items);
    let page = cx.snapshot.list_layer_versions(permit, &filter, before, limit);
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListLayerVersionsOutput {
        next_marker: last.map(|oldest| marker::encode(&oldest.arn.number().to_string())),
        layer_versions: Some(page.entries.iter().map(|version| layer::listed(version)).collect()),
    }))
}
