//! IAM `ListPolicyTags`: the tags of a managed policy, by key.

use portcullis_model::iam::{
    operation::ListPolicyTags,
    types::{ListPolicyTagsInput, ListPolicyTagsOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_policy_tags(
    cx: &RequestCx<'_>,
    input: ListPolicyTagsInput,
) -> Result<Answer<ListPolicyTagsOutput>, ApiError> {
    let permit = cx.policy::<ListPolicyTags>(&input.policy_arn, &Parameters::default())?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_policy_tags(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListPolicyTagsOutput {
        tags: page.entries.iter().map(iam::tag).collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |tag| tag.key().to_owned()),
    }))
}
