//! `GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy` → 200.

use portcullis_model::lambda::{
    operation::GetLayerVersionPolicy,
    types::{GetLayerVersionPolicyInput, GetLayerVersionPolicyOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn get_layer_version_policy(
    cx: &RequestCx<'_>,
    input: GetLayerVersionPolicyInput,
) -> Result<Answer<GetLayerVersionPolicyOutput>, ApiError> {
    let (name, number) = (&input.layer_name, input.version_number);
    let permit = cx.layer_version::<GetLayerVersionPolicy>(name, number)?;
    let policy = cx.snapshot.get_layer_version_policy(permit)?;
    Ok(Answer::Output(GetLayerVersionPolicyOutput {
        policy: Some(policy.stored.to_json()),
        revision_id: Some(policy.stored.revision().to_string()),
    }))
}
