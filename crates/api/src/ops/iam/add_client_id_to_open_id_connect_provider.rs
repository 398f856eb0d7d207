//! IAM `AddClientIDToOpenIDConnectProvider`: one more audience whose tokens an OpenID Connect
//! provider takes.

use portcullis_model::iam::{
    operation::AddClientIDToOpenIDConnectProvider, types::AddClientIDToOpenIDConnectProviderInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn add_client_id_to_open_id_connect_provider(
    cx: &RequestCx<'_>,
    input: AddClientIDToOpenIDConnectProviderInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default();
    let permit = cx.oidc_provider::<AddClientIDToOpenIDConnectProvider>(
        &input.open_id_connect_provider_arn,
        &parameters,
    )?;
    cx.state.catalog.add_client_id(permit, &input.client_id).await?;
    Ok(Answer::Output(()))
}
