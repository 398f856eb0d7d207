//! `DELETE /2026-07-09/resource-policy/{ResourceArn}` → 204.

use portcullis_model::lambda::{operation::DeleteResourcePolicy, types::DeleteResourcePolicyInput};

use super::whole_policy::{Grants, permit};
use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_resource_policy(
    cx: &RequestCx<'_>,
    input: DeleteResourcePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let (taken, judged) = Grants::present(cx, &input.resource_arn)?;
    let beside = [("lambda:RemovePermission", &taken)];
    let permit = permit::<DeleteResourcePolicy>(cx, &input.resource_arn, &taken, &beside)?;
    let expected = input.revision_id.as_deref();
    cx.state.catalog.delete_resource_policy(permit, judged, expected).await?;
    Ok(Answer::Output(()))
}
