//! IAM `DeleteLoginProfile`: removes the password of a user, which nobody has here.

use portcullis_model::iam::{operation::DeleteLoginProfile, types::DeleteLoginProfileInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_login_profile(
    cx: &RequestCx<'_>,
    input: DeleteLoginProfileInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.key_holder::<DeleteLoginProfile>(input.user_name.as_deref())?;
    Err(cx.snapshot.has_no_password(permit).into())
}
