//! Versions: publish `$LATEST`, list what was published.

use portcullis_lambda::{
    Fresh, FunctionArn, LambdaError, Lookup, Publication, PublishRequest, PublishedVersion,
    VersionNumber,
};
use portcullis_model::lambda::operation::{ListVersionsByFunction, PublishVersion};

use super::{
    Page, fresh_revision,
    functions::{put_head, put_version},
};
use crate::{Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot};
use std::sync::Arc;

impl Catalog {
    /// Publishes `$LATEST` as a new version, or answers the newest when nothing has changed.
    ///
    /// # Errors
    /// Those of `Function::publish`, and the missing function.
    pub async fn publish_version(
        &self,
        permit: Permit<PublishVersion, FunctionResource>,
        request: &PublishRequest,
        now: jiff::Timestamp,
    ) -> Result<PublishedVersion, Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        let fresh = Fresh { now, revision: fresh_revision() };
        let version = fresh_revision();
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_function(&arn, Lookup::Function)?;
            let newest = newest(view);
            match view.head.publish(request.clone(), newest, fresh, version)? {
                Publication::New(new) => {
                    let (function, published) = *new;
                    let plan = put_head(Plan::answer(published.clone()), view, &function);
                    Ok(put_version(plan, Some(&published)))
                }
                Publication::Unchanged => {
                    let missing = || missing_function(&arn);
                    Ok(Plan::answer(newest.cloned().ok_or_else(missing)?))
                }
            }
        })
        .await
    }
}

/// The version that `$LATEST` was last published as, if it is still there.
fn newest(view: &FunctionView) -> Option<&PublishedVersion> {
    view.versions.get(&view.head.published_as()?).map(|version| &**version)
}

fn missing_function(arn: &FunctionArn) -> LambdaError {
    portcullis_lambda::NotFound::function(arn.clone()).into()
}

impl Snapshot {
    /// The published versions after `after`, ascending, and the function they are of.
    ///
    /// # Errors
    /// The missing function.
    #[expect(clippy::type_complexity, reason = "a function and one page of its versions")]
    pub fn list_versions(
        &self,
        permit: Permit<ListVersionsByFunction, FunctionResource>,
        after: Option<VersionNumber>,
        limit: usize,
    ) -> Result<(Arc<FunctionView>, Page<Arc<PublishedVersion>>), LambdaError> {
        let arn = permit.consume().into_target().function;
        let view = self.find_function(&arn, Lookup::Function)?.clone();
        let later = view.versions.iter().filter(|(number, _)| after.is_none_or(|after| **number > after));
        let page = Page::take(later.map(|(_, version)| version.shared()), limit);
        Ok((view, page))
    }
}
