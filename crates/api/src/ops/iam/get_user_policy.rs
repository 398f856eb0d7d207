//! IAM `GetUserPolicy`: the text of an inline policy of a user, as it was given.

use portcullis_model::iam::{
    operation::GetUserPolicy,
    types::{GetUserPolicyInput, GetUserPolicyOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, parsed},
};

pub(crate) async fn get_user_policy(
    cx: &RequestCx<'_>,
    input: GetUserPolicyInput,
) -> Result<Answer<GetUserPolicyOutput>, ApiError> {
    let permit = cx.user::<GetUserPolicy>(&input.user_name)?;
    let document = cx.snapshot.get_inline_policy(permit, &parsed(&input.policy_name)?)?;
    Ok(Answer::Output(GetUserPolicyOutput {
        policy_document: iam::document(document),
        user_name: input.user_name,
        policy_name: input.policy_name,
    }))
}
