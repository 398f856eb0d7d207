//! `GET /2015-03-31/event-source-mappings/{UUID}` → 200.

use portcullis_lambda::MappingState;
use portcullis_model::lambda::types::{
    EventSourceMappingConfiguration, GetEventSourceMappingInput,
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::event_source,
};

pub(crate) async fn get_event_source_mapping(
    cx: &RequestCx<'_>,
    input: GetEventSourceMappingInput,
) -> Result<Answer<EventSourceMappingConfiguration>, ApiError> {
    let resource = shared::event_source_mapping(cx, &input.uuid);
    let permit = cx.authorize(resource, &Parameters::default())?;
    let mapping = cx.snapshot.get_event_source_mapping(permit)?;
    Ok(Answer::Output(event_source::shown(&mapping, MappingState::Disabled)))
}
