//! IAM `UntagPolicy`: removes tags from a managed policy, by key.

use portcullis_model::iam::{operation::UntagPolicy, types::UntagPolicyInput};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn untag_policy(
    cx: &RequestCx<'_>,
    input: UntagPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters { removed_tags: &input.tag_keys, ..Parameters::default() };
    let permit = cx.policy::<UntagPolicy>(&input.policy_arn, &parameters)?;
    cx.state.catalog.untag_policy(permit, &input.tag_keys).await?;
    Ok(Answer::Output(()))
}
