//! `DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}` → 204.

use portcullis_model::lambda::{
    operation::RemoveLayerVersionPermission, types::RemoveLayerVersionPermissionInput,
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn remove_layer_version_permission(
    cx: &RequestCx<'_>,
    input: RemoveLayerVersionPermissionInput,
) -> Result<Answer<()>, ApiError> {
    let (name, number) = (&input.layer_name, input.version_number);
    let permit = cx.layer_version::<RemoveLayerVersionPermission>(name, number)?;
    let (sid, expected) = (&input.statement_id, input.revision_id.as_deref());
    cx.state.catalog.remove_layer_version_permission(permit, sid, expected).await?;
    Ok(Answer::Output(()))
}
