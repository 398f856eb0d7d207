//! IAM `GetPolicyVersion`: a version of a managed policy with its document.

use portcullis_model::iam::{
    operation::GetPolicyVersion,
    types::{GetPolicyVersionInput, GetPolicyVersionOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn get_policy_version(
    cx: &RequestCx<'_>,
    input: GetPolicyVersionInput,
) -> Result<Answer<GetPolicyVersionOutput>, ApiError> {
    let permit = cx.policy::<GetPolicyVersion>(&input.policy_arn, &Parameters::default())?;
    let id = iam::parsed(&input.version_id)?;
    let (version, in_force) = cx.snapshot.get_policy_version(permit, id)?;
    Ok(Answer::Output(GetPolicyVersionOutput {
        policy_version: Some(iam::policy_version(&version, in_force)),
    }))
}
