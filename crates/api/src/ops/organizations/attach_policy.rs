//! Organizations `AttachPolicy`: attaches a policy to a root, unit or account; both must be permitted.

use portcullis_identity::organization::TargetId;
use portcullis_model::authorization_of;
use portcullis_model::organizations::{operation::AttachPolicy, types::AttachPolicyInput};

use crate::{
    answer::Answer,
    context::{RequestCx, policy_type},
    error::ApiError,
    wire::organizations::parsed,
};

pub(crate) async fn attach_policy(
    cx: &RequestCx<'_>,
    input: AttachPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.service_control_policy::<AttachPolicy>(&input.policy_id)?;
    let target: TargetId = parsed(&input.target_id)?;
    let (action, parameters) = (authorization_of::<AttachPolicy>().action, policy_type());
    cx.check(action, &cx.part(target.clone()), &parameters)?;
    cx.state.catalog.attach_service_control_policy(permit, &target).await?;
    Ok(Answer::Output(()))
}
