//! `DELETE /2019-09-30/functions/{FunctionName}/provisioned-concurrency` → 204.

use portcullis_model::lambda::{
    operation::DeleteProvisionedConcurrencyConfig, types::DeleteProvisionedConcurrencyConfigInput,
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_provisioned_concurrency_config(
    cx: &RequestCx<'_>,
    input: DeleteProvisionedConcurrencyConfigInput,
) -> Result<Answer<()>, ApiError> {
    let (name, qualifier) = (&input.function_name, Some(input.qualifier.as_str()));
    let none = Parameters::default();
    let permit = cx.function::<DeleteProvisionedConcurrencyConfig>(name, qualifier, &none)?;
    cx.state.catalog.delete_provisioned_concurrency(permit).await?;
    Ok(Answer::Output(()))
}
