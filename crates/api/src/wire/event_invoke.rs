//! How events are handled, on the wire: what the operations take, and what they show.

use portcullis_lambda::{
    DestinationsInput, EventAgeSeconds, EventInvokeConfig, EventInvokeInput, LambdaError,
    RetryAttempts, Target,
};
use portcullis_model::{
    EpochSeconds,
    lambda::types::{
        DestinationConfig, FunctionEventInvokeConfig, OnFailure, OnSuccess,
        PutFunctionEventInvokeConfigInput, UpdateFunctionEventInvokeConfigInput,
    },
};

/// What `PutFunctionEventInvokeConfig` asks for.
///
/// # Errors
/// Numbers outside their limits, which validation should have refused.
pub(crate) fn put(
    input: PutFunctionEventInvokeConfigInput,
) -> Result<EventInvokeInput, LambdaError> {
    let numbers = (input.maximum_retry_attempts, input.maximum_event_age_in_seconds);
    asked(numbers, input.destination_config)
}

/// What `UpdateFunctionEventInvokeConfig` asks for.
///
/// # Errors
/// As [`put`].
pub(crate) fn update(
    input: UpdateFunctionEventInvokeConfigInput,
) -> Result<EventInvokeInput, LambdaError> {
    let numbers = (input.maximum_retry_attempts, input.maximum_event_age_in_seconds);
    asked(numbers, input.destination_config)
}

fn asked(
    (retries, age): (Option<i32>, Option<i32>),
    destinations: Option<DestinationConfig>,
) -> Result<EventInvokeInput, LambdaError> {
    let of = |config: DestinationConfig| DestinationsInput {
        on_success: config.on_success.and_then(|to| to.destination),
        on_failure: config.on_failure.and_then(|to| to.destination),
    };
    Ok(EventInvokeInput {
        retry_attempts: retries.map(|retries| RetryAttempts::new(retries.into())).transpose()?,
        event_age: age.map(|age| EventAgeSeconds::new(age.into())).transpose()?,
        destinations: destinations.map(of),
    })
}

/// A configuration as every operation shows it: both destinations, empty where there is none.
pub(crate) fn shown(config: &EventInvokeConfig) -> FunctionEventInvokeConfig {
    let text = |target: &Option<Target>| target.as_ref().map(Target::to_string);
    let to = &config.destinations;
    FunctionEventInvokeConfig {
        last_modified: Some(EpochSeconds(config.modified)),
        function_arn: Some(config.target().to_string()),
        maximum_retry_attempts: config.retry_attempts.map(|retries| retries.get().into()),
        maximum_event_age_in_seconds: config.event_age.map(|age| age.get().into()),
        destination_config: Some(DestinationConfig {
            on_success: Some(OnSuccess { destination: text(&to.on_success) }),
            on_failure: Some(OnFailure { destination: text(&to.on_failure) }),
        }),
    }
}
