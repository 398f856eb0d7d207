//! `POST /_portcullis/explain` → 200: how a call that nobody made would be decided, and why. For the
//! account that owns the resource.

use http::HeaderMap;
use portcullis_catalog::{SupposedCall, WholeAccount};
use portcullis_lambda::NARROWING;
use portcullis_model::portcullis::{operation::Explain, types::ExplainInput};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::portcullis::{self, Mending},
};

pub(crate) async fn explain(
    cx: &RequestCx<'_>,
    input: ExplainInput,
) -> Result<Answer<()>, ApiError> {
    let none = Parameters::default();
    let permit = cx.authorize::<Explain, _>(WholeAccount(cx.account()), &none)?;
    let given = portcullis::supposed_keys(input.context.unwrap_or_default());
    let (no_headers, origin) = (HeaderMap::new(), cx.origin());
    let call = SupposedCall {
        principal: &input.principal,
        action: &input.action,
        resource: &input.resource,
        given: &given,
        usual: &cx.usual_keys(&no_headers, &none),
        time: cx.now(),
    };
    let mending = Mending { origin: &origin, snapshot: &cx.snapshot };
    let told = cx.snapshot.suppose(permit, &call, &NARROWING, |explanation, proviso| {
        portcullis::supposed(explanation, proviso, mending)
    })?;
    Ok(Answer::Rendered(told))
}
