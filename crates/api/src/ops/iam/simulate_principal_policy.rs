//! IAM `SimulatePrincipalPolicy`: how the documents of a user, group or role would decide calls.

use portcullis_model::iam::{
    operation::SimulatePrincipalPolicy,
    types::{SimulatePolicyResponse, SimulatePrincipalPolicyInput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::simulation::{Questions, principal},
};

pub(crate) async fn simulate_principal_policy(
    cx: &RequestCx<'_>,
    mut input: SimulatePrincipalPolicyInput,
) -> Result<Answer<SimulatePolicyResponse>, ApiError> {
    let permit = cx.policy_source::<SimulatePrincipalPolicy>(&input.policy_source_arn)?;
    let given = principal(&mut input)?;
    let simulation = cx.snapshot.simulate_principal(permit, &given, cx.now())?;
    let (actions, resources) = (input.action_names, input.resource_arns);
    let questions = Questions::new(actions, resources, input.marker.as_deref(), input.max_items)?;
    Ok(Answer::Output(questions.answer(simulation).await?))
}
