//! Who may put, show and delete whole policies: whoever could make and take each grant one by one.
//!
//! Source: iam.md §9.6, §10.1. `lambda:Principal` has one value, and a policy names several: the
//! question is asked for each of them, so that leave to grant to one is not leave to grant to all.

use std::collections::BTreeSet;

use portcullis_catalog::{FunctionResource, Permit};
use portcullis_lambda::{ResourcePolicy, RevisionId, Statement};
use portcullis_model::{Operation, authorization_of};

use crate::{
    conditions::Parameters,
    context::{RequestCx, resource_of},
    error::ApiError,
};

/// What the grants of a policy give to the conditions of the calls that would make or take them:
/// principal and type of function URL. Never empty: a policy without grants asks once, without.
pub(super) struct Grants(BTreeSet<(Option<String>, Option<String>)>);

impl Default for Grants {
    fn default() -> Self {
        Self(BTreeSet::from([(None, None)]))
    }
}

impl Grants {
    /// Those of `statements`.
    pub(super) fn of(statements: &[Statement]) -> Self {
        let of_one = |statement: &Statement| {
            let url = statement.function_url_auth_type();
            statement.principals().into_iter().map(move |one| (Some(one), url.clone()))
        };
        let grants: BTreeSet<_> = statements.iter().flat_map(of_one).collect();
        if grants.is_empty() { Self::default() } else { Self(grants) }
    }

    /// Those that the resource of `arn` has now, and the revision of their policy.
    ///
    /// # Errors
    /// An ARN of what has no policies here.
    pub(super) fn present(
        cx: &RequestCx<'_>,
        arn: &str,
    ) -> Result<(Self, Option<RevisionId>), ApiError> {
        let target = resolve(cx, arn)?.target().clone();
        let resource = FunctionResource::new(target);
        let policy = cx.snapshot.policy_of(&resource);
        let grants = Self::of(policy.map_or(&[], ResourcePolicy::statements));
        Ok((grants, policy.map(ResourcePolicy::revision)))
    }

    fn parameters(&self) -> impl Iterator<Item = Parameters<'_>> {
        self.0.iter().map(|(principal, url)| {
            Parameters::default()
                .with("lambda:principal", principal.as_deref())
                .with("lambda:functionurlauthtype", url.as_deref())
        })
    }
}

/// The permission to perform `A` for each of `own`, and each action of `beside` for each of its
/// grants.
///
/// # Errors
/// As [`RequestCx::function`].
pub(super) fn permit<A: Operation>(
    cx: &RequestCx<'_>,
    arn: &str,
    own: &Grants,
    beside: &[(&'static str, &Grants)],
) -> Result<Permit<A, FunctionResource>, ApiError> {
    let resource = resource_of::<A>(resolve(cx, arn)?.target());
    let mut parameters = own.parameters();
    let permit = cx.function::<A>(arn, None, &parameters.next().unwrap_or_default())?;
    let action = authorization_of::<A>().action;
    for parameters in parameters {
        cx.check(action, &resource, &parameters)?;
    }
    for (action, grants) in beside {
        for parameters in grants.parameters() {
            cx.check(action, &resource, &parameters)?;
        }
    }
    Ok(permit)
}

/// The function of an ARN; runtimes, which can have policies on AWS, have none here.
fn resolve(cx: &RequestCx<'_>, arn: &str) -> Result<portcullis_lambda::Resolution, ApiError> {
    if arn.split(':').nth(5).is_some_and(|kind| kind.starts_with("runtime/")) {
        return Err(ApiError::NotServed("resource policies of runtimes".into()));
    }
    cx.resolve(arn, None)
}
