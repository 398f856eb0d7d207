//! Organizations `AttachPolicy`: attaches a policy to a root, unit or account; both must be
//! permitted.

use portcullis_identity::organization::TargetId;
use portcullis_model::authorization_of;
use portcullis_model::organizations::{operation::AttachPolicy, types::AttachPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::organizations::parsed};

pub(crate) async fn attach_policy(
    cx: &RequestCx<'_>,
    input: AttachPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.organization_policy::<AttachPolicy>(&input.policy_id)?;
    let target: TargetId = parsed(&input.target_id)?;
    let action = authorization_of::<AttachPolicy>().action;
    let parameters = cx.type_of_policy(&parsed(&input.policy_id)?);
    cx.check(action, &cx.part(target.clone()), &parameters)?;
    cx.state.catalog.attach_organization_policy(permit, &target).await?;
    Ok(Answer::Output(()))
}
