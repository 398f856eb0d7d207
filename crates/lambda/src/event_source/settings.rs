//! The parameters of an event source mapping: one table of which source takes which.
//!
//! A setting's value has the shape that the API gives the parameter; what the shape leaves open,
//! `rules` checks. Nothing here reads events, so a value is kept and shown as it was given.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::SourceKind;

/// Defines [`Setting`] from the table.
macro_rules! settings {
    ($($name:ident $wire:literal $takers:expr;)*) => {
        /// A parameter of an event source mapping.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Setting {
            $(#[doc = concat!("`", $wire, "`")] $name,)*
        }

        impl Setting {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// Which sources take it.
            fn takers(self) -> &'static [SourceKind] {
                match self { $(Self::$name => $takers,)* }
            }
        }
    };
}

use SourceKind::{
    DocumentDb, DynamoDb, FifoQueue, Kinesis, ManagedKafka, Mq, Queue, SelfManagedKafka,
};

const ALL: &[SourceKind] =
    &[Queue, FifoQueue, Kinesis, DynamoDb, ManagedKafka, SelfManagedKafka, Mq, DocumentDb];
const QUEUES: &[SourceKind] = &[Queue, FifoQueue];
const STREAMS: &[SourceKind] = &[Kinesis, DynamoDb];
const KAFKA: &[SourceKind] = &[ManagedKafka, SelfManagedKafka];
const STREAMS_AND_KAFKA: &[SourceKind] = &[Kinesis, DynamoDb, ManagedKafka, SelfManagedKafka];
const QUEUES_AND_KAFKA: &[SourceKind] = &[Queue, FifoQueue, ManagedKafka, SelfManagedKafka];
const NEITHER_MQ_NOR_DOCUMENTS: &[SourceKind] =
    &[Queue, FifoQueue, Kinesis, DynamoDb, ManagedKafka, SelfManagedKafka];

settings! {
    EventSourceArn         "EventSourceArn"                      ALL;
    SelfManagedEventSource "SelfManagedEventSource"              &[SelfManagedKafka];
    BatchSize              "BatchSize"                           ALL;
    BatchingWindow         "MaximumBatchingWindowInSeconds"      ALL;
    FilterCriteria         "FilterCriteria"                      ALL;
    KmsKeyArn              "KMSKeyArn"                           ALL;
    MetricsConfig          "MetricsConfig"                       NEITHER_MQ_NOR_DOCUMENTS;
    LoggingConfig          "LoggingConfig"                       KAFKA;
    ScalingConfig          "ScalingConfig"                       QUEUES;
    ParallelizationFactor  "ParallelizationFactor"               STREAMS;
    StartingPosition       "StartingPosition"                    &[Kinesis, DynamoDb, ManagedKafka, SelfManagedKafka, DocumentDb];
    StartingTimestamp      "StartingPositionTimestamp"           &[Kinesis, DynamoDb, ManagedKafka, SelfManagedKafka, DocumentDb];
    DestinationConfig      "DestinationConfig"                   STREAMS_AND_KAFKA;
    MaximumRecordAge       "MaximumRecordAgeInSeconds"           STREAMS_AND_KAFKA;
    BisectBatch            "BisectBatchOnFunctionError"          STREAMS_AND_KAFKA;
    MaximumRetryAttempts   "MaximumRetryAttempts"                STREAMS_AND_KAFKA;
    TumblingWindow         "TumblingWindowInSeconds"             STREAMS;
    Topics                 "Topics"                              KAFKA;
    Queues                 "Queues"                              &[Mq];
    SourceAccess           "SourceAccessConfigurations"          &[ManagedKafka, SelfManagedKafka, Mq, DocumentDb];
    FunctionResponseTypes  "FunctionResponseTypes"               NEITHER_MQ_NOR_DOCUMENTS;
    ManagedKafkaConfig     "AmazonManagedKafkaEventSourceConfig" &[ManagedKafka];
    SelfManagedKafkaConfig "SelfManagedKafkaEventSourceConfig"   &[SelfManagedKafka];
    DocumentDbConfig       "DocumentDBEventSourceConfig"         &[DocumentDb];
    ProvisionedPollers     "ProvisionedPollerConfig"             QUEUES_AND_KAFKA;
}

