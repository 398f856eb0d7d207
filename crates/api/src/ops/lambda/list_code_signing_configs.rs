//! `GET /2020-04-22/code-signing-configs` → 200.

use portcullis_catalog::WholeAccount;
use portcullis_model::lambda::types::{ListCodeSigningConfigsInput, ListCodeSigningConfigsOutput};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{code_signing, marker},
};

pub(crate) async fn list_code_signing_configs(
    cx: &RequestCx<'_>,
    input: ListCodeSigningConfigsInput,
) -> Result<Answer<ListCodeSigningConfigsOutput>, ApiError> {
    let permit = cx.authorize(WholeAccount(cx.account()), &Parameters::default())?;
    let after = marker::decode(input.marker.as_deref())?;
    let limit = marker::page_entries(input.max_items);
    let region = &cx.state.region;
    let page = cx.snapshot.list_code_signing_configs(permit, region, after.as_deref(), limit);
    let last = page.entries.last().filter(|_| page.more);
    Ok(Answer::Output(ListCodeSigningConfigsOutput {
        next_marker: last.map(|config| marker::encode(config.arn().id())),
        code_signing_configs: Some(
            page.entries.iter().map(|config| code_signing::shown(config)).collect(),
        ),
    }))
}
