//! `PUT /2015-03-31/event-source-mappings/{UUID}` → 202.

use portcullis_model::{
    authorization_of,
    lambda::{
        operation::UpdateEventSourceMapping,
        types::{EventSourceMappingConfiguration, UpdateEventSourceMappingInput},
    },
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::event_source,
};

pub(crate) async fn update_event_source_mapping(
    cx: &RequestCx<'_>,
    input: UpdateEventSourceMappingInput,
) -> Result<Answer<EventSourceMappingConfiguration>, ApiError> {
    let (resource, none) = (shared::event_source_mapping(cx, &input.uuid), Parameters::default());
    let named = input.function_name.as_deref().map(|name| cx.resolve(name, None)).transpose()?;
    if let Some(resolution) = &named {
        // Who may change the mapping of one function may not so point it at another.
        let moved = resource.with(resolution.target().function.clone());
        cx.check(authorization_of::<UpdateEventSourceMapping>().action, &moved, &none)?;
    }
    let permit = cx.authorize(resource, &none)?;
    let target = named.map(portcullis_lambda::Resolution::check).transpose()?;
    let (asked, catalog) = (event_source::update(&input), &cx.state.catalog);
    let (changed, state) =
        catalog.update_event_source_mapping(permit, target.as_ref(), &asked, cx.now()).await?;
    Ok(Answer::Output(event_source::shown(&changed, state)))
}
