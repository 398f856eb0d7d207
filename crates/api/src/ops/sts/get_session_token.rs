//! STS `GetSessionToken`: temporary credentials for a user or root as itself. No policy decides
//! about it; only who has long-term credentials may.

use portcullis_model::sts::types::{GetSessionTokenInput, GetSessionTokenOutput};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::{
        iam::unsupported,
        sts::{bearer, credentials, duration},
    },
};

pub(crate) async fn get_session_token(
    cx: &RequestCx<'_>,
    input: GetSessionTokenInput,
) -> Result<Answer<GetSessionTokenOutput>, ApiError> {
    unsupported(&[
        (input.serial_number.is_some(), "SerialNumber"),
        (input.token_code.is_some(), "TokenCode"),
        (input.minimum_session_token_size.is_some(), "MinimumSessionTokenSize"),
    ])?;
    let seconds = duration(input.duration_seconds);
    let made = cx.snapshot.session_token(bearer(cx), seconds, cx.now())?;
    Ok(Answer::Output(GetSessionTokenOutput {
        credentials: Some(credentials(made)),
        ..GetSessionTokenOutput::default()
    }))
}
