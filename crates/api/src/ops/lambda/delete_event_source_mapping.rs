//! `DELETE /2015-03-31/event-source-mappings/{UUID}` → 202, with what it was.

use portcullis_lambda::MappingState;
use portcullis_model::lambda::types::{
    DeleteEventSourceMappingInput, EventSourceMappingConfiguration,
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::event_source,
};

pub(crate) async fn delete_event_source_mapping(
    cx: &RequestCx<'_>,
    input: DeleteEventSourceMappingInput,
) -> Result<Answer<EventSourceMappingConfiguration>, ApiError> {
    let resource = shared::event_source_mapping(cx, &input.uuid);
    let permit = cx.authorize(resource, &Parameters::default())?;
    let mapping = cx.state.catalog.delete_event_source_mapping(permit).await?;
    Ok(Answer::Output(event_source::shown(&mapping, MappingState::Deleting)))
}
