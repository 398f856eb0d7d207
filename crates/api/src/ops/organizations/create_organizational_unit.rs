//! Organizations `CreateOrganizationalUnit`: makes a unit in a root or unit.

use portcullis_identity::organization::ContainerId;
use portcullis_model::organizations::{
    operation::CreateOrganizationalUnit,
    types::{CreateOrganizationalUnitInput, CreateOrganizationalUnitOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Shown, parsed},
};

pub(crate) async fn create_organizational_unit(
    cx: &RequestCx<'_>,
    input: CreateOrganizationalUnitInput,
) -> Result<Answer<CreateOrganizationalUnitOutput>, ApiError> {
    let parent: ContainerId = parsed(&input.parent_id)?;
    let parameters = Parameters::default().tagged(organizations::pairs(input.tags.as_deref()));
    let permit = cx.tagging::<CreateOrganizationalUnit, _>(cx.part(parent), &parameters)?;
    let tags = organizations::tags(input.tags.as_deref())?;
    let name = parsed(&input.name)?;
    let (view, id) = cx.state.catalog.create_organizational_unit(permit, &name, &tags).await?;
    let organizational_unit = Shown::new(&cx.snapshot, &view).unit(&id);
    Ok(Answer::Output(CreateOrganizationalUnitOutput { organizational_unit }))
}
