//! IAM `PutUserPermissionsBoundary`: caps what a user may by a managed policy, instead of any other.

use portcullis_model::iam::{
    operation::PutUserPermissionsBoundary, types::PutUserPermissionsBoundaryInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn put_user_permissions_boundary(
    cx: &RequestCx<'_>,
    input: PutUserPermissionsBoundaryInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.permissions_boundary.parse()?;
    let parameters = Parameters::default().bounded(Some(&policy));
    let permit = cx.entity::<PutUserPermissionsBoundary, _>(&input.user_name, &parameters)?;
    cx.state.catalog.put_permissions_boundary(permit, &policy).await?;
    Ok(Answer::Output(()))
}
