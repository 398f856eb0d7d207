//! `GET /2021-10-31/functions/{FunctionName}/url` → 200.

use portcullis_model::lambda::{
    operation::GetFunctionUrlConfig,
    types::{GetFunctionUrlConfigInput, GetFunctionUrlConfigOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::url};

pub(crate) async fn get_function_url_config(
    cx: &RequestCx<'_>,
    input: GetFunctionUrlConfigInput,
) -> Result<Answer<GetFunctionUrlConfigOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let parameters = url::keys::<GetFunctionUrlConfig>(cx, name, qualifier, None)?;
    let permit = cx.function::<GetFunctionUrlConfig>(name, qualifier, &parameters)?;
    Ok(Answer::Output(url::shown(cx, &*cx.snapshot.get_url(permit)?)))
}
