//! IAM `GetRole`: a role with its trust policy.

use portcullis_model::iam::{
    operation::GetRole,
    types::{GetRoleInput, GetRoleOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn get_role(
    cx: &RequestCx<'_>,
    input: GetRoleInput,
) -> Result<Answer<GetRoleOutput>, ApiError> {
    let role = cx.snapshot.get_role(cx.role::<GetRole>(&input.role_name)?)?;
    Ok(Answer::Output(GetRoleOutput { role: iam::role(&role, &cx.snapshot) }))
}
