//! Organizations `EnablePolicyType`: puts service control policies in force.

use portcullis_identity::organization::RootId;
use portcullis_model::organizations::{
    operation::EnablePolicyType,
    types::{EnablePolicyTypeInput, EnablePolicyTypeOutput},
};

use crate::{
    answer::Answer,
    context::{RequestCx, policy_type},
    error::ApiError,
    wire::organizations::{self, Shown, parsed},
};

pub(crate) async fn enable_policy_type(
    cx: &RequestCx<'_>,
    input: EnablePolicyTypeInput,
) -> Result<Answer<EnablePolicyTypeOutput>, ApiError> {
    let root: RootId = parsed(&input.root_id)?;
    let permit =
        cx.authorize::<EnablePolicyType, _>(cx.part(root), &policy_type(input.policy_type))?;
    let wanted = organizations::served_type(input.policy_type)?;
    let changed = cx.state.catalog.enable_policies(permit, wanted).await?;
    let shown = Shown { snapshot: &cx.snapshot, organization: &changed };
    Ok(Answer::Output(EnablePolicyTypeOutput { root: Some(shown.root()) }))
}
