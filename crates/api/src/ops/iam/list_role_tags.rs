//! IAM `ListRoleTags`: the tags of a role, by key.

use portcullis_model::iam::{
    operation::ListRoleTags,
    types::{ListRoleTagsInput, ListRoleTagsOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_role_tags(
    cx: &RequestCx<'_>,
    input: ListRoleTagsInput,
) -> Result<Answer<ListRoleTagsOutput>, ApiError> {
    let permit = cx.role::<ListRoleTags>(&input.role_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_entity_tags(permit, &paging.after, paging.limit)?;
    Ok(Answer::Output(ListRoleTagsOutput {
        tags: page.entries.iter().map(iam::tag).collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |tag| tag.key().to_owned()),
    }))
}
