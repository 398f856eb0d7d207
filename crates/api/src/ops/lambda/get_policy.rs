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
    let shown = policy.shown(&*cx.snapshot, render);
    Ok(Answer::Rendered(Bytes::copy_from_slice(&shown)))
}

/// The answer; also that of `GetResourcePolicy`.
pub(super) fn render(policy: &ResourcePolicy, text: String) -> Vec<u8> {
    let output =
        GetPolicyOutput { policy: Some(text), revision_id: Some(policy.revision().to_string()) };
    // Two strings always serialize.
    serde_json::to_vec(&output).unwrap_or_default()
}
