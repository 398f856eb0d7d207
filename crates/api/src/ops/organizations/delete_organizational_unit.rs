//! Organizations `DeleteOrganizationalUnit`: removes a unit, in which nothing may be.

use portcullis_identity::organization::OrganizationalUnitId;
use portcullis_model::organizations::{
    operation::DeleteOrganizationalUnit, types::DeleteOrganizationalUnitInput,
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::organizations::parsed};

pub(crate) async fn delete_organizational_unit(
    cx: &RequestCx<'_>,
    input: DeleteOrganizationalUnitInput,
) -> Result<Answer<()>, ApiError> {
    let id: OrganizationalUnitId = parsed(&input.organizational_unit_id)?;
    let permit = cx.organization_part::<DeleteOrganizationalUnit, _>(id)?;
    cx.state.catalog.delete_organizational_unit(permit).await?;
    Ok(Answer::Output(()))
}
