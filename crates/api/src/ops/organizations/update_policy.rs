//! Organizations `UpdatePolicy`: changes what is given of a policy; in force at once wherever it is
//! attached.

use portcullis_catalog::effects::PolicyChange;
use portcullis_model::organizations::{
    operation::UpdatePolicy,
    types::{UpdatePolicyInput, UpdatePolicyOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{Shown, parsed},
};

pub(crate) async fn update_policy(
    cx: &RequestCx<'_>,
    input: UpdatePolicyInput,
) -> Result<Answer<UpdatePolicyOutput>, ApiError> {
    let permit = cx.organization_policy::<UpdatePolicy>(&input.policy_id)?;
    let change = PolicyChange {
        name: input.name.as_deref().map(parsed).transpose()?,
        description: input.description.as_deref().map(parsed).transpose()?,
        document: input.content,
    };
    let (view, policy) = cx.state.catalog.update_organization_policy(permit, &change).await?;
    let policy = Some(Shown::new(&cx.snapshot, &view).policy(&policy));
    Ok(Answer::Output(UpdatePolicyOutput { policy }))
}
