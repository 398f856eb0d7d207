//! Event source mappings on the wire: what the operations take, and what they show.

use portcullis_lambda::{
    EventSourceMapping, MappingInput, MappingState, NOT_POLLED, Setting, Settings,
};
use portcullis_model::{
    EpochSeconds,
    lambda::types::{
        CreateEventSourceMappingInput, EventSourceMappingConfiguration,
        UpdateEventSourceMappingInput,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The parameters that both operations have.
macro_rules! changeable {
    ($input:ident) => {
        [
            (Setting::BatchSize, value(&$input.batch_size)),
            (Setting::BatchingWindow, value(&$input.maximum_batching_window_in_seconds)),
            (Setting::FilterCriteria, value(&$input.filter_criteria)),
            (Setting::KmsKeyArn, value(&$input.kms_key_arn)),
            (Setting::MetricsConfig, value(&$input.metrics_config)),
            (Setting::LoggingConfig, value(&$input.logging_config)),
            (Setting::ScalingConfig, value(&$input.scaling_config)),
            (Setting::ParallelizationFactor, value(&$input.parallelization_factor)),
            (Setting::DestinationConfig, value(&$input.destination_config)),
            (Setting::MaximumRecordAge, value(&$input.maximum_record_age_in_seconds)),
            (Setting::BisectBatch, value(&$input.bisect_batch_on_function_error)),
            (Setting::MaximumRetryAttempts, value(&$input.maximum_retry_attempts)),
            (Setting::TumblingWindow, value(&$input.tumbling_window_in_seconds)),
            (Setting::SourceAccess, value(&$input.source_access_configurations)),
            (Setting::FunctionResponseTypes, value(&$input.function_response_types)),
            (Setting::ManagedKafkaConfig, value(&$input.amazon_managed_kafka_event_source_config)),
            (
                Setting::SelfManagedKafkaConfig,
                value(&$input.self_managed_kafka_event_source_config),
            ),
            (Setting::DocumentDbConfig, value(&$input.document_db_event_source_config)),
            (Setting::ProvisionedPollers, value(&$input.provisioned_poller_config)),
        ]
    };
}

/// What `CreateEventSourceMapping` asks for.
pub(crate) fn create(input: &CreateEventSourceMappingInput) -> MappingInput {
    let fixed = [
        (Setting::EventSourceArn, value(&input.event_source_arn)),
        (Setting::SelfManagedEventSource, value(&input.self_managed_event_source)),
        (Setting::StartingPosition, value(&input.starting_position)),
        (Setting::StartingTimestamp, value(&input.starting_position_timestamp)),
        (Setting::Topics, value(&input.topics)),
        (Setting::Queues, value(&input.queues)),
    ];
    asked(input.enabled, fixed.into_iter().chain(changeable!(input)))
}

/// What `UpdateEventSourceMapping` asks for.
pub(crate) fn update(input: &UpdateEventSourceMappingInput) -> MappingInput {
    asked(input.enabled, changeable!(input))
}

fn asked(
    enabled: Option<bool>,
    settings: impl IntoIterator<Item = (Setting, Option<Value>)>,
) -> MappingInput {
    let given = |(setting, value): (Setting, Option<Value>)| Some((setting, value?));
    MappingInput { enabled, settings: settings.into_iter().filter_map(given).collect() }
}

/// A parameter as JSON, in the shape that the model gives it.
fn value<T: Serialize>(parameter: &Option<T>) -> Option<Value> {
    serde_json::to_value(parameter.as_ref()?).ok()
}

/// A mapping as every operation shows it.
pub(crate) fn shown(
    mapping: &EventSourceMapping,
    state: MappingState,
) -> EventSourceMappingConfiguration {
    let settings = mapping.settings();
    EventSourceMappingConfiguration {
        uuid: Some(mapping.arn().id().to_owned()),
        event_source_mapping_arn: Some(mapping.arn().to_string()),
        function_arn: Some(mapping.function().to_string()),
        last_modified: Some(EpochSeconds(mapping.modified())),
        last_processing_result: Some(NOT_POLLED.to_owned()),
        state: Some(state.as_str().to_owned()),
        state_transition_reason: Some(mapping.state_reason().to_owned()),
        ..configured(settings)
    }
}

/// The parameters of a mapping as they were given.
fn configured(settings: &Settings) -> EventSourceMappingConfiguration {
    fn part<T: DeserializeOwned>(settings: &Settings, setting: Setting) -> Option<T> {
        serde_json::from_value(settings.get(setting)?.clone()).ok()
    }
    EventSourceMappingConfiguration {
        event_source_arn: part(settings, Setting::EventSourceArn),
        self_managed_event_source: part(settings, Setting::SelfManagedEventSource),
        batch_size: part(settings, Setting::BatchSize),
        maximum_batching_window_in_seconds: part(settings, Setting::BatchingWindow),
        filter_criteria: part(settings, Setting::FilterCriteria),
        kms_key_arn: part(settings, Setting::KmsKeyArn),
        metrics_config: part(settings, Setting::MetricsConfig),
        logging_config: part(settings, Setting::LoggingConfig),
        scaling_config: part(settings, Setting::ScalingConfig),
        parallelization_factor: part(settings, Setting::ParallelizationFactor),
        starting_position: part(settings, Setting::StartingPosition),
        starting_position_timestamp: part(settings, Setting::StartingTimestamp),
        destination_config: part(settings, Setting::DestinationConfig),
        maximum_record_age_in_seconds: part(settings, Setting::MaximumRecordAge),
        bisect_batch_on_function_error: part(settings, Setting::BisectBatch),
        maximum_retry_attempts: part(settings, Setting::MaximumRetryAttempts),
        tumbling_window_in_seconds: part(settings, Setting::TumblingWindow),
        topics: part(settings, Setting::Topics),
        queues: part(settings, Setting::Queues),
        source_access_configurations: part(settings, Setting::SourceAccess),
        function_response_types: part(settings, Setting::FunctionResponseTypes),
        amazon_managed_kafka_event_source_config: part(settings, Setting::ManagedKafkaConfig),
        self_managed_kafka_event_source_config: part(settings, Setting::SelfManagedKafkaConfig),
        document_db_event_source_config: part(settings, Setting::DocumentDbConfig),
        provisioned_poller_config: part(settings, Setting::ProvisionedPollers),
        ..EventSourceMappingConfiguration::default()
    }
}
