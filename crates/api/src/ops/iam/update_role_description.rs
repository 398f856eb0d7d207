//! IAM `UpdateRoleDescription`: another description of a role.

use portcullis_model::iam::{
    operation::UpdateRoleDescription,
    types::{UpdateRoleDescriptionInput, UpdateRoleDescriptionOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn update_role_description(
    cx: &RequestCx<'_>,
    input: UpdateRoleDescriptionInput,
) -> Result<Answer<UpdateRoleDescriptionOutput>, ApiError> {
    let permit = cx.role::<UpdateRoleDescription>(&input.role_name)?;
    let description = iam::parsed(&input.description)?;
    let role = cx.state.catalog.update_role(permit, Some(description), None).await?;
    let role = Some(iam::listed_role(&role, &cx.snapshot));
    Ok(Answer::Output(UpdateRoleDescriptionOutput { role }))
}
