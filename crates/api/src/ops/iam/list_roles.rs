//! IAM `ListRoles`: the roles of the caller's account under a path, by name.

use portcullis_model::iam::{
    operation::ListRoles,
    types::{ListRolesInput, ListRolesOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn list_roles(
    cx: &RequestCx<'_>,
    input: ListRolesInput,
) -> Result<Answer<ListRolesOutput>, ApiError> {
    let permit = cx.list_under::<ListRoles>("role", input.path_prefix.as_deref())?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = cx.snapshot.list_entities(permit, prefix, &paging.after, paging.limit);
    Ok(Answer::Output(ListRolesOutput {
        roles: page
            .entries
            .iter()
            .map(|view| iam::listed_role(&view.stored, &cx.snapshot))
            .collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |view| view.stored.name.folded()),
    }))
}
