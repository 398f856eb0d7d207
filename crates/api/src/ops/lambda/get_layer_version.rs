//! `GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}` → 200, with a link to the content.

use portcullis_model::lambda::{
    operation::GetLayerVersion,
    types::{GetLayerVersionInput, GetLayerVersionResponse},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::layer};

pub(crate) async fn get_layer_version(
    cx: &RequestCx<'_>,
    input: GetLayerVersionInput,
) -> Result<Answer<GetLayerVersionResponse>, ApiError> {
    let permit = cx.layer_version::<GetLayerVersion>(&input.layer_name, input.version_number)?;
    Ok(Answer::Output(layer::whole(cx, &*cx.snapshot.get_layer_version(permit)?)))
}
