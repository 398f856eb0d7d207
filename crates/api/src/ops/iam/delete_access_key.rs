//! IAM `DeleteAccessKey`: a key of a user, or without a name of the caller, root included.

use portcullis_model::iam::{operation::DeleteAccessKey, types::DeleteAccessKeyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn delete_access_key(
    cx: &RequestCx<'_>,
    input: DeleteAccessKeyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.key_holder::<DeleteAccessKey>(input.user_name.as_deref())?;
    cx.state.catalog.delete_access_key(permit, &parsed(&input.access_key_id)?).await?;
    Ok(Answer::Output(()))
}
