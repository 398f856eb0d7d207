//! IAM `DeleteOpenIDConnectProvider`: an issuer that is believed no more; one that is none is fine.

use portcullis_model::iam::{
    operation::DeleteOpenIDConnectProvider, types::DeleteOpenIDConnectProviderInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_open_id_connect_provider(
    cx: &RequestCx<'_>,
    input: DeleteOpenIDConnectProviderInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default();
    let permit = cx.oidc_provider::<DeleteOpenIDConnectProvider>(
        &input.open_id_connect_provider_arn,
        &parameters,
    )?;
    cx.state.catalog.delete_oidc_provider(permit).await?;
    Ok(Answer::Output(()))
}
