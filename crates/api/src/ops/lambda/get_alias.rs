//! `GET /2015-03-31/functions/{FunctionName}/aliases/{Name}` → 200.

use portcullis_lambda::LambdaError;
use portcullis_model::lambda::{
    operation::GetAlias,
    types::{AliasConfiguration, GetAliasInput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::alias,
};

pub(crate) async fn get_alias(
    cx: &RequestCx<'_>,
    input: GetAliasInput,
) -> Result<Answer<AliasConfiguration>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<GetAlias>(&input.function_name, None, &none)?;
    let name = input.name.parse().map_err(LambdaError::from)?;
    Ok(Answer::Output(alias::output(&*cx.snapshot.get_alias(permit, &name)?)))
}
