//! STS `DecodeAuthorizationMessage`: a denial in AWS's form, for the account that owns the resource.
//!
//! The services that are served here give no encoded messages on AWS either. What stands for one is
//! the id in `x-portcullis-explain` of a denial, which tells nothing to whoever may not ask.

use portcullis_catalog::decisions::RequestId;
use portcullis_identity::IdentityError;
use portcullis_model::sts::{
    operation::DecodeAuthorizationMessage,
    types::{DecodeAuthorizationMessageInput, DecodeAuthorizationMessageOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::denial};

pub(crate) async fn decode_authorization_message(
    cx: &RequestCx<'_>,
    input: DecodeAuthorizationMessageInput,
) -> Result<Answer<DecodeAuthorizationMessageOutput>, ApiError> {
    let permit = cx.whole_account::<DecodeAuthorizationMessage>()?;
    let invalid = IdentityError::InvalidAuthorizationMessage;
    let id = RequestId::parse(&input.encoded_message).ok_or_else(|| invalid.clone())?;
    let found = cx.state.decisions.find(permit, &id).await.map_err(ApiError::internal)?;
    let decoded = found.iter().find_map(denial::decoded).ok_or(invalid)?;
    Ok(Answer::Output(DecodeAuthorizationMessageOutput { decoded_message: Some(decoded) }))
}
