//! IAM `ListUserTags`: the tags of a user, by key.

use portcullis_model::iam::{
    operation::ListUserTags,
    types::{ListUserTagsInput, ListUserTagsOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_user_tags(
    cx: &RequestCx<'_>,
    input: ListUserTagsInput,
) -> Result<Answer<ListUserTagsOutput>, ApiError> {
    let permit = cx.user::<ListUserTags>(&input.user_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_entity_tags(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListUserTagsOutput {
        tags: page.entries.iter().map(iam::tag).collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |tag| tag.key().to_owned()),
    }))
}
