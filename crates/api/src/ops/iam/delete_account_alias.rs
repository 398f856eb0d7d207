//! IAM `DeleteAccountAlias`: takes the alias of the caller's account away.

use portcullis_model::iam::{operation::DeleteAccountAlias, types::DeleteAccountAliasInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn delete_account_alias(
    cx: &RequestCx<'_>,
    input: DeleteAccountAliasInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.whole_account::<DeleteAccountAlias>()?;
    cx.state.catalog.delete_account_alias(permit, &parsed(&input.account_alias)?).await?;
    Ok(Answer::Output(()))
}
