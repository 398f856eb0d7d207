//! Organizations `LeaveOrganization`: takes the caller's account out of its organization.

use portcullis_catalog::WholeOrganization;
use portcullis_model::organizations::operation::LeaveOrganization;

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn leave_organization(cx: &RequestCx<'_>, (): ()) -> Result<Answer<()>, ApiError> {
    let whole = WholeOrganization::seen_by_member(cx.account());
    let permit = cx.authorize::<LeaveOrganization, _>(whole, &Parameters::default())?;
    cx.state.catalog.leave_organization(permit).await?;
    Ok(Answer::Output(()))
}
