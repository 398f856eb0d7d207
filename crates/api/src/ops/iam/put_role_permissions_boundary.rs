//! IAM `PutRolePermissionsBoundary`: caps what a role may by a managed policy, instead of any other.

use portcullis_model::iam::{
    operation::PutRolePermissionsBoundary, types::PutRolePermissionsBoundaryInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn put_role_permissions_boundary(
    cx: &RequestCx<'_>,
    input: PutRolePermissionsBoundaryInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.permissions_boundary.parse()?;
    let parameters = Parameters::default().bounded(Some(&policy));
    let permit = cx.entity::<PutRolePermissionsBoundary, _>(&input.role_name, &parameters)?;
    cx.state.catalog.put_permissions_boundary(permit, &policy).await?;
    Ok(Answer::Output(()))
}
