//! IAM `ListPolicies`: the managed policies that the caller's account can attach.

use portcullis_catalog::effects::PolicyFilter;
use portcullis_model::iam::{
    operation::ListPolicies,
    types::{ListPoliciesInput, ListPoliciesOutput, PolicyScopeType, PolicyUsageType},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_policies(
    cx: &RequestCx<'_>,
    input: ListPoliciesInput,
) -> Result<Answer<ListPoliciesOutput>, ApiError> {
    let permit = cx.list_policies_under::<ListPolicies>(input.path_prefix.as_deref())?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_policies(permit, filter(&input), &paging.after, paging.limit);
    Ok(Answer::Output(ListPoliciesOutput {
        policies: Some(page.entries.iter().map(iam::listed_policy).collect()),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |policy| policy.view.arn.place()),
    }))
}

fn filter(input: &ListPoliciesInput) -> PolicyFilter<'_> {
    let scope = input.scope.unwrap_or(PolicyScopeType::All);
    PolicyFilter {
        own: scope != PolicyScopeType::Aws,
        aws: scope != PolicyScopeType::Local,
        used: match (input.policy_usage_filter, input.only_attached.unwrap_or_default()) {
            (Some(PolicyUsageType::PermissionsPolicy), _) => |usage| usage.attached > 0,
            (Some(PolicyUsageType::PermissionsBoundary), _) => |usage| usage.bounded > 0,
            (None, true) => |usage| !usage.is_none(),
            (None, false) => |_| true,
        },
        path_prefix: input.path_prefix.as_deref().unwrap_or("/"),
    }
}
