//! `POST /_portcullis/access-keys` → 201: a key that signs as a service principal (design.md §6).
//! For callers of the operator's account.

use portcullis_identity::{IdentityError, ServiceName};
use portcullis_model::portcullis::{
    operation::CreateServiceAccessKey,
    types::{CreateServiceAccessKeyInput, CreateServiceAccessKeyOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::portcullis};

pub(crate) async fn create_service_access_key(
    cx: &RequestCx<'_>,
    input: CreateServiceAccessKeyInput,
) -> Result<Answer<CreateServiceAccessKeyOutput>, ApiError> {
    let permit = cx.installation::<CreateServiceAccessKey>()?;
    let service: ServiceName = input.service_name.parse().map_err(IdentityError::from)?;
    let key = cx.state.catalog.create_service_access_key(permit, &service, cx.now()).await?;
    Ok(Answer::Output(CreateServiceAccessKeyOutput { access_key: portcullis::access_key(&key) }))
}
