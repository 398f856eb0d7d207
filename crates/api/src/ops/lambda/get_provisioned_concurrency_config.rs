//! `GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency` → 200.

use portcullis_model::lambda::{
    operation::GetProvisionedConcurrencyConfig,
    types::{GetProvisionedConcurrencyConfigInput, GetProvisionedConcurrencyConfigOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::provisioned,
};

pub(crate) async fn get_provisioned_concurrency_config(
    cx: &RequestCx<'_>,
    input: GetProvisionedConcurrencyConfigInput,
) -> Result<Answer<GetProvisionedConcurrencyConfigOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, Some(input.qualifier.as_str()));
    let none = Parameters::default();
    let permit = cx.function::<GetProvisionedConcurrencyConfig>(name, qualifier, &none)?;
    let config = cx.snapshot.get_provisioned_concurrency(permit)?;
    let progress = cx.state.execution.provisioned.progress(&cx.snapshot, &config);
    Ok(Answer::Output(provisioned::shown(&config, progress)))
}
