//! Organizations `TagResource`: adds tags to a root, unit, account or policy.

use portcullis_identity::organization::TaggableId;
use portcullis_model::organizations::{operation::TagResource, types::TagResourceInput};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, parsed},
};

pub(crate) async fn tag_resource(
    cx: &RequestCx<'_>,
    input: TagResourceInput,
) -> Result<Answer<()>, ApiError> {
    let id: TaggableId = parsed(&input.resource_id)?;
    let parameters = Parameters::default().tagged(organizations::pairs(Some(&input.tags)));
    let permit = cx.authorize::<TagResource, _>(cx.part(id), &parameters)?;
    let tags = organizations::tags(Some(&input.tags))?;
    cx.state.catalog.tag_organization_resource(permit, &tags).await?;
    Ok(Answer::Output(()))
}
