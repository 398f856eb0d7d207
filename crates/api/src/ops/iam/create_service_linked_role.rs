//! IAM `CreateServiceLinkedRole`: a service's own role in the caller's account.

use portcullis_catalog::{Permit, RoleResource};
use portcullis_identity::ServiceLinkedRole;
use portcullis_model::iam::{
    operation::CreateServiceLinkedRole,
    types::{CreateServiceLinkedRoleInput, CreateServiceLinkedRoleOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn create_service_linked_role(
    cx: &RequestCx<'_>,
    input: CreateServiceLinkedRoleInput,
) -> Result<Answer<CreateServiceLinkedRoleOutput>, ApiError> {
    let (service, suffix) = (&input.aws_service_name, input.custom_suffix.as_deref());
    let linked = ServiceLinkedRole::new(service, suffix)?;
    let permit = permit(cx, &linked, service)?;
    let description = iam::parsed_or_none(input.description.as_deref())?;
    let catalog = &cx.state.catalog;
    let role = catalog.create_service_linked_role(permit, &linked, description, cx.now()).await?;
    let role = Some(iam::created_role(&role, cx.state.partition));
    Ok(Answer::Output(CreateServiceLinkedRoleOutput { role }))
}

fn permit(
    cx: &RequestCx<'_>,
    linked: &ServiceLinkedRole,
    service: &str,
) -> Result<Permit<CreateServiceLinkedRole, RoleResource>, ApiError> {
    let (path, name) = (linked.path()?, linked.name().clone());
    let resource = RoleResource::under(cx.state.partition, cx.account(), path, name);
    cx.authorize(resource, &Parameters::default().with("iam:awsservicename", Some(service)))
}
