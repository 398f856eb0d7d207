//! Organizations `ListPoliciesForTarget`: the policies on a root, unit or account, by id.

use portcullis_identity::organization::TargetId;
use portcullis_model::organizations::{
    operation::ListPoliciesForTarget,
    types::{ListPoliciesForTargetInput, ListPoliciesForTargetOutput},
};

use crate::{
    answer::Answer,
    context::{RequestCx, policy_type},
    error::ApiError,
    wire::organizations::{self, Paging, Shown, parsed},
};

pub(crate) async fn list_policies_for_target(
    cx: &RequestCx<'_>,
    input: ListPoliciesForTargetInput,
) -> Result<Answer<ListPoliciesForTargetOutput>, ApiError> {
    let target: TargetId = parsed(&input.target_id)?;
    let permit =
        cx.authorize::<ListPoliciesForTarget, _>(cx.part(target), &policy_type(input.filter))?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let (after, limit) = (&paging.after, paging.limit);
    let Some(wanted) = organizations::policy_type(input.filter) else {
        // Nothing has a policy of another type.
        let policies = Some(Vec::new());
        return Ok(Answer::Output(ListPoliciesForTargetOutput { policies, next_token: None }));
    };
    let (view, page) =
        cx.snapshot.list_organization_policies_for_target(permit, wanted, after, limit)?;
    let (policies, next_token) = Shown::new(&cx.snapshot, &view).policies(&page);
    Ok(Answer::Output(ListPoliciesForTargetOutput { policies: Some(policies), next_token }))
}
