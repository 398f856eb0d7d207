//! `GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL` → 200.

use portcullis_model::lambda::{
    operation::ListProvisionedConcurrencyConfigs,
    types::{ListProvisionedConcurrencyConfigsInput, ListProvisionedConcurrencyConfigsOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{marker, provisioned},
};

pub(crate) async fn list_provisioned_concurrency_configs(
    cx: &RequestCx<'_>,
    input: ListProvisionedConcurrencyConfigsInput,
) -> Result<Answer<ListProvisionedConcurrencyConfigsOutput>, ApiError> {
    let none = Parameters::default();
    let name = &input.function_name;
    let permit = cx.function::<ListProvisionedConcurrencyConfigs>(name, None, &none)?;
    let after = marker::decode(input.marker.as_deref())?;
    let limit = marker::page_entries(input.max_items);
    let page = cx.snapshot.list_provisioned_concurrency(permit, after.as_deref(), limit)?;
    let last = page.entries.last().filter(|_| page.more);
    let progress = |config| cx.state.execution.provisioned.progress(&cx.snapshot, config);
    let entry = |config| provisioned::entry(config, progress(config));
    Ok(Answer::Output(ListProvisionedConcurrencyConfigsOutput {
        next_marker: last.map(|config| marker::encode(&config.qualifier.to_string())),
        provisioned_concurrency_configs: Some(
            page.entries.iter().map(|config| entry(config)).collect(),
        ),
    }))
}
