//! IAM `ListPolicyVersions`: the versions of a managed policy, the latest first. There are five at
//! most; they are paged like all lists.

use portcullis_model::iam::{
    operation::ListPolicyVersions,
    types::{ListPolicyVersionsInput, ListPolicyVersionsOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_policy_versions(
    cx: &RequestCx<'_>,
    input: ListPolicyVersionsInput,
) -> Result<Answer<ListPolicyVersionsOutput>, ApiError> {
    let permit = cx.policy::<ListPolicyVersions>(&input.policy_arn, &Parameters::default())?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let after = iam::parsed_or_none(Some(paging.after.as_str()).filter(|after| !after.is_empty()))?;
    let page = cx.snapshot.list_policy_versions(permit, after, paging.limit)?;
    let shown = page.entries.iter();
    let shown = shown.map(|(version, in_force)| iam::listed_policy_version(version, *in_force));
    Ok(Answer::Output(ListPolicyVersionsOutput {
        versions: Some(shown.collect()),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |(version, _)| version.id.to_string()),
    }))
}
