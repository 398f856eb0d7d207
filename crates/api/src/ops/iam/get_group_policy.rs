//! IAM `GetGroupPolicy`: the text of an inline policy of a group, as it was given.

use portcullis_model::iam::{
    operation::GetGroupPolicy,
    types::{GetGroupPolicyInput, GetGroupPolicyOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, parsed},
};

pub(crate) async fn get_group_policy(
    cx: &RequestCx<'_>,
    input: GetGroupPolicyInput,
) -> Result<Answer<GetGroupPolicyOutput>, ApiError> {
    let permit = cx.group::<GetGroupPolicy>(&input.group_name)?;
    let document = cx.snapshot.get_inline_policy(permit, &parsed(&input.policy_name)?)?;
    Ok(Answer::Output(GetGroupPolicyOutput {
        policy_document: iam::document(document),
        group_name: input.group_name,
        policy_name: input.policy_name,
    }))
}
