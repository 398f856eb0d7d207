//! IAM `GetAccessKeyLastUsed`: when, and for what, a key last signed a request that was believed.

use portcullis_catalog::OwnerOfKey;
use portcullis_model::iam::{
    operation::GetAccessKeyLastUsed,
    types::{GetAccessKeyLastUsedInput, GetAccessKeyLastUsedOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn get_access_key_last_used(
    cx: &RequestCx<'_>,
    input: GetAccessKeyLastUsedInput,
) -> Result<Answer<GetAccessKeyLastUsedOutput>, ApiError> {
    let id = iam::parsed(&input.access_key_id)?;
    let owner = OwnerOfKey::new(&cx.snapshot, cx.account(), &id);
    let permit = cx.authorize::<GetAccessKeyLastUsed, _>(owner, &Parameters::default())?;
    let key = cx.snapshot.get_access_key_last_used(permit, &id)?;
    Ok(Answer::Output(GetAccessKeyLastUsedOutput {
        user_name: iam::key_user(&key.stored),
        access_key_last_used: Some(iam::last_use(key.uses.last().as_deref())),
    }))
}
