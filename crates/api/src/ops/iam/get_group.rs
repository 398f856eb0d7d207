//! IAM `GetGroup`: a group and the users in it.

use portcullis_model::iam::{
    operation::GetGroup,
    types::{GetGroupInput, GetGroupOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::iam::{self, Paging},
};

pub(crate) async fn get_group(
    cx: &RequestCx<'_>,
    input: GetGroupInput,
) -> Result<Answer<GetGroupOutput>, ApiError> {
    let permit = cx.group::<GetGroup>(&input.group_name)?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let (group, page) = cx.snapshot.get_group(permit, &paging.after, paging.limit)?;
    let partition = cx.state.partition;
    Ok(Answer::Output(GetGroupOutput {
        group: iam::group(&group.stored, partition),
        users: page.entries.iter().map(|view| iam::listed_user(&view.stored, partition)).collect(),
        is_truncated: Some(page.more),
        marker: iam::next_marker(&page, |view| view.stored.name.folded()),
    }))
}
