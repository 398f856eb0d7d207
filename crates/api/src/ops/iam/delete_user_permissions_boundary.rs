//! IAM `DeleteUserPermissionsBoundary`: takes the cap on what a user may away.

use portcullis_model::iam::{
    operation::DeleteUserPermissionsBoundary, types::DeleteUserPermissionsBoundaryInput,
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_user_permissions_boundary(
    cx: &RequestCx<'_>,
    input: DeleteUserPermissionsBoundaryInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<DeleteUserPermissionsBoundary, _>(&input.user_name, None)?;
    cx.state.catalog.delete_permissions_boundary(permit).await?;
    Ok(Answer::Output(()))
}
