//! Organizations `DescribePolicy`: a policy with its document.

use portcullis_model::organizations::{
    operation::DescribePolicy,
    types::{DescribePolicyInput, DescribePolicyOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::organizations::Shown};

pub(crate) async fn describe_policy(
    cx: &RequestCx<'_>,
    input: DescribePolicyInput,
) -> Result<Answer<DescribePolicyOutput>, ApiError> {
    let permit = cx.organization_policy::<DescribePolicy>(&input.policy_id)?;
    let (view, policy) = cx.snapshot.describe_organization_policy(permit)?;
    let policy = Some(Shown::new(&cx.snapshot, &view).policy(&policy.stored));
    Ok(Answer::Output(DescribePolicyOutput { policy }))
}
