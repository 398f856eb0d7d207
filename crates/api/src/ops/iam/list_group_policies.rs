//! IAM `ListGroupPolicies`: the names of a group's inline policies.

use portcullis_model::iam::{
    operation::ListGroupPolicies,
    types::{ListGroupPoliciesInput, ListGroupPoliciesOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_group_policies(
    cx: &RequestCx<'_>,
    input: ListGroupPoliciesInput,
) -> Result<Answer<ListGroupPoliciesOutput>, ApiError> {
    let permit = cx.group::<ListGroupPolicies>(&input.group_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_inline_policies(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListGroupPoliciesOutput {
        policy_names: iam::policy_names(&page),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, ToString::to_string),
    }))
}
