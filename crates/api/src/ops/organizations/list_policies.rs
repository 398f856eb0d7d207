//! Organizations `ListPolicies`: the policies of the organization, by id.

use portcullis_catalog::WholeOrganization;
use portcullis_model::organizations::{
    operation::ListPolicies,
    types::{ListPoliciesInput, ListPoliciesOutput},
};

use crate::{
    answer::Answer,
    context::{RequestCx, policy_type},
    error::ApiError,
    wire::organizations::{self, Paging, Shown},
};

pub(crate) async fn list_policies(
    cx: &RequestCx<'_>,
    input: ListPoliciesInput,
) -> Result<Answer<ListPoliciesOutput>, ApiError> {
    let whole = WholeOrganization::new(&cx.snapshot, cx.account());
    let permit = cx.authorize::<ListPolicies, _>(whole, &policy_type(input.filter))?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let Some(wanted) = organizations::policy_type(input.filter) else {
        return Ok(Answer::Output(ListPoliciesOutput {
            policies: Some(Vec::new()),
            next_token: None,
        }));
    };
    let (view, page) =
        cx.snapshot.list_organization_policies(permit, wanted, &paging.after, paging.limit)?;
    let (policies, next_token) = Shown::new(&cx.snapshot, &view).policies(&page);
    Ok(Answer::Output(ListPoliciesOutput { policies: Some(policies), next_token }))
}
