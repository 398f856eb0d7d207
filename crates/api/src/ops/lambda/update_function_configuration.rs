//! `PUT /2015-03-31/functions/{FunctionName}/configuration` → 200, `InProgress`.

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
    let arn = permit.resource().target().function.clone();
    let change = configuration::of_update(&input)?;
    let (catalog, layers) = (&cx.state.catalog, layers.as_ref());
    let expected = input.revision_id.as_deref();
    let effect = catalog.update_function_configuration(permit, change, layers, expected, cx.now());
    let function = effect.await?;
    shared::settle_both(cx, &arn, None);
    let target = Target::unqualified(arn);
    Ok(Answer::Output(shared::updated(cx, &target, &function, None)))
}
