//! IAM `CreateRole`: a role of the caller's account, with its trust policy and tags.

use portcullis_catalog::{Permit, RoleResource, effects::RoleSettings};
use portcullis_model::iam::{
    operation::CreateRole,
    types::{CreateRoleInput, CreateRoleOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn create_role(
    cx: &RequestCx<'_>,
    input: CreateRoleInput,
) -> Result<Answer<CreateRoleOutput>, ApiError> {
    let permit = permit(cx, &input)?;
    let role = cx.state.catalog.create_role(permit, settings(input)?, cx.now()).await?;
    Ok(Answer::Output(CreateRoleOutput { role: iam::created_role(&role, cx.state.partition) }))
}

/// The permission to create, and to tag if there are tags.
fn permit(
    cx: &RequestCx<'_>,
    input: &CreateRoleInput,
) -> Result<Permit<CreateRole, RoleResource>, ApiError> {
    let path = iam::parsed_or_none(input.path.as_deref())?.unwrap_or_default();
    let name = iam::parsed(&input.role_name)?;
    let resource = RoleResource::under(cx.state.partition, cx.account(), path, name);
    let boundary = iam::boundary(input.permissions_boundary.as_deref())?;
    let parameters = Parameters::default()
        .bounded(boundary.as_ref())
        .creating(iam::pairs(input.tags.as_deref()));
    let permit = cx.authorize(resource, &parameters)?;
    if !parameters.tags.is_empty() {
        cx.check("iam:TagRole", permit.resource(), &parameters)?;
    }
    Ok(permit)
}

fn settings(input: CreateRoleInput) -> Result<RoleSettings, ApiError> {
    iam::unsupported(&[(input.max_signin_session_duration.is_some(), "MaxSigninSessionDuration")])?;
    let duration = iam::max_session_duration(input.max_session_duration)?;
    Ok(RoleSettings {
        trust_policy: input.assume_role_policy_document.into(),
        description: iam::parsed_or_none(input.description.as_deref())?,
        max_session_duration: duration.unwrap_or_default(),
        tags: iam::tags(input.tags.as_deref())?,
        boundary: iam::boundary(input.permissions_boundary.as_deref())?,
    })
}
