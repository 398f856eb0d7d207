//! `POST /2015-03-31/event-source-mappings` → 202.

use portcullis_catalog::{EventSourceMappingResource, WholeAccount};
use portcullis_lambda::{EventSourceMappingArn, LambdaError, MappingState, Tags};
use portcullis_model::lambda::types::{
    CreateEventSourceMappingInput, EventSourceMappingConfiguration,
};

use super::shared;
use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::event_source,
};

pub(crate) async fn create_event_source_mapping(
    cx: &RequestCx<'_>,
    mut input: CreateEventSourceMappingInput,
) -> Result<Answer<EventSourceMappingConfiguration>, ApiError> {
    let (random, tags) = (uuid::Uuid::new_v4(), input.tags.take().unwrap_or_default());
    let resolution = cx.resolve(&input.function_name, None)?;
    let function = resolution.target().function.as_str().to_owned();
    let parameters = Parameters::default()
        .creating(shared::pairs(&tags))
        .with("lambda:functionarn", Some(function));
    let permit = cx.authorize(WholeAccount(cx.account()), &parameters)?;
    if !tags.is_empty() {
        let account = cx.account().as_str().parse().map_err(LambdaError::from)?;
        let arn = EventSourceMappingArn::new(&cx.state.region, &account, random);
        cx.check("lambda:TagResource", &EventSourceMappingResource::from(arn), &parameters)?;
    }
    let (target, place) = (resolution.check()?, (&cx.state.region, random));
    let asked = (event_source::create(&input), Tags::new(tags.clone())?);
    let catalog = &cx.state.catalog;
    let made = catalog.create_event_source_mapping(permit, place, &target, asked, cx.now()).await?;
    Ok(Answer::Output(event_source::shown(&made, MappingState::Creating)))
}
