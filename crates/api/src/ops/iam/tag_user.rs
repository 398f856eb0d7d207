//! IAM `TagUser`: adds tags to a user, or gives those that are there new values.

use portcullis_model::iam::{operation::TagUser, types::TagUserInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn tag_user(
    cx: &RequestCx<'_>,
    input: TagUserInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default().tagged(iam::pairs(Some(&input.tags)));
    let permit = cx.entity::<TagUser, _>(&input.user_name, &parameters)?;
    cx.state.catalog.tag_entity(permit, &iam::tags(Some(&input.tags))?).await?;
    Ok(Answer::Output(()))
}
