//! Organizations `CloseAccount`: ends all that an account may do and all that may be done in it.

use portcullis_model::organizations::{operation::CloseAccount, types::CloseAccountInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::organizations::parsed};

pub(crate) async fn close_account(
    cx: &RequestCx<'_>,
    input: CloseAccountInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.organization_part::<CloseAccount, _>(parsed(&input.account_id)?)?;
    cx.state.catalog.close_account(permit, cx.now()).await?;
    Ok(Answer::Output(()))
}
