//! `POST /2014-11-13/functions/{FunctionName}/invoke-async` → 202: the old way to send an event,
//! under an action of its own.

use portcullis_model::lambda::{
    operation::InvokeAsync,
    types::{InvokeAsyncInput, InvokeAsyncOutput},
};

use super::invoke::accept;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn invoke_async(
    cx: &RequestCx<'_>,
    input: InvokeAsyncInput,
) -> Result<Answer<InvokeAsyncOutput>, ApiError> {
    let none = Parameters::default();
    let permit = cx.function::<InvokeAsync>(&input.function_name, None, &none)?;
    let permit = cx.created(permit, &none).await?;
    Ok(Answer::Whole(accept(cx, permit, None).await?))
}
