//! `DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}` → 204, whether it was there or
//! not.

use portcullis_model::lambda::{operation::DeleteLayerVersion, types::DeleteLayerVersionInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_layer_version(
    cx: &RequestCx<'_>,
    input: DeleteLayerVersionInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.layer_version::<DeleteLayerVersion>(&input.layer_name, input.version_number)?;
    cx.state.catalog.delete_layer_version(permit).await?;
    Ok(Answer::Output(()))
}
