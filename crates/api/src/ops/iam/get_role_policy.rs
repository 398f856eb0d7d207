//! IAM `GetRolePolicy`: the text of an inline policy of a role, as it was given.

use portcullis_model::iam::{
    operation::GetRolePolicy,
    types::{GetRolePolicyInput, GetRolePolicyOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, parsed},
};

pub(crate) async fn get_role_policy(
    cx: &RequestCx<'_>,
    input: GetRolePolicyInput,
) -> Result<Answer<GetRolePolicyOutput>, ApiError> {
    let permit = cx.role::<GetRolePolicy>(&input.role_name)?;
    let document = cx.snapshot.get_inline_policy(permit, &parsed(&input.policy_name)?)?;
    Ok(Answer::Output(GetRolePolicyOutput {
        policy_document: iam::document(document),
        role_name: input.role_name,
        policy_name: input.policy_name,
    }))
}
