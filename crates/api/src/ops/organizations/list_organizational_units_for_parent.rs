//! Organizations `ListOrganizationalUnitsForParent`: the units right below a root or unit, by id.

use portcullis_identity::organization::ContainerId;
use portcullis_model::organizations::{
    operation::ListOrganizationalUnitsForParent,
    types::{ListOrganizationalUnitsForParentInput, ListOrganizationalUnitsForParentOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Paging, Shown, parsed},
};

pub(crate) async fn list_organizational_units_for_parent(
    cx: &RequestCx<'_>,
    input: ListOrganizationalUnitsForParentInput,
) -> Result<Answer<ListOrganizationalUnitsForParentOutput>, ApiError> {
    let parent: ContainerId = parsed(&input.parent_id)?;
    let permit = cx.organization_part::<ListOrganizationalUnitsForParent, _>(parent)?;
    let paging = Paging::new(input.next_token.as_deref(), input.max_results)?;
    let (view, page) =
        cx.snapshot.list_organizational_units(permit, &paging.after, paging.limit)?;
    let shown = Shown::new(&cx.snapshot, &view);
    Ok(Answer::Output(ListOrganizationalUnitsForParentOutput {
        organizational_units: Some(page.entries.iter().filter_map(|id| shown.unit(id)).collect()),
        next_token: organizations::next_token(&page, ToString::to_string),
    }))
}
