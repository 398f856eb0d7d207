//! IAM `PutUserPolicy`: adds or replaces an inline policy of a user.

use portcullis_model::iam::{operation::PutUserPolicy, types::PutUserPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn put_user_policy(
    cx: &RequestCx<'_>,
    input: PutUserPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<PutUserPolicy, _>(&input.user_name, None)?;
    let (name, document) = (parsed(&input.policy_name)?, &input.policy_document);
    cx.state.catalog.put_inline_policy(permit, &name, document).await?;
    Ok(Answer::Output(()))
}
