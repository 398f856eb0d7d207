//! Tags of functions: add, remove, list.

use std::collections::BTreeMap;

use portcullis_lambda::{LambdaError, Lookup, Tags};
use portcullis_model::lambda::operation::{ListTags, TagResource, UntagResource};

use super::{fresh_revision, functions::put_head};
use crate::{Catalog, Failure, FunctionResource, Permit, Plan, Snapshot};

impl Catalog {
    /// Adds tags, or gives those that are there new values.
    ///
    /// # Errors
    /// Those of `Function::tag`; a qualified ARN; the missing function.
    pub async fn tag_resource(
        &self,
        permit: Permit<TagResource, FunctionResource>,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let revision = fresh_revision();
        self.transact(target.function.as_str(), |snapshot| {
            Tags::check_target(&target)?;
            let view = snapshot.find_function(&target.function, Lookup::Function)?;
            let function = view.head.tag(tags.clone(), revision)?;
            Ok(put_head(Plan::answer(()), view, &function))
        })
        .await
    }

    /// Removes tags by key; keys that are not there are fine.
    ///
    /// # Errors
    /// A qualified ARN; the missing function.
    pub async fn untag_resource(
        &self,
        permit: Permit<UntagResource, FunctionResource>,
        keys: &[String],
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let revision = fresh_revision();
        self.transact(target.function.as_str(), |snapshot| {
            Tags::check_target(&target)?;
            let view = snapshot.find_function(&target.function, Lookup::Function)?;
            Ok(put_head(Plan::answer(()), view, &view.head.untag(keys, revision)))
        })
        .await
    }
}

impl Snapshot {
    /// The tags of a function.
    ///
    /// # Errors
    /// A qualified ARN; the missing function.
    pub fn list_tags(
        &self,
        permit: Permit<ListTags, FunctionResource>,
    ) -> Result<Tags, LambdaError> {
        let target = permit.consume().into_target();
        Tags::check_target(&target)?;
        Ok(self.find_function(&target.function, Lookup::Function)?.head.tags().clone())
    }
}
