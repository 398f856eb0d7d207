//! IAM `PutGroupPolicy`: adds or replaces an inline policy of a group.

use portcullis_model::iam::{operation::PutGroupPolicy, types::PutGroupPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn put_group_policy(
    cx: &RequestCx<'_>,
    input: PutGroupPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<PutGroupPolicy, _>(&input.group_name, None)?;
    let (name, document) = (parsed(&input.policy_name)?, &input.policy_document);
    cx.state.catalog.put_inline_policy(permit, &name, document).await?;
    Ok(Answer::Output(()))
}
