//! IAM `CreateOpenIDConnectProvider`: an issuer whose tokens the caller's account believes.

use portcullis_catalog::{OidcProviderResource, Permit};
use portcullis_identity::{IdentityError, IssuerName, OidcProvider};
use portcullis_model::iam::{
    operation::CreateOpenIDConnectProvider,
    types::{CreateOpenIDConnectProviderInput, CreateOpenIDConnectProviderOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn create_open_id_connect_provider(
    cx: &RequestCx<'_>,
    input: CreateOpenIDConnectProviderInput,
) -> Result<Answer<CreateOpenIDConnectProviderOutput>, ApiError> {
    let issuer = IssuerName::of_url(&input.url).map_err(IdentityError::from)?;
    let permit = permit(cx, &issuer, input.tags.as_deref())?;
    iam::unsupported(&[
        (input.context_provider.is_some(), "ContextProvider"),
        (input.identity_center_instance_arn.is_some(), "IdentityCenterInstanceArn"),
    ])?;
    let arn = issuer.arn(cx.state.partition, cx.account());
    let new = provider(cx, issuer, input)?;
    cx.state.catalog.create_oidc_provider(permit, &new).await?;
    Ok(Answer::Output(CreateOpenIDConnectProviderOutput {
        open_id_connect_provider_arn: Some(arn),
        tags: iam::shown_tags(&new.tags),
    }))
}

/// The provider that is asked for.
fn provider(
    cx: &RequestCx<'_>,
    issuer: IssuerName,
    input: CreateOpenIDConnectProviderInput,
) -> Result<OidcProvider, ApiError> {
    Ok(OidcProvider {
        account: cx.account(),
        issuer,
        client_ids: input.client_id_list.into_iter().flatten().map(Into::into).collect(),
        thumbprints: iam::thumbprints(input.thumbprint_list.as_deref().unwrap_or_default())?,
        created: cx.now(),
        tags: iam::tags(input.tags.as_deref())?,
    })
}

/// The permission to create, and to tag if there are tags.
fn permit(
    cx: &RequestCx<'_>,
    issuer: &IssuerName,
    tags: Option<&[portcullis_model::iam::types::Tag]>,
) -> Result<Permit<CreateOpenIDConnectProvider, OidcProviderResource>, ApiError> {
    let resource = OidcProviderResource::new(cx.state.partition, cx.account(), issuer.clone());
    let parameters = Parameters::default().creating(iam::pairs(tags));
    let permit = cx.authorize(resource, &parameters)?;
    if !parameters.tags.is_empty() {
        cx.check("iam:TagOpenIDConnectProvider", permit.resource(), &parameters)?;
    }
    Ok(permit)
}
