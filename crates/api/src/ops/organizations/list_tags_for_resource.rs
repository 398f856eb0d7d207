//! Organizations `ListTagsForResource`: the tags of a root, unit, account or policy, by key.

use portcullis_identity::organization::TaggableId;
use portcullis_model::organizations::{
    operation::ListTagsForResource,
    types::{ListTagsForResourceInput, ListTagsForResourceOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging, parsed},
};

pub(crate) async fn list_tags_for_resource(
    cx: &RequestCx<'_>,
    input: ListTagsForResourceInput,
) -> Result<Answer<ListTagsForResourceOutput>, ApiError> {
    let id: TaggableId = parsed(&input.resource_id)?;
    let permit = cx.organization_part::<ListTagsForResource, _>(id)?;
    let paging = Paging::new(input.next_token.as_deref(), None)?;
    let page = cx.snapshot.list_organization_tags(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListTagsForResourceOutput {
        tags: Some(page.entries.iter().map(organizations::tag).collect()),
        next_token: organizations::next_token(&page, |tag| tag.key().to_owned()),
    }))
}
