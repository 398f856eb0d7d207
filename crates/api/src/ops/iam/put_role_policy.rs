//! IAM `PutRolePolicy`: adds or replaces an inline policy of a role.

use portcullis_model::iam::{operation::PutRolePolicy, types::PutRolePolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn put_role_policy(
    cx: &RequestCx<'_>,
    input: PutRolePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<PutRolePolicy, _>(&input.role_name, None)?;
    let (name, document) = (parsed(&input.policy_name)?, &input.policy_document);
    cx.state.catalog.put_inline_policy(permit, &name, document).await?;
    Ok(Answer::Output(()))
}
