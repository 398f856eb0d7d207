//! Organizations `UntagResource`: removes tags from a root, unit, account or policy, by key.

use portcullis_identity::organization::TaggableId;
use portcullis_model::organizations::{operation::UntagResource, types::UntagResourceInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError,
    wire::organizations::parsed,
};

pub(crate) async fn untag_resource(
    cx: &RequestCx<'_>,
    input: UntagResourceInput,
) -> Result<Answer<()>, ApiError> {
    let id: TaggableId = parsed(&input.resource_id)?;
    let parameters = Parameters { removed_tags: &input.tag_keys, ..Parameters::default() };
    let permit = cx.authorize::<UntagResource, _>(cx.part(id), &parameters)?;
    cx.state.catalog.untag_organization_resource(permit, &input.tag_keys).await?;
    Ok(Answer::Output(()))
}
