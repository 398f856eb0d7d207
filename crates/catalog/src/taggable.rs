//! What has tags in Lambda: functions, and what stands beside them; each a resource of its own.

use portcullis_iam::Value;
use portcullis_identity::AccountId;
use portcullis_lambda::{CodeSigningConfigArn, EventSourceMappingArn, FunctionArn, Region, Tags};

use crate::{
    FunctionResource, Resource, Snapshot, Unreadable,
    decisions::Documents,
    resources::{RESOURCE_TAG, tag_value},
};

/// A code-signing configuration, by its ARN; it need not exist.
#[derive(Debug)]
pub struct CodeSigningConfigResource(pub CodeSigningConfigArn);

impl Resource for CodeSigningConfigResource {
    fn arn(&self) -> &str {
        self.0.as_str()
    }

    fn account(&self) -> &str {
        self.0.account()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        resource_tag(snapshot.code_signing.get(&self.0)?.tags(), key)
    }
}

/// An event source mapping, by its ARN; it need not exist, nor its id be one.
#[derive(Debug)]
pub struct EventSourceMappingResource {
    arn: Box<str>,
    /// The function that the request gives it; else the one that it has counts.
    function: Option<FunctionArn>,
}

impl EventSourceMappingResource {
    /// The mapping that an account calls `id`.
    #[must_use]
    pub fn new(region: &Region, account: AccountId, id: &str) -> Self {
        let partition = region.partition().as_str();
        let arn = format!("arn:{partition}:lambda:{region}:{account}:event-source-mapping:{id}");
        Self { arn: arn.into(), function: None }
    }

    /// The same, as it would be with another function.
    #[must_use]
    pub fn with(&self, function: FunctionArn) -> Self {
        Self { arn: self.arn.clone(), function: Some(function) }
    }
}

impl From<EventSourceMappingArn> for EventSourceMappingResource {
    fn from(arn: EventSourceMappingArn) -> Self {
        Self { arn: arn.as_str().into(), function: None }
    }
}

impl Resource for EventSourceMappingResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// `lambda:FunctionArn` is the function's own, whichever version or alias is mapped.
    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let mapping = snapshot.event_sources.get(&self.arn);
        if key == "lambda:functionarn" {
            let present = || mapping.map(|mapping| &mapping.function().function);
            let function = self.function.as_ref().or_else(present)?;
            return Some(Value::Single(function.as_str().into()));
        }
        resource_tag(mapping?.tags(), key)
    }
}

/// The tag that a condition key names.
fn resource_tag<'s>(tags: &'s Tags, key: &str) -> Option<Value<'s>> {
    tag_value(tags.iter(), key.strip_prefix(RESOURCE_TAG)?)
}

/// What the tag operations name.
#[derive(Debug)]
pub enum TaggableResource {
    /// A function.
    Function(FunctionResource),
    /// A code-signing configuration.
    CodeSigningConfig(CodeSigningConfigResource),
    /// An event source mapping.
    EventSourceMapping(EventSourceMappingResource),
}

impl TaggableResource {
    fn inner(&self) -> &dyn Resource {
        match self {
            Self::Function(function) => function,
            Self::CodeSigningConfig(config) => config,
            Self::EventSourceMapping(mapping) => mapping,
        }
    }
}

impl Resource for TaggableResource {
    fn arn(&self) -> &str {
        self.inner().arn()
    }

    fn account(&self) -> &str {
        self.inner().account()
    }

    fn policies(&self, snapshot: &Snapshot) -> Result<Documents, Unreadable> {
        self.inner().policies(snapshot)
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        self.inner().condition_key(snapshot, key)
    }
}
