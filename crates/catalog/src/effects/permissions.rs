//! Resource policies: add a statement, show them, remove one.

use std::sync::Arc;

use portcullis_lambda::{
    Conflict, Grant, LambdaError, Lookup, Missing, NotFound, Qualifier, ResourcePolicy, RevisionId,
    Statement, Target,
};
use portcullis_model::lambda::operation::{
    AddPermission, DeleteResourcePolicy, GetPolicy, GetResourcePolicy, PutResourcePolicy,
    RemovePermission,
};

use super::fresh_revision;
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, PolicyView, Snapshot,
    address::Address, catalog::CatalogError,
};

impl Catalog {
    /// Appends the statement of `grant` to the policy of exactly the permitted resource, unless
    /// `objection` has one against it.
    ///
    /// # Errors
    /// The refusals of [`ResourcePolicy::add`], in its order, after those of a missing resource and
    /// before the objection.
    pub async fn add_permission(
        &self,
        permit: Permit<AddPermission, FunctionResource>,
        grant: &Grant,
        expected: Option<&str>,
        objection: impl Fn(&Statement) -> Result<(), LambdaError>,
    ) -> Result<Statement, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let revision = fresh_revision();
        self.transact(target.function.as_str(), |snapshot| {
            ResourcePolicy::check_target(&target)?;
            let function = snapshot.find(&target, Lookup::AddPermission)?;
            let current = attached(function, &target)?;
            let policy = ResourcePolicy::add(
                current.map(|view| &*view.stored),
                &target,
                resource_revision(function, target.qualifier.as_ref()),
                grant,
                expected,
                revision,
                snapshot,
            )?;
            let added = policy.statement(grant.statement_id().as_str());
            let missing = || NotFound::Statement(grant.statement_id().as_str().into());
            let added = added.ok_or_else(missing).map_err(LambdaError::from)?;
            objection(added)?;
            let plan = Plan::answer(added.clone());
            let address = policy_address(&target);
            Ok(guarded(plan, function, &target, current).put(&address, &policy))
        })
        .await
    }

    /// Removes the statement `sid`; the policy goes with its last statement. `judged` is the one by
    /// which the caller was judged to be allowed to take it (`lambda:Principal`).
    ///
    /// # Errors
    /// The refusals of [`ResourcePolicy::remove`], after those of a missing resource;
    /// [`Conflict::PolicyChanged`] when another statement has the id by now.
    pub async fn remove_permission(
        &self,
        permit: Permit<RemovePermission, FunctionResource>,
        (sid, judged): (&str, Option<&Statement>),
        expected: Option<&str>,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let revision = fresh_revision();
        self.transact(target.function.as_str(), |snapshot| {
            let function = snapshot.find(&target, Lookup::RemovePermission)?;
            let current = attached(function, &target)?;
            let stored = current.map(|view| &*view.stored);
            let rest = ResourcePolicy::remove(stored, sid, expected, revision)?;
            match (judged, stored.and_then(|policy| policy.statement(sid))) {
                (None, _) => return Err(LambdaError::from(NotFound::Statement(sid.into())).into()),
                (judged, present) if judged == present => {}
                _ => return Err(LambdaError::from(Conflict::PolicyChanged).into()),
            }
            let plan = guarded(Plan::answer(()), function, &target, current);
            let address = policy_address(&target);
            Ok(match rest {
                Some(policy) => plan.put(&address, &policy),
                None => plan.delete(&address),
            })
        })
        .await
    }
}

impl Catalog {
    /// Puts the whole policy `document` in place of any of exactly the permitted resource, unless
    /// `objection` has one against a statement of it. `judged` is the revision of the policy that the
    /// caller was judged to be allowed to replace.
    ///
    /// # Errors
    /// Those of a missing resource, then of [`ResourcePolicy::put`], [`Conflict::PolicyChanged`], then
    /// the objection.
    pub async fn put_resource_policy(
        &self,
        permit: Permit<PutResourcePolicy, FunctionResource>,
        document: &ResourcePolicy,
        judged: Option<RevisionId>,
        expected: Option<&str>,
        objection: impl Fn(&Statement) -> Result<(), LambdaError>,
    ) -> Result<ResourcePolicy, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let revision = fresh_revision();
        self.transact(target.function.as_str(), |snapshot| {
            ResourcePolicy::check_target(&target)?;
            let function = snapshot.find(&target, Lookup::AddPermission)?;
            let current = attached(function, &target)?;
            let policy = ResourcePolicy::put(
                current.map(|view| &*view.stored),
                &target,
                resource_revision(function, target.qualifier.as_ref()),
                document,
                expected,
                revision,
                snapshot,
            )?;
            check_judged(current, judged)?;
            policy.statements().iter().try_for_each(&objection)?;
            let plan = Plan::answer(policy.clone());
            let address = policy_address(&target);
            Ok(guarded(plan, function, &target, current).put(&address, &policy))
        })
        .await
    }

    /// Deletes the whole policy of exactly the permitted resource; `judged` as in
    /// [`put_resource_policy`](Self::put_resource_policy).
    ///
    /// # Errors
    /// Those of [`ResourcePolicy::check_deletion`], whatever is missing reads the same;
    /// [`Conflict::PolicyChanged`].
    pub async fn delete_resource_policy(
        &self,
        permit: Permit<DeleteResourcePolicy, FunctionResource>,
        judged: Option<RevisionId>,
        expected: Option<&str>,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        self.transact(target.function.as_str(), |snapshot| {
            let function = snapshot.find(&target, Lookup::GetPolicy)?;
            let current = attached(function, &target)?;
            ResourcePolicy::check_deletion(current.map(|view| &*view.stored), expected)?;
            check_judged(current, judged)?;
            let plan = guarded(Plan::answer(()), function, &target, current);
            Ok(plan.delete(&policy_address(&target)))
        })
        .await
    }
}

