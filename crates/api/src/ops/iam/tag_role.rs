//! IAM `TagRole`: adds tags to a role, or gives those that are there new values.

use portcullis_model::iam::{operation::TagRole, types::TagRoleInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn tag_role(
    cx: &RequestCx<'_>,
    input: TagRoleInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default().tagged(iam::pairs(Some(&input.tags)));
    let permit = cx.entity::<TagRole, _>(&input.role_name, &parameters)?;
    cx.state.catalog.tag_entity(permit, &iam::tags(Some(&input.tags))?).await?;
    Ok(Answer::Output(()))
}
