//! IAM `ListRolePolicies`: the names of a role's inline policies.

use portcullis_model::iam::{
    operation::ListRolePolicies,
    types::{ListRolePoliciesInput, ListRolePoliciesOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_role_policies(
    cx: &RequestCx<'_>,
    input: ListRolePoliciesInput,
) -> Result<Answer<ListRolePoliciesOutput>, ApiError> {
    let permit = cx.role::<ListRolePolicies>(&input.role_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_inline_policies(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListRolePoliciesOutput {
        policy_names: iam::policy_names(&page),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, ToString::to_string),
    }))
}
