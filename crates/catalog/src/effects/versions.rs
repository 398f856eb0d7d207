//! Versions: publish `$LATEST`, list what was published.

use portcullis_lambda::{
    Fresh, FunctionArn, LambdaError, Lookup, Publication, PublishRequest, PublishedVersion,
};
use portcullis_model::lambda::operation::{ListVersionsByFunction, PublishVersion};

use super::{
    Page, Resolved, fresh_revision,
    functions::{every_version, put_head, put_version, rank},
};
use crate::{Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot};

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
    /// `$LATEST`, then the published versions, ascending, after the version `after`.
    ///
    /// # Errors
    /// The missing function.
    pub fn list_versions(
        &self,
        permit: Permit<ListVersionsByFunction, FunctionResource>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Resolved>, LambdaError> {
        let arn = permit.consume().into_target().function;
        let view = self.find_function(&arn, Lookup::Function)?;
        let seen = after.map(rank);
        let later = every_version(view).filter(|entry| seen.is_none_or(|seen| entry.rank() > seen));
        Ok(Page::take(later, limit))
    }
}