/// An operation that shows a whole policy.
pub trait ShowsPolicy {}
impl ShowsPolicy for GetPolicy {}
impl ShowsPolicy for GetResourcePolicy {}

impl Snapshot {
    /// The policy of exactly the permitted resource.
    ///
    /// # Errors
    /// [`NotFound::Resource`] when there is none, whatever is missing.
    pub fn get_policy<A: ShowsPolicy>(
        &self,
        permit: Permit<A, FunctionResource>,
    ) -> Result<Arc<PolicyView>, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let nothing =
            || LambdaError::from(NotFound::of(Lookup::GetPolicy, &target, Missing::Function));
        let function = self.function(&target.function).ok_or_else(nothing)?;
        Ok(attached(function, &target)?.ok_or_else(nothing)?.clone())
    }

    /// A resource's policy, for the same.
    #[must_use]
    pub fn policy_of(&self, resource: &FunctionResource) -> Option<&ResourcePolicy> {
        let target = resource.target();
        let policy = self.function(&target.function)?.policy(target.qualifier.as_ref())?;
        Some(&policy.stored)
    }

    /// The statement `sid` of a resource's policy, for the condition keys that tell of it before
    /// the call is authorized (`lambda:Principal` of RemovePermission).
    #[must_use]
    pub fn statement(&self, resource: &FunctionResource, sid: &str) -> Option<Statement> {
        let function = self.function(&resource.target().function)?;
        let policy = function.policy(resource.target().qualifier.as_ref())?;
        policy.stored.statement(sid).cloned()
    }
}

/// The policy attached to `target` itself, if any.
fn attached<'a>(
    function: &'a FunctionView,
    target: &Target,
) -> Result<Option<&'a Arc<PolicyView>>, CatalogError> {
    match function.policies.get(&target.qualifier) {
        None => Ok(None),
        Some(Some(policy)) => Ok(Some(policy)),
        Some(None) => Err(CatalogError::Unreadable),
    }
}

/// That the policy is the one by which the caller's leave to take its grants was judged.
fn check_judged(
    current: Option<&Arc<PolicyView>>,
    judged: Option<RevisionId>,
) -> Result<(), LambdaError> {
    match current.map(|view| view.stored.revision()) == judged {
        true => Ok(()),
        false => Err(Conflict::PolicyChanged.into()),
    }
}

fn policy_address(target: &Target) -> Address {
    Address::Policy(target.function.clone(), target.qualifier.clone())
}

/// The revision that counts while there is no policy: that of what the policy is to hang on.
fn resource_revision(function: &FunctionView, qualifier: Option<&Qualifier>) -> RevisionId {
    let own = match qualifier {
        Some(Qualifier::Version(number)) => {
            function.versions.get(number).map(|version| version.deployment.revision)
        }
        Some(Qualifier::Alias(name)) => function.aliases.get(name).map(|alias| alias.revision()),
        _ => None,
    };
    own.unwrap_or(function.head.latest().revision)
}

/// `plan`, good only while function, qualifier and policy are those that the rule saw: no grant
/// lands on a re-created function or alias.
fn guarded<T>(
    plan: Plan<T>,
    function: &FunctionView,
    target: &Target,
    policy: Option<&Arc<PolicyView>>,
) -> Plan<T> {
    let arn = &target.function;
    let plan = plan.incarnation(&Address::Function(arn.clone()), function.head.created);
    let plan = match &target.qualifier {
        Some(Qualifier::Version(number)) => match function.versions.get(number) {
            Some(version) => {
                plan.incarnation(&Address::Version(arn.clone(), *number), version.created)
            }
            None => plan,
        },
        Some(Qualifier::Alias(name)) => match function.aliases.get(name) {
            Some(alias) => {
                plan.incarnation(&Address::Alias(arn.clone(), name.clone()), alias.created)
            }
            None => plan,
        },
        _ => plan,
    };
    match policy {
        Some(policy) => plan.unchanged(&policy_address(target), policy.stored.modified),
        None => plan.absent(&policy_address(target)),
    }
}
