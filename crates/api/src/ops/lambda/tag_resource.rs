//! `POST /2017-03-31/tags/{Resource}` → 204.

use portcullis_model::lambda::{operation::TagResource, types::TagResourceInput};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn tag_resource(
    cx: &RequestCx<'_>,
    input: TagResourceInput,
) -> Result<Answer<()>, ApiError> {
    let parameters = Parameters::default().tagged(shared::pairs(&input.tags));
    let permit = shared::taggable::<TagResource>(cx, &input.resource, &parameters)?;
    cx.state.catalog.tag_resource(permit, &input.tags).await?;
    Ok(Answer::Output(()))
}
