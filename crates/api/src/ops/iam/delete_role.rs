//! IAM `DeleteRole`: a role on which nothing hangs any more.

use portcullis_model::iam::{operation::DeleteRole, types::DeleteRoleInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_role(
    cx: &RequestCx<'_>,
    input: DeleteRoleInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.role::<DeleteRole>(&input.role_name)?;
    cx.state.catalog.delete_role(permit).await?;
    Ok(Answer::Output(()))
}
