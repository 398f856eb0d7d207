//! IAM `ListAttachedUserPolicies`: the managed policies that are attached to a user.

use portcullis_model::iam::{
    operation::ListAttachedUserPolicies,
    types::{ListAttachedUserPoliciesInput, ListAttachedUserPoliciesOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_attached_user_policies(
    cx: &RequestCx<'_>,
    input: ListAttachedUserPoliciesInput,
) -> Result<Answer<ListAttachedUserPoliciesOutput>, ApiError> {
    let permit = cx.user::<ListAttachedUserPolicies>(&input.user_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = cx.snapshot.list_attached_policies(permit, prefix, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListAttachedUserPoliciesOutput {
        attached_policies: Some(page.entries.iter().map(iam::attached_policy).collect()),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |arn| arn.place()),
    }))
}
