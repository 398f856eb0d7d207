//! IAM `UntagRole`: removes tags from a role, by key.

use portcullis_model::iam::{operation::UntagRole, types::UntagRoleInput};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn untag_role(
    cx: &RequestCx<'_>,
    input: UntagRoleInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters { removed_tags: &input.tag_keys, ..Parameters::default() };
    let permit = cx.entity::<UntagRole, _>(&input.role_name, &parameters)?;
    cx.state.catalog.untag_entity(permit, &input.tag_keys).await?;
    Ok(Answer::Output(()))
}
