//! IAM `UpdateUser`: another name or path; keys, groups and policies stay.

use portcullis_model::iam::{operation::UpdateUser, types::UpdateUserInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError,
    wire::iam::parsed_or_none,
};

/// Who renames must be allowed to change the user under its old ARN and under its new one.
pub(crate) async fn update_user(
    cx: &RequestCx<'_>,
    input: UpdateUserInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.user::<UpdateUser>(&input.user_name)?;
    let path = parsed_or_none(input.new_path.as_deref())?;
    let name = parsed_or_none(input.new_user_name.as_deref())?;
    let renamed = permit.resource().renamed(cx.state.partition, path.as_ref(), name.as_ref());
    cx.check("iam:UpdateUser", &renamed, &Parameters::default())?;
    cx.state.catalog.update_user(permit, path, name).await?;
    Ok(Answer::Output(()))
}
