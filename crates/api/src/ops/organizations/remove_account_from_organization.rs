//! Organizations `RemoveAccountFromOrganization`: takes an account out, which goes on alone.

use portcullis_model::organizations::{
    operation::RemoveAccountFromOrganization, types::RemoveAccountFromOrganizationInput,
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::organizations::parsed};

pub(crate) async fn remove_account_from_organization(
    cx: &RequestCx<'_>,
    input: RemoveAccountFromOrganizationInput,
) -> Result<Answer<()>, ApiError> {
    let id = parsed(&input.account_id)?;
    let permit = cx.organization_part::<RemoveAccountFromOrganization, _>(id)?;
    cx.state.catalog.remove_account(permit).await?;
    Ok(Answer::Output(()))
}
