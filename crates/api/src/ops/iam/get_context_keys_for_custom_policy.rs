//! IAM `GetContextKeysForCustomPolicy`: the condition keys that documents ask for.

use portcullis_model::iam::{
    operation::GetContextKeysForCustomPolicy,
    types::{GetContextKeysForCustomPolicyInput, GetContextKeysForPolicyResponse},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn get_context_keys_for_custom_policy(
    cx: &RequestCx<'_>,
    input: GetContextKeysForCustomPolicyInput,
) -> Result<Answer<GetContextKeysForPolicyResponse>, ApiError> {
    let permit = cx.whole_account::<GetContextKeysForCustomPolicy>()?;
    let names = cx.snapshot.context_keys_of_custom(permit, input.policy_input_list)?;
    Ok(Answer::Output(GetContextKeysForPolicyResponse { context_key_names: Some(names) }))
}
