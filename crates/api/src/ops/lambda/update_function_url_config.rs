//! `PUT /2021-10-31/functions/{FunctionName}/url` → 200.

use portcullis_model::lambda::{
    operation::UpdateFunctionUrlConfig,
    types::{UpdateFunctionUrlConfigInput, UpdateFunctionUrlConfigOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::url};

pub(crate) async fn update_function_url_config(
    cx: &RequestCx<'_>,
    input: UpdateFunctionUrlConfigInput,
) -> Result<Answer<UpdateFunctionUrlConfigOutput>, ApiError> {
    let (name, qualifier) = (input.function_name.clone(), input.qualifier.clone());
    let parameters =
        url::keys::<UpdateFunctionUrlConfig>(cx, &name, qualifier.as_deref(), input.auth_type)?;
    let permit =
        cx.function::<UpdateFunctionUrlConfig>(&name, qualifier.as_deref(), &parameters)?;
    let change = url::change(input);
    let changed = cx.state.catalog.update_url(permit, &change, cx.now()).await?;
    Ok(Answer::Output(url::updated(cx, &changed)))
}
