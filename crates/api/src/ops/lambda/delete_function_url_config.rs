//! `DELETE /2021-10-31/functions/{FunctionName}/url` → 204.

use portcullis_model::lambda::{
    operation::DeleteFunctionUrlConfig, types::DeleteFunctionUrlConfigInput,
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::url};

pub(crate) async fn delete_function_url_config(
    cx: &RequestCx<'_>,
    input: DeleteFunctionUrlConfigInput,
) -> Result<Answer<()>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let parameters = url::keys::<DeleteFunctionUrlConfig>(cx, name, qualifier, None)?;
    let permit = cx.function::<DeleteFunctionUrlConfig>(name, qualifier, &parameters)?;
    cx.state.catalog.delete_url(permit).await?;
    Ok(Answer::Output(()))
}
