//! IAM `UntagOpenIDConnectProvider`: removes tags from an OpenID Connect provider, by key.

use portcullis_model::iam::{
    operation::UntagOpenIDConnectProvider, types::UntagOpenIDConnectProviderInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn untag_open_id_connect_provider(
    cx: &RequestCx<'_>,
    input: UntagOpenIDConnectProviderInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters { removed_tags: &input.tag_keys, ..Parameters::default() };
    let permit = cx.oidc_provider::<UntagOpenIDConnectProvider>(
        &input.open_id_connect_provider_arn,
        &parameters,
    )?;
    cx.state.catalog.untag_oidc_provider(permit, &input.tag_keys).await?;
    Ok(Answer::Output(()))
}
