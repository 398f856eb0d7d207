//! `GET /2026-07-09/resource-policy/{ResourceArn}` → 200.

use bytes::Bytes;
use portcullis_model::lambda::{
    operation::GetResourcePolicy,
    types::{GetResourcePolicyInput, GetResourcePolicyOutput},
};

use super::{
    get_policy::render,
    whole_policy::{Grants, permit},
};
use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn get_resource_policy(
    cx: &RequestCx<'_>,
    input: GetResourcePolicyInput,
) -> Result<Answer<GetResourcePolicyOutput>, ApiError> {
    let none = Grants::default();
    let beside = [("lambda:GetPolicy", &none)];
    let permit = permit::<GetResourcePolicy>(cx, &input.resource_arn, &none, &beside)?;
    let policy = cx.snapshot.get_policy(permit)?;
    let shown = policy.shown(&*cx.snapshot, render);
    Ok(Answer::Rendered(Bytes::copy_from_slice(&shown)))
}
