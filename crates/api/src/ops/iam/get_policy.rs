//! IAM `GetPolicy`: a managed policy without its document.

use portcullis_model::iam::{
    operation::GetPolicy,
    types::{GetPolicyInput, GetPolicyOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn get_policy(
    cx: &RequestCx<'_>,
    input: GetPolicyInput,
) -> Result<Answer<GetPolicyOutput>, ApiError> {
    let permit = cx.policy::<GetPolicy>(&input.policy_arn, &Parameters::default())?;
    let policy = cx.snapshot.get_managed_policy(permit)?;
    Ok(Answer::Output(GetPolicyOutput { policy: Some(iam::policy(&policy)) }))
}
