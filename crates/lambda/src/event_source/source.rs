//! What an event source mapping reads from.

use serde_json::Value;

use super::{EventSourceRefusal as Refusal, Setting, Settings};

/// The kinds of event source, as far as they take other parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// An SQS queue.
    Queue,
    /// An SQS queue that keeps the order.
    FifoQueue,
    /// A Kinesis stream, or a consumer of one.
    Kinesis,
    /// The stream of a DynamoDB table.
    DynamoDb,
    /// A cluster of Amazon MSK.
    ManagedKafka,
    /// A Kafka cluster of one's own.
    SelfManagedKafka,
    /// A broker of Amazon MQ.
    Mq,
    /// A cluster of Amazon DocumentDB.
    DocumentDb,
}

impl SourceKind {
    /// The kind of the one source that `settings` name, in `region`.
    ///
    /// # Errors
    /// [`Refusal::NoSource`], [`Refusal::TwoSources`], [`Refusal::UnknownSource`],
    /// [`Refusal::SourceElsewhere`].
    pub(super) fn of(settings: &Settings, region: &str) -> Result<Self, Refusal> {
        let own = settings.get(Setting::SelfManagedEventSource).is_some();
        let arn = settings.get(Setting::EventSourceArn).and_then(Value::as_str);
        match (arn, own) {
            (None, false) => Err(Refusal::NoSource),
            (Some(_), true) => Err(Refusal::TwoSources),
            (None, true) => Ok(Self::SelfManagedKafka),
            (Some(arn), false) => {
                let unknown = || Refusal::UnknownSource(arn.into());
                let kind = Self::of_arn(arn).ok_or_else(unknown)?;
                match arn.split(':').nth(3) {
                    Some(found) if found == region => Ok(kind),
                    _ => Err(Refusal::SourceElsewhere(arn.into())),
                }
            }
        }
    }

    /// The kind of an ARN's source; an ARN does not tell which engine a broker has.
    fn of_arn(arn: &str) -> Option<Self> {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, _, _, resource] = fields.as_slice() else { return None };
        let is_of = |kind: &str| resource.strip_prefix(kind).is_some_and(|name| !name.is_empty());
        match *service {
            "sqs" if resource.is_empty() || resource.contains([':', '/']) => None,
            "sqs" if resource.ends_with(".fifo") => Some(Self::FifoQueue),
            "sqs" => Some(Self::Queue),
            "kinesis" => is_of("stream/").then_some(Self::Kinesis),
            "dynamodb" => {
                (is_of("table/") && resource.contains("/stream/")).then_some(Self::DynamoDb)
            }
            "kafka" => {
                (is_of("cluster/") || is_of("vpc-connection/")).then_some(Self::ManagedKafka)
            }
            "mq" => is_of("broker:").then_some(Self::Mq),
            "rds" => is_of("cluster:").then_some(Self::DocumentDb),
            _ => None,
        }
    }
}
