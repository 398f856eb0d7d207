//! STS `GetCallerIdentity`: who the caller is. Nobody can be denied it.

use portcullis_model::sts::types::{GetCallerIdentityInput, GetCallerIdentityOutput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

/// A service has neither account nor id: it is shown by its name alone.
pub(crate) async fn get_caller_identity(
    cx: &RequestCx<'_>,
    _input: GetCallerIdentityInput,
) -> Result<Answer<GetCallerIdentityOutput>, ApiError> {
    let caller = cx.caller();
    Ok(Answer::Output(GetCallerIdentityOutput {
        user_id: caller.user_id().map(str::to_owned),
        account: caller.account().map(|account| account.to_string()),
        arn: Some(caller.arn().to_owned()),
    }))
}
