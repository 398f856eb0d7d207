//! Organizations `DeletePolicy`: removes a policy that nothing has.

use portcullis_model::organizations::{operation::DeletePolicy, types::DeletePolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_policy(
    cx: &RequestCx<'_>,
    input: DeletePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.organization_policy::<DeletePolicy>(&input.policy_id)?;
    cx.state.catalog.delete_organization_policy(permit).await?;
    Ok(Answer::Output(()))
}
