//! `GET /2021-07-20/functions/{FunctionName}/runtime-management-config` → 200.

use portcullis_lambda::RuntimeUpdates;
use portcullis_model::lambda::{
    operation::GetRuntimeManagementConfig,
    types::{GetRuntimeManagementConfigInput, GetRuntimeManagementConfigOutput, UpdateRuntimeOn},
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_runtime_management_config(
    cx: &RequestCx<'_>,
    input: GetRuntimeManagementConfigInput,
) -> Result<Answer<GetRuntimeManagementConfigOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let none = Parameters::default();
    let permit = cx.function::<GetRuntimeManagementConfig>(name, qualifier, &none)?;
    let (target, updates) = cx.snapshot.get_runtime_management_config(permit)?;
    Ok(Answer::Output(GetRuntimeManagementConfigOutput {
        update_runtime_on: Some(match updates {
            RuntimeUpdates::Auto => UpdateRuntimeOn::Auto,
            RuntimeUpdates::FunctionUpdate => UpdateRuntimeOn::FunctionUpdate,
            RuntimeUpdates::Manual(_) => UpdateRuntimeOn::Manual,
        }),
        function_arn: Some(target.to_string()),
        runtime_version_arn: updates.version_arn().map(str::to_owned),
    }))
}
