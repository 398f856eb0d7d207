//! IAM `ListGroupsForUser`: the groups that a user is in.

use portcullis_model::iam::{
    operation::ListGroupsForUser,
    types::{ListGroupsForUserInput, ListGroupsForUserOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_groups_for_user(
    cx: &RequestCx<'_>,
    input: ListGroupsForUserInput,
) -> Result<Answer<ListGroupsForUserOutput>, ApiError> {
    let permit = cx.user::<ListGroupsForUser>(&input.user_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let page = cx.snapshot.list_groups_for_user(permit, &paging.after, paging.limit)?;
    let partition = cx.state.partition;
    Ok(Answer::Output(ListGroupsForUserOutput {
        groups: page.entries.iter().map(|view| iam::group(&view.stored, partition)).collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |view| view.stored.name.folded()),
    }))
}
