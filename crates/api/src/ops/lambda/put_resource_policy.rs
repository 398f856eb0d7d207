//! `PUT /2026-07-09/resource-policy/{ResourceArn}` → 200.

use portcullis_lambda::{ResourcePolicy, RevisionId, Statement};
use portcullis_model::lambda::{
    operation::PutResourcePolicy,
    types::{PutResourcePolicyInput, PutResourcePolicyOutput},
};

use super::whole_policy::{Grants, permit};
use crate::{answer::Answer, context::RequestCx, doubts::Doubts, error::ApiError};

pub(crate) async fn put_resource_policy(
    cx: &RequestCx<'_>,
    input: PutResourcePolicyInput,
) -> Result<Answer<PutResourcePolicyOutput>, ApiError> {
    let arn = &input.resource_arn;
    let document = ResourcePolicy::document(&input.policy, RevisionId::new(uuid::Uuid::nil()));
    let made = Grants::of(document.as_ref().map_or(&[], |policy| policy.statements()));
    let (taken, judged) = Grants::present(cx, arn)?;
    let beside = [("lambda:AddPermission", &made), ("lambda:RemovePermission", &taken)];
    let permit = permit::<PutResourcePolicy>(cx, arn, &made, &beside)?;
    let objection = |statement: &Statement| match cx.state.deny_confused_deputy {
        true => Doubts::of([statement]).refuse_open_grant(),
        false => Ok(()),
    };
    let (expected, catalog) = (input.revision_id.as_deref(), &cx.state.catalog);
    let policy =
        catalog.put_resource_policy(permit, &document?, judged, expected, objection).await?;
    let output = PutResourcePolicyOutput {
        policy: Some(policy.to_json()),
        revision_id: Some(policy.revision().to_string()),
    };
    Ok(Answer::Doubtful(output, Doubts::of(policy.statements()).warn(cx, "a whole policy")))
}
