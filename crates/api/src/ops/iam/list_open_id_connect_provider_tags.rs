//! IAM `ListOpenIDConnectProviderTags`: the tags of an OpenID Connect provider, by key.

use portcullis_model::iam::{
    operation::ListOpenIDConnectProviderTags,
    types::{ListOpenIDConnectProviderTagsInput, ListOpenIDConnectProviderTagsOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_open_id_connect_provider_tags(
    cx: &RequestCx<'_>,
    input: ListOpenIDConnectProviderTagsInput,
) -> Result<Answer<ListOpenIDConnectProviderTagsOutput>, ApiError> {
    let (arn, none) = (&input.open_id_connect_provider_arn, Parameters::default());
    let permit = cx.oidc_provider::<ListOpenIDConnectProviderTags>(arn, &none)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_oidc_provider_tags(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListOpenIDConnectProviderTagsOutput {
        tags: page.entries.iter().map(iam::tag).collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |tag| tag.key().to_owned()),
    }))
}
