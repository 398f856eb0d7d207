//! Organizations `DeleteOrganization`: ends the organization that the caller's account manages alone.

use portcullis_model::organizations::operation::DeleteOrganization;

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_organization(
    cx: &RequestCx<'_>,
    (): (),
) -> Result<Answer<()>, ApiError> {
    let permit = cx.organization::<DeleteOrganization>()?;
    cx.state.catalog.delete_organization(permit).await?;
    Ok(Answer::Output(()))
}
