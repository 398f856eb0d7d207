//! `POST /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy` → 201.

use portcullis_lambda::{LambdaError, LayerGrant, LayerGrantInput};
use portcullis_model::lambda::{
    operation::AddLayerVersionPermission,
    types::{AddLayerVersionPermissionInput, AddLayerVersionPermissionOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn add_layer_version_permission(
    cx: &RequestCx<'_>,
    input: AddLayerVersionPermissionInput,
) -> Result<Answer<AddLayerVersionPermissionOutput>, ApiError> {
    let (name, number) = (&input.layer_name, input.version_number);
    let permit = cx.layer_version::<AddLayerVersionPermission>(name, number)?;
    let grant = LayerGrant::try_from(LayerGrantInput {
        statement_id: input.statement_id,
        principal: input.principal,
        organization_id: input.organization_id,
    });
    let (grant, expected) = (grant.map_err(LambdaError::from)?, input.revision_id.as_deref());
    let effect = cx.state.catalog.add_layer_version_permission(permit, &grant, expected);
    let (statement, revision) = effect.await?;
    Ok(Answer::Output(AddLayerVersionPermissionOutput {
        statement: Some(statement.json().to_owned()),
        revision_id: Some(revision.to_string()),
    }))
}
