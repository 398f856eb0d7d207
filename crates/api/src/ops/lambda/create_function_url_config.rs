//! `POST /2021-10-31/functions/{FunctionName}/url` → 201.

use portcullis_model::lambda::{
    operation::CreateFunctionUrlConfig,
    types::{CreateFunctionUrlConfigInput, CreateFunctionUrlConfigOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::url};

pub(crate) async fn create_function_url_config(
    cx: &RequestCx<'_>,
    input: CreateFunctionUrlConfigInput,
) -> Result<Answer<CreateFunctionUrlConfigOutput>, ApiError> {
    let (name, qualifier) = (input.function_name.clone(), input.qualifier.clone());
    let parameters = url::keys::<CreateFunctionUrlConfig>(
        cx,
        &name,
        qualifier.as_deref(),
        Some(input.auth_type),
    )?;
    let permit =
        cx.function::<CreateFunctionUrlConfig>(&name, qualifier.as_deref(), &parameters)?;
    let asked = url::requested(input);
    let made = cx.state.catalog.create_url(permit, &asked, &url::fresh_id()?, cx.now()).await?;
    Ok(Answer::Output(url::created(cx, &made)))
}
