//! Organizations `DescribeOrganizationalUnit`: a unit of the organization.

use portcullis_identity::organization::OrganizationalUnitId;
use portcullis_model::organizations::{
    operation::DescribeOrganizationalUnit,
    types::{DescribeOrganizationalUnitInput, DescribeOrganizationalUnitOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{Shown, parsed},
};

pub(crate) async fn describe_organizational_unit(
    cx: &RequestCx<'_>,
    input: DescribeOrganizationalUnitInput,
) -> Result<Answer<DescribeOrganizationalUnitOutput>, ApiError> {
    let id: OrganizationalUnitId = parsed(&input.organizational_unit_id)?;
    let permit = cx.organization_part::<DescribeOrganizationalUnit, _>(id)?;
    let (view, id) = cx.snapshot.describe_organizational_unit(permit)?;
    let organizational_unit = Shown::new(&cx.snapshot, &view).unit(&id);
    Ok(Answer::Output(DescribeOrganizationalUnitOutput { organizational_unit }))
}
