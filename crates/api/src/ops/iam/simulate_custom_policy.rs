//! IAM `SimulateCustomPolicy`: how documents that the request gives would decide calls.

use portcullis_model::iam::{
    operation::SimulateCustomPolicy,
    types::{SimulateCustomPolicyInput, SimulatePolicyResponse},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::simulation::{Questions, custom},
};

pub(crate) async fn simulate_custom_policy(
    cx: &RequestCx<'_>,
    mut input: SimulateCustomPolicyInput,
) -> Result<Answer<SimulatePolicyResponse>, ApiError> {
    let permit = cx.whole_account::<SimulateCustomPolicy>()?;
    let simulation = cx.snapshot.simulate_custom(permit, &custom(&mut input)?, cx.now())?;
    let (actions, resources) = (input.action_names, input.resource_arns);
    let questions = Questions::new(actions, resources, input.marker.as_deref(), input.max_items)?;
    Ok(Answer::Output(questions.answer(simulation).await?))
}
