//! IAM `UntagUser`: removes tags from a user, by key.

use portcullis_model::iam::{operation::UntagUser, types::UntagUserInput};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn untag_user(
    cx: &RequestCx<'_>,
    input: UntagUserInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters { removed_tags: &input.tag_keys, ..Parameters::default() };
    let permit = cx.entity::<UntagUser, _>(&input.user_name, &parameters)?;
    cx.state.catalog.untag_entity(permit, &input.tag_keys).await?;
    Ok(Answer::Output(()))
}
