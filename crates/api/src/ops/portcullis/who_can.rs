//! `POST /_portcullis/who-can` → 200: who may do something with a resource. For the account that owns
//! it.

use portcullis_catalog::WholeAccount;
use portcullis_lambda::LAMBDA_KEYS;
use portcullis_model::portcullis::{operation::WhoCan, types::WhoCanInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::portcullis,
};

pub(crate) async fn who_can(
    cx: &RequestCx<'_>,
    input: WhoCanInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.authorize::<WhoCan, _>(WholeAccount(cx.account()), &Parameters::default())?;
    let snapshot = cx.snapshot.clone();
    // An account may have thousands of users, whose policies are all looked at.
    let asked = tokio::task::spawn_blocking(move || {
        snapshot.who_can(permit, &input.action, &input.resource, &LAMBDA_KEYS)
    });
    let entries = asked.await.map_err(ApiError::internal)??;
    Ok(Answer::Rendered(portcullis::entries(&entries)))
}
