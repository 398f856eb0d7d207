//! `PUT /2019-09-30/functions/{FunctionName}/provisioned-concurrency` → 202.

use portcullis_lambda::{LambdaError, ProvisionedCalls};
use portcullis_model::lambda::{
    operation::PutProvisionedConcurrencyConfig,
    types::{PutProvisionedConcurrencyConfigInput, PutProvisionedConcurrencyConfigOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::provisioned,
};

pub(crate) async fn put_provisioned_concurrency_config(
    cx: &RequestCx<'_>,
    input: PutProvisionedConcurrencyConfigInput,
) -> Result<Answer<PutProvisionedConcurrencyConfigOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, Some(input.qualifier.as_str()));
    let none = Parameters::default();
    let permit = cx.function::<PutProvisionedConcurrencyConfig>(name, qualifier, &none)?;
    let asked = ProvisionedCalls::new(input.provisioned_concurrent_executions.into());
    let (asked, limit) =
        (asked.map_err(LambdaError::from)?, cx.state.execution.concurrency.limit());
    let catalog = &cx.state.catalog;
    let config = catalog.put_provisioned_concurrency(permit, asked, limit, cx.now()).await?;
    Ok(Answer::Output(provisioned::begun(&config)))
}
