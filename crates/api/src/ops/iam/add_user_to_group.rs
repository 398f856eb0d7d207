//! IAM `AddUserToGroup`: puts a user into a group; one that is in it already stays.

use portcullis_catalog::UserResource;
use portcullis_model::iam::{operation::AddUserToGroup, types::AddUserToGroupInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn add_user_to_group(
    cx: &RequestCx<'_>,
    input: AddUserToGroupInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.group::<AddUserToGroup>(&input.group_name)?;
    let user = UserResource::new(&cx.snapshot, cx.account(), parsed(&input.user_name)?);
    cx.state.catalog.add_user_to_group(permit, &user).await?;
    Ok(Answer::Output(()))
}
