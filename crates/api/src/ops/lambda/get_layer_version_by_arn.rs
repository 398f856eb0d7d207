//! `GET /2018-10-31/layers?find=LayerVersion` → 200, with a link to the content.

use portcullis_lambda::{LambdaError, LayerVersionArn, NotFound};
use portcullis_model::lambda::{
    operation::GetLayerVersionByArn,
    types::{GetLayerVersionByArnInput, GetLayerVersionResponse},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::layer};

pub(crate) async fn get_layer_version_by_arn(
    cx: &RequestCx<'_>,
    input: GetLayerVersionByArnInput,
) -> Result<Answer<GetLayerVersionResponse>, ApiError> {
    // A layer of AWS's own, or a number that no version has: nothing here, whoever asks.
    let arn: Result<LayerVersionArn, _> = input.arn.parse();
    let arn = arn.map_err(|_| LambdaError::from(NotFound::Resource))?;
    let permit = cx.layer_version_at::<GetLayerVersionByArn>(arn)?;
    Ok(Answer::Output(layer::whole(cx, &*cx.snapshot.get_layer_version_by_arn(permit)?)))
}
