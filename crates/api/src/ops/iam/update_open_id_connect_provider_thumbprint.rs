//! IAM `UpdateOpenIDConnectProviderThumbprint`: other thumbprints for an OpenID Connect
//! provider.

use portcullis_model::iam::{
    operation::UpdateOpenIDConnectProviderThumbprint,
    types::UpdateOpenIDConnectProviderThumbprintInput,
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn update_open_id_connect_provider_thumbprint(
    cx: &RequestCx<'_>,
    input: UpdateOpenIDConnectProviderThumbprintInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default();
    let permit = cx.oidc_provider::<UpdateOpenIDConnectProviderThumbprint>(
        &input.open_id_connect_provider_arn,
        &parameters,
    )?;
    let thumbprints = iam::thumbprints(&input.thumbprint_list)?;
    cx.state.catalog.update_thumbprints(permit, &thumbprints).await?;
    Ok(Answer::Output(()))
}
