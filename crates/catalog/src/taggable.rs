//! What has tags in Lambda: functions, and what stands beside them; each a resource of its own.

use portcullis_iam::Value;
use portcullis_lambda::{CodeSigningConfigArn, Tags};

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
}

impl TaggableResource {
    fn inner(&self) -> &dyn Resource {
        match self {
            Self::Function(function) => function,
            Self::CodeSigningConfig(config) => config,
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
