//! Organizations `ListParents`: the root or unit that a unit or account is in.

use portcullis_identity::organization::ChildId;
use portcullis_model::organizations::{
    operation::ListParents,
    types::{ListParentsInput, ListParentsOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging, parsed},
};

pub(crate) async fn list_parents(
    cx: &RequestCx<'_>,
    input: ListParentsInput,
) -> Result<Answer<ListParentsOutput>, ApiError> {
    let permit = cx.organization_part::<ListParents, ChildId>(parsed(&input.child_id)?)?;
    Paging::new(input.next_token.as_deref(), input.max_results)?;
    let parent = cx.snapshot.list_parents(permit)?;
    let parents = Some(vec![organizations::parent(&parent)]);
    Ok(Answer::Output(ListParentsOutput { parents, next_token: None }))
}
