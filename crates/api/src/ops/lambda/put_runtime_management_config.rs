//! `PUT /2021-07-20/functions/{FunctionName}/runtime-management-config` → 200.

use portcullis_model::lambda::{
    operation::PutRuntimeManagementConfig,
    types::{PutRuntimeManagementConfigInput, PutRuntimeManagementConfigOutput},
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn put_runtime_management_config(
    cx: &RequestCx<'_>,
    input: PutRuntimeManagementConfigInput,
) -> Result<Answer<PutRuntimeManagementConfigOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.function::<PutRuntimeManagementConfig>(name, qualifier, &none)?;
    let (mode, version) = (input.update_runtime_on, input.runtime_version_arn.as_deref());
    let catalog = &cx.state.catalog;
    let (target, updates) =
        catalog.put_runtime_management_config(permit, mode.as_str(), version).await?;
    Ok(Answer::Output(PutRuntimeManagementConfigOutput {
        update_runtime_on: mode,
        function_arn: target.to_string(),
        runtime_version_arn: updates.version_arn().map(str::to_owned),
    }))
}
