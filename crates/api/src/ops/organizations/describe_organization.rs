//! Organizations `DescribeOrganization`: the organization that the caller's account is in, for
//! every member.

use portcullis_catalog::WholeOrganization;
use portcullis_model::organizations::{
    operation::DescribeOrganization, types::DescribeOrganizationOutput,
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError,
    wire::organizations::Shown,
};

pub(crate) async fn describe_organization(
    cx: &RequestCx<'_>,
    (): (),
) -> Result<Answer<DescribeOrganizationOutput>, ApiError> {
    let whole = WholeOrganization::seen_by_member(cx.account());
    let permit = cx.authorize::<DescribeOrganization, _>(whole, &Parameters::default())?;
    let view = cx.snapshot.describe_organization(permit)?;
    let organization = Shown::new(&cx.snapshot, &view).organization();
    Ok(Answer::Output(DescribeOrganizationOutput { organization: Some(organization) }))
}
