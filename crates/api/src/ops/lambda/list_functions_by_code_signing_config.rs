//! `GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions` → 200.

use portcullis_model::lambda::types::{
    ListFunctionsByCodeSigningConfigInput, ListFunctionsByCodeSigningConfigOutput,
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::marker,
};

pub(crate) async fn list_functions_by_code_signing_config(
    cx: &RequestCx<'_>,
    input: ListFunctionsByCodeSigningConfigInput,
) -> Result<Answer<ListFunctionsByCodeSigningConfigOutput>, ApiError> {
    let resource = shared::code_signing_config(&input.code_signing_config_arn)?;
    let permit = cx.authorize(resource, &Parameters::default())?;
    let after = marker::decode(input.marker.as_deref())?;
    let limit = marker::page_entries(input.max_items);
    let page =
        cx.snapshot.list_functions_by_code_signing_config(permit, after.as_deref(), limit)?;
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListFunctionsByCodeSigningConfigOutput {
        next_marker: last.map(|arn| marker::encode(arn)),
        function_arns: Some(page.entries.iter().map(|arn| arn.to_string()).collect()),
    }))
}
