//! IAM `TagPolicy`: adds tags to a managed policy, or gives those that are there new values.

use portcullis_model::iam::{operation::TagPolicy, types::TagPolicyInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn tag_policy(
    cx: &RequestCx<'_>,
    input: TagPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default().tagged(iam::pairs(Some(&input.tags)));
    let permit = cx.policy::<TagPolicy>(&input.policy_arn, &parameters)?;
    cx.state.catalog.tag_policy(permit, &iam::tags(Some(&input.tags))?).await?;
    Ok(Answer::Output(()))
}
