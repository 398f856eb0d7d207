//! IAM `DeleteRolePermissionsBoundary`: takes the cap on what a role may away.

use portcullis_model::iam::{
    operation::DeleteRolePermissionsBoundary, types::DeleteRolePermissionsBoundaryInput,
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_role_permissions_boundary(
    cx: &RequestCx<'_>,
    input: DeleteRolePermissionsBoundaryInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<DeleteRolePermissionsBoundary, _>(&input.role_name, None)?;
    cx.state.catalog.delete_permissions_boundary(permit).await?;
    Ok(Answer::Output(()))
}
