//! Organizations `ListTargetsForPolicy`: what has a policy, by id.

use portcullis_model::organizations::{
    operation::ListTargetsForPolicy,
    types::{ListTargetsForPolicyInput, ListTargetsForPolicyOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging, Shown},
};

pub(crate) async fn list_targets_for_policy(
    cx: &RequestCx<'_>,
    input: ListTargetsForPolicyInput,
) -> Result<Answer<ListTargetsForPolicyOutput>, ApiError> {
    let permit = cx.organization_policy::<ListTargetsForPolicy>(&input.policy_id)?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let (after, limit) = (&paging.after, paging.limit);
    let (view, page) = cx.snapshot.list_targets_for_organization_policy(permit, after, limit)?;
    let shown = Shown::new(&cx.snapshot, &view);
    Ok(Answer::Output(ListTargetsForPolicyOutput {
        targets: Some(page.entries.iter().map(|target| shown.target(target)).collect()),
        next_token: organizations::next_token(&page, ToString::to_string),
    }))
}
