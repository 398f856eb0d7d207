//! `GET /2015-03-31/functions/{FunctionName}` → 200, with a link to the code and the tags.

use std::collections::BTreeMap;

use portcullis_catalog::{FunctionResource, effects::Resolved};
use portcullis_lambda::Target;
use portcullis_model::lambda::{
    operation::GetFunction,
    types::{Concurrency, FunctionCodeLocation, GetFunctionInput, GetFunctionOutput, TagsError},
};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_function(
    cx: &RequestCx<'_>,
    input: GetFunctionInput,
) -> Result<Answer<GetFunctionOutput>, ApiError> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let permit = cx.function::<GetFunction>(name, qualifier, &Parameters::default())?;
    let resolved = cx.snapshot.get_function(permit)?;
    let (tags, tags_error) = tags(cx, &resolved);
    Ok(Answer::Output(GetFunctionOutput {
        configuration: Some(shared::resolved(cx, &resolved)),
        code: Some(code(cx, &resolved)),
        tags,
        tags_error,
        concurrency: concurrency(&resolved),
    }))
}

/// What the function has reserved, unless the request names a version or alias (`§6.3`).
fn concurrency(resolved: &Resolved) -> Option<Concurrency> {
    let reserved =
        resolved.function.head.reserved().filter(|_| resolved.target.qualifier.is_none());
    let calls = shared::calls(reserved?);
    Some(Concurrency { reserved_concurrent_executions: Some(calls) })
}

/// Where the code is.
fn code(cx: &RequestCx<'_>, resolved: &Resolved) -> FunctionCodeLocation {
    FunctionCodeLocation {
        repository_type: Some("S3".to_owned()),
        location: Some(cx.code_link(&resolved.deployment().code.sha256)),
        ..FunctionCodeLocation::default()
    }
}

/// The tags, if there are any and the caller may list them, else why not.
fn tags(
    cx: &RequestCx<'_>,
    resolved: &Resolved,
) -> (Option<BTreeMap<String, String>>, Option<TagsError>) {
    let tags = resolved.function.head.tags();
    let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let function = Target::unqualified(resolved.function.arn().clone());
    let listing =
        cx.check("lambda:ListTags", &FunctionResource::new(function), &Parameters::default());
    match listing {
        Ok(()) => ((!tags.is_empty()).then(|| tags.iter().map(own).collect()), None),
        Err(denied) => {
            let error_code = "AccessDeniedException".to_owned();
            (None, Some(TagsError { error_code, message: denied.to_string() }))
        }
    }
}
