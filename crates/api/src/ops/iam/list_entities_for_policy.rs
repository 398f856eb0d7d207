//! IAM `ListEntitiesForPolicy`: who has a managed policy, attached or as a permissions boundary.

use portcullis_catalog::effects::{HolderFilter, PolicyHolder};
use portcullis_model::iam::{
    operation::ListEntitiesForPolicy,
    types::{EntityType, ListEntitiesForPolicyInput, ListEntitiesForPolicyOutput, PolicyUsageType},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_entities_for_policy(
    cx: &RequestCx<'_>,
    input: ListEntitiesForPolicyInput,
) -> Result<Answer<ListEntitiesForPolicyOutput>, ApiError> {
    let permit = cx.policy::<ListEntitiesForPolicy>(&input.policy_arn, &Parameters::default())?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let (after, limit) = (&paging.after, paging.limit);
    let page = cx.snapshot.list_entities_for_policy(permit, filter(&input), after, limit)?;
    Ok(Answer::Output(ListEntitiesForPolicyOutput {
        policy_groups: Some(page.entries.iter().filter_map(iam::policy_group).collect()),
        policy_users: Some(page.entries.iter().filter_map(iam::policy_user).collect()),
        policy_roles: Some(page.entries.iter().filter_map(iam::policy_role).collect()),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, PolicyHolder::place),
    }))
}

/// A policy has no policies: to ask for those shows nobody.
fn filter(input: &ListEntitiesForPolicyInput) -> HolderFilter<'_> {
    let usage = input.policy_usage_filter;
    HolderFilter {
        attached: usage != Some(PolicyUsageType::PermissionsBoundary),
        bounded: usage != Some(PolicyUsageType::PermissionsPolicy),
        kind: match input.entity_filter {
            None => |_| true,
            Some(EntityType::User) => |holder| matches!(holder, PolicyHolder::User(_)),
            Some(EntityType::Group) => |holder| matches!(holder, PolicyHolder::Group(_)),
            Some(EntityType::Role) => |holder| matches!(holder, PolicyHolder::Role(_)),
            Some(EntityType::LocalManagedPolicy | EntityType::AWSManagedPolicy) => |_| false,
        },
        path_prefix: input.path_prefix.as_deref().unwrap_or("/"),
    }
}
