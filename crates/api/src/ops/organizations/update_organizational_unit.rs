//! Organizations `UpdateOrganizationalUnit`: gives a unit another name.

use portcullis_identity::organization::OrganizationalUnitId;
use portcullis_model::organizations::{
    operation::UpdateOrganizationalUnit,
    types::{UpdateOrganizationalUnitInput, UpdateOrganizationalUnitOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{Shown, parsed},
};

pub(crate) async fn update_organizational_unit(
    cx: &RequestCx<'_>,
    input: UpdateOrganizationalUnitInput,
) -> Result<Answer<UpdateOrganizationalUnitOutput>, ApiError> {
    let id: OrganizationalUnitId = parsed(&input.organizational_unit_id)?;
    let permit = cx.organization_part::<UpdateOrganizationalUnit, _>(id)?;
    let name = input.name.as_deref().map(parsed).transpose()?;
    let (view, id) = cx.state.catalog.update_organizational_unit(permit, name.as_ref()).await?;
    let organizational_unit = Shown::new(&cx.snapshot, &view).unit(&id);
    Ok(Answer::Output(UpdateOrganizationalUnitOutput { organizational_unit }))
}
