//! Organizations `DetachPolicy`: takes a policy from a root, unit or account; both must be permitted.

use portcullis_identity::organization::TargetId;
use portcullis_model::authorization_of;
use portcullis_model::organizations::{operation::DetachPolicy, types::DetachPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::organizations::parsed};

pub(crate) async fn detach_policy(
    cx: &RequestCx<'_>,
    input: DetachPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.organization_policy::<DetachPolicy>(&input.policy_id)?;
    let target: TargetId = parsed(&input.target_id)?;
    let action = authorization_of::<DetachPolicy>().action;
    let parameters = cx.type_of_policy(&parsed(&input.policy_id)?);
    cx.check(action, &cx.part(target.clone()), &parameters)?;
    cx.state.catalog.detach_organization_policy(permit, &target).await?;
    Ok(Answer::Output(()))
}
