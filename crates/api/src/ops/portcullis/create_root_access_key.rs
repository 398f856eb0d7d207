//! `POST /_portcullis/accounts/{AccountId}/root-access-keys` → 201: a key for an account's root, and
//! the account if it is new. For callers of the operator's account.

use portcullis_model::portcullis::{
    operation::CreateRootAccessKey,
    types::{CreateRootAccessKeyInput, CreateRootAccessKeyOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::{iam::parsed, portcullis},
};

pub(crate) async fn create_root_access_key(
    cx: &RequestCx<'_>,
    input: CreateRootAccessKeyInput,
) -> Result<Answer<CreateRootAccessKeyOutput>, ApiError> {
    let permit = cx.installation::<CreateRootAccessKey>()?;
    let account = parsed(&input.account_id)?;
    let key = cx.state.catalog.create_root_access_key(permit, account, cx.now()).await?;
    Ok(Answer::Output(CreateRootAccessKeyOutput { access_key: portcullis::access_key(&key) }))
}
