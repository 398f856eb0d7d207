//! `GET /2017-03-31/tags/{Resource}` → 200.

use portcullis_model::lambda::{
    operation::ListTags,
    types::{ListTagsInput, ListTagsOutput},
};

use super::shared;
use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn list_tags(
    cx: &RequestCx<'_>,
    input: ListTagsInput,
) -> Result<Answer<ListTagsOutput>, ApiError> {
    let permit = shared::taggable::<ListTags>(cx, &input.resource, &Parameters::default())?;
    let tags = cx.snapshot.list_tags(permit)?;
    let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    Ok(Answer::Output(ListTagsOutput { tags: Some(tags.iter().map(own).collect()) }))
}
