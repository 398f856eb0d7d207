//! STS `GetAccessKeyInfo`: which account an access key belongs to, any account's.

use portcullis_model::sts::{
    operation::GetAccessKeyInfo,
    types::{GetAccessKeyInfoInput, GetAccessKeyInfoOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn get_access_key_info(
    cx: &RequestCx<'_>,
    input: GetAccessKeyInfoInput,
) -> Result<Answer<GetAccessKeyInfoOutput>, ApiError> {
    let permit = cx.whole_account::<GetAccessKeyInfo>()?;
    let account = cx.snapshot.access_key_info(permit, &parsed(&input.access_key_id)?)?;
    Ok(Answer::Output(GetAccessKeyInfoOutput { account: Some(account.to_string()) }))
}
