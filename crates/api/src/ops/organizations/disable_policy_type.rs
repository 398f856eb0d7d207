//! Organizations `DisablePolicyType`: takes all service control policies out of force, and off
//! everything.

use portcullis_identity::organization::RootId;
use portcullis_model::organizations::{
    operation::DisablePolicyType,
    types::{DisablePolicyTypeInput, DisablePolicyTypeOutput},
};

use crate::{
    answer::Answer,
    context::{RequestCx, policy_type},
    error::ApiError,
    wire::organizations::{self, Shown, parsed},
};

pub(crate) async fn disable_policy_type(
    cx: &RequestCx<'_>,
    input: DisablePolicyTypeInput,
) -> Result<Answer<DisablePolicyTypeOutput>, ApiError> {
    let root: RootId = parsed(&input.root_id)?;
    let permit =
        cx.authorize::<DisablePolicyType, _>(cx.part(root), &policy_type(input.policy_type))?;
    let wanted = organizations::served_type(input.policy_type)?;
    let changed = cx.state.catalog.disable_policies(permit, wanted).await?;
    let shown = Shown { snapshot: &cx.snapshot, organization: &changed };
    Ok(Answer::Output(DisablePolicyTypeOutput { root: Some(shown.root()) }))
}
