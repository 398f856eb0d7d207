//! Event source mappings: which source should invoke which function, and how.
//!
//! This server polls no event sources. So a mapping is checked and kept as AWS checks and keeps it,
//! and says of itself that it is disabled and why ([`NOT_POLLED`]); it invokes nothing, and it never
//! shows itself enabled. What the caller wished is kept.
//!
//! Source: the API reference of `CreateEventSourceMapping`, the guide's tables of parameters by
//! source, `aws-lambda.md §4.6`.

mod filter;
mod refusal;
mod rules;
mod settings;
mod source;

use jiff::Timestamp;
use serde_json::Value;

use crate::{EventSourceMappingArn, LambdaError, Tags, Target};

pub use refusal::{EventSourceRefusal, MappingExists};
pub use settings::{Setting, Settings};
pub use source::SourceKind;

/// Why no mapping is ever enabled, as every answer shows it: the one place that says so.
pub const NOT_POLLED: &str = "Portcullis polls no event sources: the mapping is kept as it is \
                              configured, and it invokes nothing.";

/// What AWS says of a mapping that its user disabled (`[issue]`: reports of real answers).
const BY_USER: &str = "USER_INITIATED";

/// What an answer tells of a mapping's state. All but the last are of the moment: the change is
/// complete when its answer arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappingState {
    /// It has just been made.
    Creating,
    /// The caller now wishes it to be polled.
    Enabling,
    /// The caller does so no longer.
    Disabling,
    /// Something else has changed.
    Updating,
    /// It is no more.
    Deleting,
    /// It stands.
    Disabled,
}

impl MappingState {
    /// The value on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Enabling => "Enabling",
            Self::Disabling => "Disabling",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
            Self::Disabled => "Disabled",
        }
    }
}

/// What `CreateEventSourceMapping` and `UpdateEventSourceMapping` ask for; the latter leaves what is
/// not given as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MappingInput {
    /// `Enabled`: whether the source should be polled.
    pub enabled: Option<bool>,
    /// All other parameters but the function and the tags.
    pub settings: Settings,
}

/// An event source mapping.
///
/// Invariant: its settings are ones that its source takes.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSourceMapping {
    arn: EventSourceMappingArn,
    function: Target,
    kind: SourceKind,
    enabled: bool,
    settings: Settings,
    modified: Timestamp,
    tags: Tags,
}

impl EventSourceMapping {
    /// A new mapping to `function`, with the defaults of its source for what is not given; also one
    /// from its parts, as they were stored.
    ///
    /// # Errors
    /// [`EventSourceRefusal`]; [`LambdaError::Unsupported`] for a key to encrypt filters with.
    pub fn create(
        arn: EventSourceMappingArn,
        function: Target,
        input: &MappingInput,
        tags: Tags,
        now: Timestamp,
    ) -> Result<Self, LambdaError> {
        let settings = input.settings.without_empty();
        let kind = SourceKind::of(&settings, arn.region())?;
        rules::check(kind, &settings, now)?;
        let settings = settings.or_defaults(kind, arn.id());
        let enabled = input.enabled.unwrap_or(true);
        Ok(Self { arn, function, kind, enabled, settings, modified: now, tags })
    }

    /// The mapping with what is given, and whether the wish to be polled has changed.
    ///
    /// # Errors
    /// As [`create`](Self::create); a setting that stays as it was made.
    pub fn updated(
        &self,
        function: Option<Target>,
        input: &MappingInput,
        now: Timestamp,
    ) -> Result<(Self, MappingState), LambdaError> {
        rules::check_update(&self.settings, &input.settings)?;
        let settings = self.settings.with(&input.settings).without_empty();
        let now = self.modified.max(now); // A clock may go back, what was legal stays so.
        rules::check(self.kind, &settings, now)?;
        let enabled = input.enabled.unwrap_or(self.enabled);
        let state = match (self.enabled, enabled) {
            (false, true) => MappingState::Enabling,
            (true, false) => MappingState::Disabling,
            _ => MappingState::Updating,
        };
        let function = function.unwrap_or_else(|| self.function.clone());
        let settings = settings.or_defaults(self.kind, self.arn.id());
        Ok((Self { function, enabled, settings, modified: now, ..self.clone() }, state))
    }

    /// With other tags.
    #[must_use]
    pub fn tagged(&self, tags: Tags) -> Self {
        Self { tags, ..self.clone() }
    }

    /// That `other` maps the same source to the same function, so that the two cannot both be.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let shares = |setting| {
            let theirs = other.settings.texts(setting);
            self.settings.texts(setting).iter().any(|text| theirs.contains(text))
        };
        let is_kafka = matches!(self.kind, SourceKind::ManagedKafka | SourceKind::SelfManagedKafka);
        self.arn != other.arn
            && self.function == other.function
            && (self.event_source_arn().is_some_and(|arn| other.event_source_arn() == Some(arn))
                || shares(Setting::SelfManagedEventSource))
            && (!is_kafka || shares(Setting::Topics))
            && (self.kind != SourceKind::Mq || shares(Setting::Queues))
    }

    /// Why this mapping cannot be beside `other`, which it overlaps.
    #[must_use]
    pub fn conflict(&self, other: &Self) -> MappingExists {
        MappingExists::of(self, other.arn.id())
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &EventSourceMappingArn {
        &self.arn
    }

    /// The function, version or alias that should be invoked; it may be gone.
    #[must_use]
    pub fn function(&self) -> &Target {
        &self.function
    }

    /// What kind of source it has.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Whether the caller wishes the source to be polled.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Its source's ARN; a Kafka cluster of one's own has none.
    #[must_use]
    pub fn event_source_arn(&self) -> Option<&str> {
        self.settings.get(Setting::EventSourceArn).and_then(Value::as_str)
    }

    /// Whether the source has this ARN.
    #[must_use]
    pub fn is_of(&self, source: &str) -> bool {
        self.event_source_arn() == Some(source)
    }

    /// All parameters but the function and the tags.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Why it is in its state: it never is polled, be it as wished or not.
    #[must_use]
    pub fn state_reason(&self) -> &'static str {
        if self.enabled { NOT_POLLED } else { BY_USER }
    }

    /// When it was made or last changed.
    #[must_use]
    pub fn modified(&self) -> Timestamp {
        self.modified
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.tags
    }
}

#[cfg(test)]
mod tests;
