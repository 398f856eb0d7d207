//! IAM `CreateUser`: a user of the caller's account, with its tags.

use portcullis_catalog::{Permit, UserResource, effects::UserSettings};
use portcullis_model::iam::{
    operation::CreateUser,
    types::{CreateUserInput, CreateUserOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn create_user(
    cx: &RequestCx<'_>,
    input: CreateUserInput,
) -> Result<Answer<CreateUserOutput>, ApiError> {
    let permit = permit(cx, &input)?;
    let settings = UserSettings {
        tags: iam::tags(input.tags.as_deref())?,
        boundary: iam::boundary(input.permissions_boundary.as_deref())?,
    };
    let user = cx.state.catalog.create_user(permit, settings, cx.now()).await?;
    Ok(Answer::Output(CreateUserOutput { user: Some(iam::user(&user, cx.state.partition)) }))
}

/// The permission to create, and to tag if there are tags.
fn permit(
    cx: &RequestCx<'_>,
    input: &CreateUserInput,
) -> Result<Permit<CreateUser, UserResource>, ApiError> {
    let path = iam::parsed_or_none(input.path.as_deref())?.unwrap_or_default();
    let name = iam::parsed(&input.user_name)?;
    let resource = UserResource::under(cx.state.partition, cx.account(), path, name);
    let boundary = iam::boundary(input.permissions_boundary.as_deref())?;
    let parameters = Parameters::default()
        .bounded(boundary.as_ref())
        .creating(iam::pairs(input.tags.as_deref()));
    let permit = cx.authorize(resource, &parameters)?;
    if !parameters.tags.is_empty() {
        cx.check("iam:TagUser", permit.resource(), &parameters)?;
    }
    Ok(permit)
}