impl Setting {
    /// Whether a source takes it.
    #[must_use]
    pub fn suits(self, kind: SourceKind) -> bool {
        self.takers().contains(&kind)
    }

    /// The setting of a name in the API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.name() == name)
    }

    /// What a source has that was not told (`[doc]`); the window of those that are not named here is
    /// half a second, which the API cannot say.
    fn default(self, kind: SourceKind) -> Option<Value> {
        let polls_at_once = QUEUES.contains(&kind) || STREAMS.contains(&kind);
        let value = match self {
            Self::BatchSize if QUEUES.contains(&kind) => json!(10),
            Self::BatchSize => json!(100),
            Self::BatchingWindow if polls_at_once => json!(0),
            Self::ParallelizationFactor => json!(1),
            Self::MaximumRecordAge | Self::MaximumRetryAttempts => json!(-1),
            Self::BisectBatch => json!(false),
            Self::TumblingWindow => json!(0),
            _ => return None,
        };
        let is_stream = STREAMS.contains(&kind);
        let shown = matches!(self, Self::BatchSize | Self::BatchingWindow) || is_stream;
        (shown && self.suits(kind)).then_some(value)
    }
}

/// Parameters by setting, each in the shape that the API gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(BTreeMap<Setting, Value>);

impl FromIterator<(Setting, Value)> for Settings {
    fn from_iter<I: IntoIterator<Item = (Setting, Value)>>(settings: I) -> Self {
        Self(settings.into_iter().collect())
    }
}

impl Settings {
    /// The value of a setting.
    #[must_use]
    pub fn get(&self, setting: Setting) -> Option<&Value> {
        self.0.get(&setting)
    }

    /// What is given, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Setting, &Value)> {
        self.0.iter().map(|(setting, value)| (*setting, value))
    }

    /// A number.
    pub(super) fn number(&self, setting: Setting) -> Option<i64> {
        self.get(setting)?.as_i64()
    }

    /// A text within a structure, as `/OnFailure/Destination`.
    pub(super) fn text(&self, setting: Setting, path: &str) -> Option<&str> {
        self.get(setting)?.pointer(path)?.as_str()
    }

    /// All texts of a setting's lists, at whatever depth.
    pub(super) fn texts(&self, setting: Setting) -> Vec<&str> {
        fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::String(text) => found.push(text),
                Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
                Value::Object(values) => values.values().for_each(|value| collect(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        self.get(setting).into_iter().for_each(|value| collect(value, &mut found));
        found
    }

    /// These with `given` over them. The consumer group and the mode of consumption stay with a
    /// Kafka source that is told something else.
    pub(super) fn with(&self, given: &Self) -> Self {
        let mut settings = self.0.clone();
        for (setting, value) in &given.0 {
            let mut value = value.clone();
            if let Some(Value::Object(old)) = settings.get(setting)
                && let Value::Object(new) = &mut value
            {
                for name in FIXED_MEMBERS {
                    if let Some(kept) = old.get(name) {
                        new.entry(name).or_insert_with(|| kept.clone());
                    }
                }
            }
            settings.insert(*setting, value);
        }
        Self(settings)
    }

    /// Without what says nothing: an empty text, list or structure takes a setting away.
    pub(super) fn without_empty(&self) -> Self {
        self.iter()
            .filter(|(_, value)| !says_nothing(value))
            .map(|(setting, value)| (setting, value.clone()))
            .collect()
    }

    /// With the defaults of a source, for the mapping `id`.
    pub(super) fn or_defaults(mut self, kind: SourceKind, id: &str) -> Self {
        for setting in Setting::ALL {
            if let Some(value) = setting.default(kind) {
                self.0.entry(*setting).or_insert(value);
            }
        }
        let config = match kind {
            ManagedKafka => Setting::ManagedKafkaConfig,
            SelfManagedKafka => Setting::SelfManagedKafkaConfig,
            _ => return self,
        };
        // A group of its own, where none is named ([doc]).
        if let Value::Object(config) = self.0.entry(config).or_insert_with(|| json!({})) {
            config.entry(FIXED_MEMBERS[0]).or_insert_with(|| id.into());
        }
        self
    }
}

/// What a Kafka source keeps as it was made (`[doc]`).
pub(super) const FIXED_MEMBERS: [&str; 2] = ["ConsumerGroupId", "ConsumptionMode"];

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
        _ => false,
    }
}
