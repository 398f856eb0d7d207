//! `PUT /2015-03-31/functions/{FunctionName}/configuration` → 200, `InProgress`.

use std::sync::Arc;

use portcullis_lambda::Target;
use portcullis_model::lambda::{
    operation::UpdateFunctionConfiguration,
    types::{FunctionConfiguration, UpdateFunctionConfigurationInput},
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError,
    wire::configuration,
};

pub(crate) async fn update_function_configuration(
    cx: &RequestCx<'_>,
    input: UpdateFunctionConfigurationInput,
) -> Result<Answer<FunctionConfiguration>, ApiError> {
    let keys = Parameters::default().layered(input.layers.as_deref());
    let permit = cx.function::<UpdateFunctionConfiguration>(&input.function_name, None, &keys)?;
    let permit = cx.created(permit, &keys).await?;
    if let Some(role) = &input.role {
        shared::check_pass_role(cx, role)?;
    }
    let layers = shared::layers(cx, input.layers.as_deref())?;
    let target = Target::unqualified(permit.resource().target().function.clone());
    let change = configuration::of_update(&input)?;
    let (state, arn, now) = (Arc::clone(cx.state), target.function.clone(), cx.now());
    let update = async move {
        let (layers, expected) = (layers.as_ref(), input.revision_id.as_deref());
        let effect =
            state.catalog.update_function_configuration(permit, change, layers, expected, now);
        let function = effect.await?;
        shared::settle_both(&state, &arn, None);
        Ok(function)
    };
    let function = shared::whole(update).await?;
    Ok(Answer::Output(shared::updated(cx, &target, &function, None)))
}
