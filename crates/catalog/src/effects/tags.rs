//! Tags of functions, and of what stands beside them: add, remove, list.

use std::collections::BTreeMap;

use portcullis_lambda::{
    EventSourceMapping, Function, LambdaError, Lookup, NotFound, Tags, Target,
};
use portcullis_model::lambda::operation::{ListTags, TagResource, UntagResource};

use super::{
    code_signing::put_config, event_sources::put_mapping, fresh_revision, functions::put_head,
};
use crate::{
    Catalog, EventSourceMappingResource, Failure, Permit, Plan, Resource as _, Snapshot,
    TaggableResource, Versioned,
};

/// What a request does to tags.
enum Change<'a> {
    Add(&'a BTreeMap<String, String>),
    Remove(&'a [String]),
}

impl Change<'_> {
    fn of(&self, tags: &Tags) -> Result<Tags, LambdaError> {
        match self {
            Self::Add(added) => tags.adding((*added).clone()),
            Self::Remove(keys) => Ok(tags.without(keys)),
        }
    }
}

impl Catalog {
    /// Adds tags, or gives those that are there new values.
    ///
    /// # Errors
    /// Those of [`Tags::adding`]; a qualified ARN; what is missing.
    pub async fn tag_resource(
        &self,
        permit: Permit<TagResource, TaggableResource>,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure<LambdaError>> {
        self.change_tags(&permit.consume(), &Change::Add(tags)).await
    }

    /// Removes tags by key; keys that are not there are fine.
    ///
    /// # Errors
    /// A qualified ARN; what is missing.
    pub async fn untag_resource(
        &self,
        permit: Permit<UntagResource, TaggableResource>,
        keys: &[String],
    ) -> Result<(), Failure<LambdaError>> {
        self.change_tags(&permit.consume(), &Change::Remove(keys)).await
    }

    async fn change_tags(
        &self,
        resource: &TaggableResource,
        change: &Change<'_>,
    ) -> Result<(), Failure<LambdaError>> {
        let revision = fresh_revision();
        self.transact(resource.arn(), |snapshot| match resource {
            TaggableResource::Function(function) => {
                let view = snapshot.tagged_function(function.target())?;
                let tags = change.of(view.head.tags())?;
                Ok(put_head(Plan::answer(()), view, &Function::tagged(&view.head, tags, revision)))
            }
            TaggableResource::CodeSigningConfig(config) => {
                let old = snapshot.find_code_signing(&config.0)?;
                let new = old.tagged(change.of(old.tags())?);
                Ok(put_config(Plan::answer(()), old, &new))
            }
            TaggableResource::EventSourceMapping(mapping) => {
                let old = snapshot.tagged_mapping(mapping)?;
                let new = old.tagged(change.of(old.tags())?);
                Ok(put_mapping(Plan::answer(()), old, &new))
            }
        })
        .await
    }
}

impl Snapshot {
    /// The tags of a resource.
    ///
    /// # Errors
    /// A qualified ARN; what is missing.
    pub fn list_tags(
        &self,
        permit: Permit<ListTags, TaggableResource>,
    ) -> Result<Tags, LambdaError> {
        Ok(match permit.consume() {
            TaggableResource::Function(function) => {
                self.tagged_function(function.target())?.head.tags().clone()
            }
            TaggableResource::CodeSigningConfig(config) => {
                self.find_code_signing(&config.0)?.tags().clone()
            }
            TaggableResource::EventSourceMapping(mapping) => {
                self.tagged_mapping(&mapping)?.tags().clone()
            }
        })
    }

    /// The mapping whose tags are meant; the tag operations have their own words for a missing one.
    fn tagged_mapping(
        &self,
        mapping: &EventSourceMappingResource,
    ) -> Result<&Versioned<EventSourceMapping>, LambdaError> {
        let missing = || NotFound::EventSourceMapping(mapping.arn().into()).into();
        self.event_sources.get(mapping.arn()).ok_or_else(missing)
    }

    /// The function whose tags are meant: its versions and aliases have none.
    fn tagged_function(&self, target: &Target) -> Result<&crate::FunctionView, LambdaError> {
        Tags::check_target(target)?;
        Ok(self.find_function(&target.function, Lookup::Function)?)
    }
}
