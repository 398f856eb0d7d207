//! IAM `TagOpenIDConnectProvider`: adds tags to an OpenID Connect provider, or gives those
//! that are there new values.

use portcullis_model::iam::{
    operation::TagOpenIDConnectProvider, types::TagOpenIDConnectProviderInput,
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn tag_open_id_connect_provider(
    cx: &RequestCx<'_>,
    input: TagOpenIDConnectProviderInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default().tagged(iam::pairs(Some(&input.tags)));
    let permit = cx.oidc_provider::<TagOpenIDConnectProvider>(
        &input.open_id_connect_provider_arn,
        &parameters,
    )?;
    cx.state.catalog.tag_oidc_provider(permit, &iam::tags(Some(&input.tags))?).await?;
    Ok(Answer::Output(()))
}
