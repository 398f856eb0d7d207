//! IAM `CreateAccessKey`: a key for a user, or without a name for the caller, root included.

use portcullis_model::iam::{
    operation::CreateAccessKey,
    types::{CreateAccessKeyInput, CreateAccessKeyOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn create_access_key(
    cx: &RequestCx<'_>,
    input: CreateAccessKeyInput,
) -> Result<Answer<CreateAccessKeyOutput>, ApiError> {
    let permit = cx.key_holder::<CreateAccessKey>(input.user_name.as_deref())?;
    let key = cx.state.catalog.create_access_key(permit, cx.now()).await?;
    Ok(Answer::Output(CreateAccessKeyOutput { access_key: iam::created_access_key(&key) }))
}
