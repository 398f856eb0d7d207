//! Organizations `CreatePolicy`: makes a service control policy, attached to nothing.

use portcullis_model::organizations::{
    operation::CreatePolicy,
    types::{CreatePolicyInput, CreatePolicyOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Shown, parsed},
};

pub(crate) async fn create_policy(
    cx: &RequestCx<'_>,
    input: CreatePolicyInput,
) -> Result<Answer<CreatePolicyOutput>, ApiError> {
    let permit = cx.service_control::<CreatePolicy>(input.r#type)?;
    organizations::no_tags(input.tags.as_deref())?;
    let (name, description) = (parsed(&input.name)?, parsed(&input.description)?);
    let catalog = &cx.state.catalog;
    let (view, policy) =
        catalog.create_service_control_policy(permit, &name, &description, &input.content).await?;
    let policy = Some(Shown::new(&cx.snapshot, &view).policy(&policy));
    Ok(Answer::Output(CreatePolicyOutput { policy }))
}
