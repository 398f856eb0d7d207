//! IAM `RemoveClientIDFromOpenIDConnectProvider`: an audience less of an OpenID Connect provider.

use portcullis_model::iam::{
    operation::RemoveClientIDFromOpenIDConnectProvider,
    types::RemoveClientIDFromOpenIDConnectProviderInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn remove_client_id_from_open_id_connect_provider(
    cx: &RequestCx<'_>,
    input: RemoveClientIDFromOpenIDConnectProviderInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default();
    let permit = cx.oidc_provider::<RemoveClientIDFromOpenIDConnectProvider>(
        &input.open_id_connect_provider_arn,
        &parameters,
    )?;
    cx.state.catalog.remove_client_id(permit, &input.client_id).await?;
    Ok(Answer::Output(()))
}
