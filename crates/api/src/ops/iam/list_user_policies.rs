//! IAM `ListUserPolicies`: the names of a user's inline policies.

use portcullis_model::iam::{
    operation::ListUserPolicies,
    types::{ListUserPoliciesInput, ListUserPoliciesOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_user_policies(
    cx: &RequestCx<'_>,
    input: ListUserPoliciesInput,
) -> Result<Answer<ListUserPoliciesOutput>, ApiError> {
    let permit = cx.user::<ListUserPolicies>(&input.user_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_inline_policies(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListUserPoliciesOutput {
        policy_names: iam::policy_names(&page),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, ToString::to_string),
    }))
}
