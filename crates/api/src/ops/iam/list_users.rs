//! IAM `ListUsers`: the users of the caller's account under a path, by name.

use portcullis_model::iam::{
    operation::ListUsers,
    types::{ListUsersInput, ListUsersOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_users(
    cx: &RequestCx<'_>,
    input: ListUsersInput,
) -> Result<Answer<ListUsersOutput>, ApiError> {
    let permit = cx.list_under::<ListUsers>("user", input.path_prefix.as_deref())?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = cx.snapshot.list_entities(permit, prefix, &paging.after, paging.limit);
    let partition = cx.state.partition;
    Ok(Answer::Output(ListUsersOutput {
        users: page.entries.iter().map(|view| iam::listed_user(&view.stored, partition)).collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |view| view.stored.name.folded()),
    }))
}
