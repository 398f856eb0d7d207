//! `DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId}` → 204.

use portcullis_model::lambda::{operation::RemovePermission, types::RemovePermissionInput};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::{RequestCx, resource_of},
    error::ApiError,
};

pub(crate) async fn remove_permission(
    cx: &RequestCx<'_>,
    input: RemovePermissionInput,
) -> Result<Answer<()>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let resource = resource_of::<RemovePermission>(cx.resolve(name, qualifier)?.target());
    let statement = cx.snapshot.statement(&resource, &input.statement_id);
    let parameters = Parameters::default()
        .with("lambda:principal", statement.as_ref().and_then(|s| s.principal()))
        .with(
            "lambda:functionurlauthtype",
            statement.as_ref().and_then(|s| s.function_url_auth_type()),
        );
    let permit = cx.function::<RemovePermission>(name, qualifier, &parameters)?;
    let expected = input.revision_id.as_deref();
    let removed = (input.statement_id.as_str(), statement.as_ref());
    cx.state.catalog.remove_permission(permit, removed, expected).await?;
    Ok(Answer::Output(()))
}
