//! `GET /_portcullis/decisions/{RequestId}` → 200: what was decided for a request, and why. For the
//! account that owns the resource: of others' requests it learns nothing.

use portcullis_catalog::{WholeAccount, decisions::RequestId};
use portcullis_model::portcullis::{operation::GetDecision, types::GetDecisionInput};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::portcullis::{self, Mending},
};

pub(crate) async fn get_decision(
    cx: &RequestCx<'_>,
    input: GetDecisionInput,
) -> Result<Answer<()>, ApiError> {
    let permit =
        cx.authorize::<GetDecision, _>(WholeAccount(cx.account()), &Parameters::default())?;
    let unknown = || ApiError::NoDecision(input.request_id.clone());
    let id = RequestId::parse(&input.request_id).ok_or_else(unknown)?;
    let found = cx.state.decisions.find(permit, &id).await.map_err(ApiError::internal)?;
    if found.is_empty() {
        return Err(unknown());
    }
    let mending = Mending { origin: &cx.origin(), snapshot: &cx.snapshot };
    Ok(Answer::Rendered(portcullis::decisions(&id, &found, mending)))
}
