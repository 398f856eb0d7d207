//! `DELETE /2015-03-31/functions/{FunctionName}/aliases/{Name}` → 204.

use portcullis_lambda::LambdaError;
use portcullis_model::lambda::{operation::DeleteAlias, types::DeleteAliasInput};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_alias(
    cx: &RequestCx<'_>,
    input: DeleteAliasInput,
) -> Result<Answer<()>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<DeleteAlias>(&input.function_name, None, &none)?;
    let name = input.name.parse().map_err(LambdaError::from)?;
    cx.state.catalog.delete_alias(permit, &name).await?;
    Ok(Answer::Output(()))
}
