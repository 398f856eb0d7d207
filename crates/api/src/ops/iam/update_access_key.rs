//! IAM `UpdateAccessKey`: makes a key of a user, or of the caller, active or inactive.

use portcullis_model::iam::{operation::UpdateAccessKey, types::UpdateAccessKeyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn update_access_key(
    cx: &RequestCx<'_>,
    input: UpdateAccessKeyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.key_holder::<UpdateAccessKey>(input.user_name.as_deref())?;
    let (id, status) = (parsed(&input.access_key_id)?, parsed(input.status.as_str())?);
    cx.state.catalog.update_access_key(permit, &id, status).await?;
    Ok(Answer::Output(()))
}
