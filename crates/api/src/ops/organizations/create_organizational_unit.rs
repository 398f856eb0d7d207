//! Organizations `CreateOrganizationalUnit`: makes a unit in a root or unit.

use portcullis_model::organizations::{
    operation::CreateOrganizationalUnit,
    types::{CreateOrganizationalUnitInput, CreateOrganizationalUnitOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, Shown, parsed},
};

pub(crate) async fn create_organizational_unit(
    cx: &RequestCx<'_>,
    input: CreateOrganizationalUnitInput,
) -> Result<Answer<CreateOrganizationalUnitOutput>, ApiError> {
    let permit = cx.organization_part::<CreateOrganizationalUnit, _>(parsed(&input.parent_id)?)?;
    organizations::no_tags(input.tags.as_deref())?;
    let name = parsed(&input.name)?;
    let (view, id) = cx.state.catalog.create_organizational_unit(permit, &name).await?;
    let organizational_unit = Shown::new(&cx.snapshot, &view).unit(&id);
    Ok(Answer::Output(CreateOrganizationalUnitOutput { organizational_unit }))
}
