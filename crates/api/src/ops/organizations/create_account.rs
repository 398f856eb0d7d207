//! Organizations `CreateAccount`: makes an account with a role that lets the management account in.

use portcullis_catalog::WholeOrganization;
use portcullis_identity::organization::{AccountRequest, OrganizationError};
use portcullis_model::organizations::{
    operation::CreateAccount,
    types::{CreateAccountInput, CreateAccountOutput, IAMUserAccessToBilling},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, parsed},
};

pub(crate) async fn create_account(
    cx: &RequestCx<'_>,
    input: CreateAccountInput,
) -> Result<Answer<CreateAccountOutput>, ApiError> {
    let parameters = Parameters::default().tagged(organizations::pairs(input.tags.as_deref()));
    let whole = WholeOrganization::new(&cx.snapshot, cx.account());
    let permit = cx.tagging::<CreateAccount, _>(whole, &parameters)?;
    let tags = organizations::tags(input.tags.as_deref())?;
    if input.iam_user_access_to_billing == Some(IAMUserAccessToBilling::Deny) {
        // Nothing here is billed, so that there is nothing to keep users from.
        return Err(OrganizationError::ParameterUnsupported("IamUserAccessToBilling").into());
    }
    let request = AccountRequest {
        name: parsed(&input.account_name)?,
        email: parsed(&input.email)?,
        role: parsed(input.role_name.as_deref().unwrap_or("OrganizationAccountAccessRole"))?,
    };
    let (id, made) = cx.state.catalog.create_account(permit, &request, &tags, cx.now()).await?;
    let status = organizations::create_account_status(&id, &made);
    Ok(Answer::Output(CreateAccountOutput { create_account_status: Some(status) }))
}
