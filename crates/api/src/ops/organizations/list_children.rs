//! Organizations `ListChildren`: the units or the accounts right below a root or unit, by id.

use portcullis_identity::organization::ChildId;
use portcullis_model::organizations::{
    operation::ListChildren,
    types::{Child, ChildType, ListChildrenInput, ListChildrenOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging, parsed},
};

pub(crate) async fn list_children(
    cx: &RequestCx<'_>,
    input: ListChildrenInput,
) -> Result<Answer<ListChildrenOutput>, ApiError> {
    let permit = cx.organization_part::<ListChildren, _>(parsed(&input.parent_id)?)?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let units = input.child_type == ChildType::OrganizationalUnit;
    let page = cx.snapshot.list_children(permit, units, &paging.after, paging.limit)?;
    let child = |id: &ChildId| Child { id: Some(id.to_string()), r#type: Some(input.child_type) };
    Ok(Answer::Output(ListChildrenOutput {
        children: Some(page.entries.iter().map(child).collect()),
        next_token: organizations::next_token(&page, ToString::to_string),
    }))
}
