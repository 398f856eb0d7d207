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
    let none = Parameters::default();
    let permit = cx.function::<UpdateFunctionConfiguration>(&input.function_name, None, &none)?;
    let permit = cx.created(permit, &none).await?;
    if let Some(role) = &input.role {
        shared::check_pass_role(cx, role)?;
    }
    let arn = permit.resource().target().function.clone();
    let change = configuration::of_update(&input)?;
    let expected = input.revision_id.as_deref();
    let effect = cx.state.catalog.update_function_configuration(permit, change, expected, cx.now());
    let function = effect.await?;
    shared::settle_both(cx, &arn, None);
    let target = Target::unqualified(arn);
    Ok(Answer::Output(shared::updated(cx, &target, &function, None)))
}
