//! IAM `CreateAccountAlias`: gives the caller's account an alias, instead of the one that it has.

use portcullis_model::iam::{operation::CreateAccountAlias, types::CreateAccountAliasInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn create_account_alias(
    cx: &RequestCx<'_>,
    input: CreateAccountAliasInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.whole_account::<CreateAccountAlias>()?;
    cx.state.catalog.create_account_alias(permit, &parsed(&input.account_alias)?).await?;
    Ok(Answer::Output(()))
}
