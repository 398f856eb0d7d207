//! `DELETE /2017-03-31/tags/{Resource}` → 204.

use portcullis_model::lambda::{operation::UntagResource, types::UntagResourceInput};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn untag_resource(
    cx: &RequestCx<'_>,
    input: UntagResourceInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters { removed_tags: &input.tag_keys, ..Parameters::default() };
    let permit = shared::taggable::<UntagResource>(cx, &input.resource, &parameters)?;
    cx.state.catalog.untag_resource(permit, &input.tag_keys).await?;
    Ok(Answer::Output(()))
}
