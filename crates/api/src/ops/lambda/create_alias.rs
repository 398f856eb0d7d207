//! `POST /2015-03-31/functions/{FunctionName}/aliases` → 201.

use portcullis_lambda::{AliasInput, LambdaError, Qualifier};
use portcullis_model::lambda::{
    operation::CreateAlias,
    types::{AliasConfiguration, CreateAliasInput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::alias,
};

pub(crate) async fn create_alias(
    cx: &RequestCx<'_>,
    input: CreateAliasInput,
) -> Result<Answer<AliasConfiguration>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<CreateAlias>(&input.function_name, None, &none)?;
    let wanted = AliasInput {
        name: input.name.parse().map_err(LambdaError::from)?,
        function_version: Qualifier::parse(&input.function_version),
        description: input.description,
        weights: alias::weights(input.routing_config),
    };
    Ok(Answer::Output(alias::output(&cx.state.catalog.create_alias(permit, &wanted).await?)))
}
