//! IAM `ListOpenIDConnectProviders`: the issuers whose tokens the caller's account believes.

use portcullis_model::iam::{
    operation::ListOpenIDConnectProviders,
    types::{
        ListOpenIDConnectProvidersInput, ListOpenIDConnectProvidersOutput,
        OpenIDConnectProviderListEntry,
    },
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn list_open_id_connect_providers(
    cx: &RequestCx<'_>,
    _input: ListOpenIDConnectProvidersInput,
) -> Result<Answer<ListOpenIDConnectProvidersOutput>, ApiError> {
    let permit = cx.whole_account::<ListOpenIDConnectProviders>()?;
    let (partition, account) = (cx.state.partition, cx.account());
    let arns =
        cx.snapshot.list_oidc_providers(permit).map(|one| one.issuer.arn(partition, account));
    let entry = |arn| OpenIDConnectProviderListEntry {
        arn: Some(arn),
        ..OpenIDConnectProviderListEntry::default()
    };
    Ok(Answer::Output(ListOpenIDConnectProvidersOutput {
        open_id_connect_provider_list: Some(arns.map(entry).collect()),
    }))
}
