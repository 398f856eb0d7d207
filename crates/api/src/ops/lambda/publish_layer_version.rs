//! `POST /2018-10-31/layers/{LayerName}/versions` → 201.

use portcullis_lambda::{LambdaError, LayerNotes};
use portcullis_model::lambda::{
    operation::PublishLayerVersion,
    types::{PublishLayerVersionInput, PublishLayerVersionOutput},
};

use super::shared;
use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{code, layer},
};

pub(crate) async fn publish_layer_version(
    cx: &RequestCx<'_>,
    input: PublishLayerVersionInput,
) -> Result<Answer<PublishLayerVersionOutput>, ApiError> {
    let permit = cx.layer::<PublishLayerVersion>(&input.layer_name)?;
    let notes = LayerNotes::try_from(&layer::notes(&input)).map_err(LambdaError::from)?;
    let content = shared::store_code(cx, code::of_layer(input.content)?).await?;
    let permit = cx.renew(permit, &Parameters::default())?;
    let catalog = &cx.state.catalog;
    let version = catalog.publish_layer_version(permit, &notes, content, cx.now()).await?;
    Ok(Answer::Output(layer::published(cx, &version)))
}
