//! Organizations `CreatePolicy`: makes a policy, attached to nothing.

use portcullis_catalog::WholeOrganization;
use portcullis_model::organizations::{
    operation::CreatePolicy,
    types::{CreatePolicyInput, CreatePolicyOutput},
};

use crate::{
    answer::Answer,
    context::{RequestCx, policy_type},
    error::ApiError,
    wire::organizations::{self, Shown, parsed},
};

pub(crate) async fn create_policy(
    cx: &RequestCx<'_>,
    input: CreatePolicyInput,
) -> Result<Answer<CreatePolicyOutput>, ApiError> {
    let whole = WholeOrganization::new(&cx.snapshot, cx.account());
    let parameters = policy_type(input.r#type).tagged(organizations::pairs(input.tags.as_deref()));
    let permit = cx.tagging::<CreatePolicy, _>(whole, &parameters)?;
    let wanted = organizations::served_type(input.r#type)?;
    let tags = organizations::tags(input.tags.as_deref())?;
    let (name, description) = (parsed(&input.name)?, parsed(&input.description)?);
    let catalog = &cx.state.catalog;
    let (view, policy) = catalog
        .create_organization_policy(permit, wanted, &name, &description, &input.content, &tags)
        .await?;
    let policy = Some(Shown::new(&cx.snapshot, &view).policy(&policy));
    Ok(Answer::Output(CreatePolicyOutput { policy }))
}
