//! IAM `DeleteGroup`: a group in which nobody is, and on which no policy hangs.

use portcullis_model::iam::{operation::DeleteGroup, types::DeleteGroupInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_group(
    cx: &RequestCx<'_>,
    input: DeleteGroupInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.group::<DeleteGroup>(&input.group_name)?;
    cx.state.catalog.delete_group(permit).await?;
    Ok(Answer::Output(()))
}
