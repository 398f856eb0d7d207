//! `GET /2015-03-31/functions/{FunctionName}/policy` → 200.

use bytes::Bytes;
use portcullis_lambda::ResourcePolicy;
use portcullis_model::lambda::{
    operation::GetPolicy,
    types::{GetPolicyInput, GetPolicyOutput},
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_policy(
    cx: &RequestCx<'_>,
    input: GetPolicyInput,
) -> Result<Answer<GetPolicyOutput>, ApiError> {
    let qualifier = input.qualifier.as_deref();
    let permit =
        cx.function::<GetPolicy>(&input.function_name, qualifier, &Parameters::default())?;
    let policy = cx.snapshot.get_policy(permit)?;
    Ok(Answer::Rendered(Bytes::copy_from_slice(policy.shown(render))))
}

/// The answer, made once for each state of a policy.
fn render(policy: &ResourcePolicy) -> Vec<u8> {
    let output = GetPolicyOutput {
        policy: Some(policy.to_json()),
        revision_id: Some(policy.revision().to_string()),
    };
    // Two strings always serialize.
    serde_json::to_vec(&output).unwrap_or_default()
}
