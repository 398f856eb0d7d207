//! `PUT /2015-03-31/functions/{FunctionName}/aliases/{Name}` → 200.

use portcullis_lambda::{AliasChange, LambdaError, Qualifier};
use portcullis_model::lambda::{
    operation::UpdateAlias,
    types::{AliasConfiguration, UpdateAliasInput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::alias,
};

pub(crate) async fn update_alias(
    cx: &RequestCx<'_>,
    input: UpdateAliasInput,
) -> Result<Answer<AliasConfiguration>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<UpdateAlias>(&input.function_name, None, &none)?;
    let name = input.name.parse().map_err(LambdaError::from)?;
    let change = AliasChange {
        function_version: input.function_version.as_deref().map(Qualifier::parse),
        description: input.description,
        weights: alias::weights(input.routing_config),
        expected: input.revision_id,
    };
    let updated = cx.state.catalog.update_alias(permit, &name, &change).await?;
    Ok(Answer::Output(alias::output(&updated)))
}
