//! Why an event source mapping is refused, with AWS's text where that is known; the rest, marked
//! `[gap]`, has texts of our own here.

use super::{EventSourceMapping, Setting, SourceKind};
use crate::{Conflict, InvalidParameter, LambdaError};

/// A parameter of a mapping that the rules do not admit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventSourceRefusal {
    /// `[snap] aws-lambda.md §4.6`
    #[error("Function does not exist")]
    FunctionMissing,
    /// `[issue]`: recorded from AWS by others.
    #[error("Unrecognized event source.")]
    NoSource,
    /// `[gap]`
    #[error("EventSourceArn and SelfManagedEventSource cannot be given together.")]
    TwoSources,
    /// `[issue]`: reports of real answers; carries the ARN.
    #[error(
        "Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported source arn \
         : {0}"
    )]
    UnknownSource(Box<str>),
    /// `[gap]`; carries the ARN.
    #[error("The event source {0} is not in the region of the function.")]
    SourceElsewhere(Box<str>),
    /// `[issue]`: reports of real answers; carries the parameter.
    #[error("Unsupported {0} parameter for given event source mapping type.")]
    Unsupported(&'static str),
    /// `[issue]`: reports of real answers.
    #[error("StartingPosition is not valid for SQS event sources.")]
    PositionOfQueue,
    /// `[issue]`: recorded from AWS by others; looks like a validation error and is not one.
    #[error(
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: \
         Member must not be null."
    )]
    NoPosition,
    /// `[issue]`: recorded from AWS by others; carries the source's ARN.
    #[error("Unsupported starting position for arn type: {0}")]
    Position(Box<str>),
    /// `[gap]`
    #[error("StartingPositionTimestamp is required when StartingPosition is AT_TIMESTAMP.")]
    NoTimestamp,
    /// `[gap]`
    #[error("StartingPositionTimestamp is only supported when StartingPosition is AT_TIMESTAMP.")]
    UnusedTimestamp,
    /// `[gap]`: `[doc]` says that it is refused.
    #[error("StartingPositionTimestamp cannot be in the future.")]
    FutureTimestamp,
    /// `[issue]`: reports of real answers.
    #[error(
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater \
         than 10"
    )]
    WindowOfLargeBatch,
    /// `[gap]`: `[doc]` says that it is refused.
    #[error("Batch size must be less than or equal to 10 for FIFO queues.")]
    BatchOfFifo,
    /// `[gap]`: `[doc]` says that it is refused.
    #[error("Batching window is not supported for FIFO queues.")]
    WindowOfFifo,
    /// `[issue]`: reports of real answers.
    #[error("Invalid filter pattern definition.")]
    FilterPattern,
    /// `[gap]`: the default quota of `[doc]`.
    #[error("An event source mapping can have at most {0} filters.")]
    TooManyFilters(usize),
    /// `[gap]`: `[doc]` says what is admitted.
    #[error("MaximumRecordAgeInSeconds must be -1 or between 60 and 604800.")]
    RecordAge,
    /// `[gap]`; carries the destination.
    #[error(
        "The destination {0} is invalid: it must be an SQS queue, an SNS topic or an S3 bucket."
    )]
    Destination(Box<str>),
    /// `[issue]`: recorded from AWS by others, for `sourceAccessConfigurations`; carries the
    /// parameter.
    #[error("Required '{0}' parameter is missing.")]
    Missing(&'static str),
    /// `[gap]`; carries the type.
    #[error("Source access type {0} is not supported for given event source mapping type.")]
    AccessType(Box<str>),
    /// `[gap]`; carries the type.
    #[error("Source access type {0} needs another one beside it, or a URI, or must have none.")]
    AccessIncomplete(Box<str>),
    /// `[gap]`
    #[error("MinimumPollers and MaximumPollers of ProvisionedPollerConfig are out of range.")]
    Pollers,
    /// `[gap]`: `[doc]` says that it is refused.
    #[error("ScalingConfig and ProvisionedPollerConfig cannot be given together.")]
    ScaledPollers,
    /// `[gap]`: `[doc]` says that it is refused; carries the member.
    #[error("{0} cannot be changed after the event source mapping is created.")]
    Fixed(&'static str),
}

/// A mapping of the same source to the same function is there already. The texts are AWS's, which
/// differ by source (`[issue]`: reports of real answers).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingExists {
    /// Of a queue.
    #[error(
        "An event source mapping with SQS arn (\" {source_arn} \") and function (\" {function} \") \
         already exists. Please update or delete the existing mapping with UUID {id}"
    )]
    Queue {
        /// The queue's ARN.
        source_arn: Box<str>,
        /// The function's name.
        function: Box<str>,
        /// The mapping that is there.
        id: Box<str>,
    },
    /// Of a Kafka cluster.
    #[error(
        "An event source mapping with event source (\"{sources}\"), function (\"{function}\"), \
         topics (\"{topics}\") already exists. Please update or delete the existing mapping with \
         UUID {id}"
    )]
    Kafka {
        /// The cluster's ARN or its servers.
        sources: Box<str>,
        /// The function's ARN.
        function: Box<str>,
        /// The topics.
        topics: Box<str>,
        /// The mapping that is there.
        id: Box<str>,
    },
    /// Of any other source.
    #[error(
        "The event source arn (\" {source_arn} \") and function (\" {function} \") provided mapping \
         already exists. Please update or delete the existing mapping with UUID {id}"
    )]
    Other {
        /// The source's ARN.
        source_arn: Box<str>,
        /// The function's name.
        function: Box<str>,
        /// The mapping that is there.
        id: Box<str>,
    },
}

impl MappingExists {
    /// That the mapping `id` stands where `wanted` would.
    pub(super) fn of(wanted: &EventSourceMapping, id: &str) -> Self {
        let (settings, target) = (wanted.settings(), wanted.function());
        let source_arn: Box<str> = wanted.event_source_arn().unwrap_or_default().into();
        let (function, id): (Box<str>, Box<str>) = (target.function.name().into(), id.into());
        match wanted.kind() {
            SourceKind::Queue | SourceKind::FifoQueue => Self::Queue { source_arn, function, id },
            SourceKind::ManagedKafka | SourceKind::SelfManagedKafka => {
                let own = settings.texts(Setting::SelfManagedEventSource).join(",");
                let sources = if own.is_empty() { source_arn } else { own.into() };
                let topics = settings.texts(Setting::Topics).join(",").into();
                Self::Kafka { sources, function: target.to_string().into(), topics, id }
            }
            _ => Self::Other { source_arn, function, id },
        }
    }
}

impl From<EventSourceRefusal> for LambdaError {
    fn from(refusal: EventSourceRefusal) -> Self {
        InvalidParameter::from(refusal).into()
    }
}

impl From<MappingExists> for LambdaError {
    fn from(exists: MappingExists) -> Self {
        Conflict::from(exists).into()
    }
}
