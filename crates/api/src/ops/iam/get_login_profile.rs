//! IAM `GetLoginProfile`: shows the password of a user, which nobody has here.

use portcullis_model::iam::{
    operation::GetLoginProfile,
    types::{GetLoginProfileInput, GetLoginProfileOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn get_login_profile(
    cx: &RequestCx<'_>,
    input: GetLoginProfileInput,
) -> Result<Answer<GetLoginProfileOutput>, ApiError> {
    let permit = cx.key_holder::<GetLoginProfile>(input.user_name.as_deref())?;
    Err(cx.snapshot.has_no_password(permit).into())
}
