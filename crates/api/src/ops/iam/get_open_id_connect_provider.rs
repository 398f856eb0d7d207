//! IAM `GetOpenIDConnectProvider`: an issuer whose tokens are believed, and for whom they have to be.

use portcullis_identity::OidcProvider;
use portcullis_model::{
    Timestamp,
    iam::{
        operation::GetOpenIDConnectProvider,
        types::{GetOpenIDConnectProviderInput, GetOpenIDConnectProviderOutput},
    },
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn get_open_id_connect_provider(
    cx: &RequestCx<'_>,
    input: GetOpenIDConnectProviderInput,
) -> Result<Answer<GetOpenIDConnectProviderOutput>, ApiError> {
    let (arn, none) = (&input.open_id_connect_provider_arn, Parameters::default());
    let permit = cx.oidc_provider::<GetOpenIDConnectProvider>(arn, &none)?;
    let found = cx.snapshot.get_oidc_provider(permit)?;
    let found: &OidcProvider = &found;
    let thumbprints = found.thumbprints.iter().map(|hash| hash.as_str().to_owned());
    Ok(Answer::Output(GetOpenIDConnectProviderOutput {
        url: Some(found.issuer.to_string()),
        client_id_list: Some(found.client_ids.iter().map(|id| id.to_string()).collect()),
        thumbprint_list: Some(thumbprints.collect()),
        create_date: Some(Timestamp(found.created)),
        tags: iam::shown_tags(&found.tags),
        ..GetOpenIDConnectProviderOutput::default()
    }))
}
