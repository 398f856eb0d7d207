//! IAM `DeleteUser`: a user on which nothing hangs any more.

use portcullis_model::iam::{operation::DeleteUser, types::DeleteUserInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_user(
    cx: &RequestCx<'_>,
    input: DeleteUserInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.user::<DeleteUser>(&input.user_name)?;
    cx.state.catalog.delete_user(permit).await?;
    Ok(Answer::Output(()))
}
