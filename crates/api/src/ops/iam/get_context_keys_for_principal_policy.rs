//! IAM `GetContextKeysForPrincipalPolicy`: the condition keys that the documents of a user, group or
//! role ask for.

use portcullis_model::iam::{
    operation::GetContextKeysForPrincipalPolicy,
    types::{GetContextKeysForPolicyResponse, GetContextKeysForPrincipalPolicyInput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn get_context_keys_for_principal_policy(
    cx: &RequestCx<'_>,
    input: GetContextKeysForPrincipalPolicyInput,
) -> Result<Answer<GetContextKeysForPolicyResponse>, ApiError> {
    let arn = &input.policy_source_arn;
    let permit = cx.policy_source::<GetContextKeysForPrincipalPolicy>(arn)?;
    let given = input.policy_input_list.unwrap_or_default();
    let names = cx.snapshot.context_keys_of_principal(permit, given)?;
    Ok(Answer::Output(GetContextKeysForPolicyResponse { context_key_names: Some(names) }))
}
