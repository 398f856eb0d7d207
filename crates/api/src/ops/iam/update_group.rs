//! IAM `UpdateGroup`: another name or path; the members stay.

use portcullis_model::iam::{operation::UpdateGroup, types::UpdateGroupInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError,
    wire::iam::parsed_or_none,
};

/// Who renames must be allowed to change the group under its old ARN and under its new one.
pub(crate) async fn update_group(
    cx: &RequestCx<'_>,
    input: UpdateGroupInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.group::<UpdateGroup>(&input.group_name)?;
    let path = parsed_or_none(input.new_path.as_deref())?;
    let name = parsed_or_none(input.new_group_name.as_deref())?;
    let renamed = permit.resource().renamed(cx.state.partition, path.as_ref(), name.as_ref());
    cx.check("iam:UpdateGroup", &renamed, &Parameters::default())?;
    cx.state.catalog.update_group(permit, path, name).await?;
    Ok(Answer::Output(()))
}
