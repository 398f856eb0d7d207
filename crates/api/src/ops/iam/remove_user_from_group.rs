//! IAM `RemoveUserFromGroup`: takes a user out of a group.

use portcullis_catalog::UserResource;
use portcullis_model::iam::{operation::RemoveUserFromGroup, types::RemoveUserFromGroupInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn remove_user_from_group(
    cx: &RequestCx<'_>,
    input: RemoveUserFromGroupInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.group::<RemoveUserFromGroup>(&input.group_name)?;
    let user = UserResource::new(&cx.snapshot, cx.account(), parsed(&input.user_name)?);
    cx.state.catalog.remove_user_from_group(permit, &user).await?;
    Ok(Answer::Output(()))
}
