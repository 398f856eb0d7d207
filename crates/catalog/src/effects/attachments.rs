//! Managed policies on users, groups and roles: attached, or as a permissions boundary.
//!
//! The entity says what it has. Whoever gives it a policy also writes the policy as it is, so that
//! it conflicts with the policy's deletion: nobody has a policy that is gone.

use std::sync::Arc;

use portcullis_identity::{
    AccountId, Bounded, Entity as _, GroupName, IdentityError, PolicyArn, PolicyOwner, RoleName,
    UserName, attach_policy, delete_permissions_boundary, detach_policy, put_permissions_boundary,
};
use portcullis_model::Operation;
use portcullis_model::iam::operation::{
    AttachGroupPolicy, AttachRolePolicy, AttachUserPolicy, DeleteRolePermissionsBoundary,
    DeleteUserPermissionsBoundary, DetachGroupPolicy, DetachRolePolicy, DetachUserPolicy,
    ListAttachedGroupPolicies, ListAttachedRolePolicies, ListAttachedUserPolicies,
    ListEntitiesForPolicy, PutRolePermissionsBoundary, PutUserPermissionsBoundary,
};

use super::{
    Page,
    entities::{EntityOf, operations, replace},
    managed_policies::keep,
};
use crate::{
    Catalog, EntityName, EntityResource, EntityView, Failure, GroupView, ManagedPolicyView, Permit,
    Plan, PolicyResource, RoleView, Snapshot, UserView, managed::EntityRef,
};

operations! {
    /// Attaches a managed policy.
    AttachPolicy: AttachUserPolicy on UserName, AttachGroupPolicy on GroupName, AttachRolePolicy on RoleName
}

operations! {
    /// Detaches a managed policy.
    DetachPolicy: DetachUserPolicy on UserName, DetachGroupPolicy on GroupName, DetachRolePolicy on RoleName
}

operations! {
    /// Lists the attached policies of an entity.
    ListAttachedPolicies:
        ListAttachedUserPolicies on UserName, ListAttachedGroupPolicies on GroupName,
        ListAttachedRolePolicies on RoleName
}

operations! {
    /// Gives a permissions boundary.
    PutBoundary: PutUserPermissionsBoundary on UserName, PutRolePermissionsBoundary on RoleName
}

operations! {
    /// Takes the permissions boundary away.
    DeleteBoundary:
        DeleteUserPermissionsBoundary on UserName, DeleteRolePermissionsBoundary on RoleName
}

impl Catalog {
    /// Attaches the policy to the entity; it may be attached already.
    ///
    /// # Errors
    /// The missing entity; a policy that is neither the account's nor AWS's; those of
    /// [`attach_policy`].
    pub async fn attach_policy<A: AttachPolicy>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        policy: &PolicyArn,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |entity: &EntityOf<A::On>| attach_policy(entity, policy);
        self.give(&permit.consume(), policy, rule).await
    }

    /// Detaches the policy from the entity.
    ///
    /// # Errors
    /// The missing entity; those of [`detach_policy`].
    pub async fn detach_policy<A: DetachPolicy>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        policy: &PolicyArn,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |_: &Snapshot, entity: &EntityOf<A::On>| detach_policy(entity, policy);
        self.change_entity(&permit.consume(), rule).await
    }

    /// Makes the policy the permissions boundary of the entity, instead of any other.
    ///
    /// # Errors
    /// The missing entity; a policy that is neither the account's nor AWS's; those of
    /// [`put_permissions_boundary`].
    pub async fn put_permissions_boundary<A: PutBoundary>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        policy: &PolicyArn,
    ) -> Result<(), Failure<IdentityError>>
    where
        EntityOf<A::On>: Bounded,
    {
        let rule = |entity: &EntityOf<A::On>| put_permissions_boundary(entity, policy);
        let given = self.give(&permit.consume(), policy, rule).await;
        given.map_err(|failure| match failure {
            Failure::Rule(error) => Failure::Rule(error.of_boundary()),
            catalog @ Failure::Catalog(_) => catalog,
        })
    }

    /// Takes the permissions boundary of the entity away.
    ///
    /// # Errors
    /// The missing entity; those of [`delete_permissions_boundary`].
    pub async fn delete_permissions_boundary<A: DeleteBoundary>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
    ) -> Result<(), Failure<IdentityError>>
    where
        EntityOf<A::On>: Bounded,
    {
        let rule = |_: &Snapshot, entity: &EntityOf<A::On>| delete_permissions_boundary(entity);
        self.change_entity(&permit.consume(), rule).await
    }

    /// Writes what `rule` makes of the entity, which then has the policy.
    async fn give<N: EntityName>(
        &self,
        resource: &EntityResource<N>,
        policy: &PolicyArn,
        rule: impl Fn(&N::Entity) -> Result<N::Entity, IdentityError>,
    ) -> Result<(), Failure<IdentityError>> {
        self.transact(&resource.address().to_string(), |snapshot| {
            let view = resource.find(snapshot)?;
            let seen = snapshot.attachable(resource.owner(), policy)?;
            let changed = rule(view.stored())?;
            Ok(keep(replace(Plan::answer(()), resource, view, &changed), seen))
        })
        .await
    }
}

/// An entity that has a policy.
#[derive(Clone, Debug)]
pub enum PolicyHolder {
    /// A user.
    User(Arc<UserView>),
    /// A group.
    Group(Arc<GroupView>),
    /// A role.
    Role(Arc<RoleView>),
}

impl PolicyHolder {
    /// The path in its ARN.
    fn path(&self) -> &str {
        match self {
            Self::User(view) => view.stored.path.as_str(),
            Self::Group(view) => view.stored.path.as_str(),
            Self::Role(view) => view.stored.path.as_str(),
        }
    }

    /// Its place in a list, to continue after.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::User(view) => format!("user/{}", view.stored.name.folded()),
            Self::Group(view) => format!("group/{}", view.stored.name.folded()),
            Self::Role(view) => format!("role/{}", view.stored.name.folded()),
        }
    }
}

/// Whom `ListEntitiesForPolicy` shows.
#[derive(Clone, Copy, Debug)]
pub struct HolderFilter<'a> {
    /// To whom the policy is attached.
    pub attached: bool,
    /// Whose boundary it is.
    pub bounded: bool,
    /// Only the entities that this holds of.
    pub kind: fn(&PolicyHolder) -> bool,
    /// Only those under this path.
    pub path_prefix: &'a str,
}

impl Snapshot {
    /// The policies that are attached to the permitted entity and lie under a path, in the order of
    /// their places, after the place `after`; `""` is before all.
    ///
    /// # Errors
    /// The missing entity.
    pub fn list_attached_policies<A: ListAttachedPolicies>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        path_prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Page<PolicyArn>, IdentityError> {
        let resource = permit.consume();
        let attached = resource.find(self)?.stored().attached().iter();
        let under = attached.filter(|arn| arn.path().starts_with(path_prefix));
        let mut later: Vec<_> = under.filter(|arn| arn.place().as_str() > after).cloned().collect();
        later.sort_by_cached_key(PolicyArn::place);
        Ok(Page::take(later.into_iter(), limit))
    }

    /// Who has the permitted policy, users first, then groups, then roles, each by folded name,
    /// after the place `after`; `""` is before all.
    ///
    /// # Errors
    /// The missing policy.
    pub fn list_entities_for_policy(
        &self,
        permit: Permit<ListEntitiesForPolicy, PolicyResource>,
        filter: HolderFilter<'_>,
        after: &str,
        limit: usize,
    ) -> Result<Page<PolicyHolder>, IdentityError> {
        let resource = permit.consume();
        resource.find(self)?;
        let Some(uses) = self.managed.uses(resource.owner(), resource.policy()) else {
            return Ok(Page::take(std::iter::empty(), limit));
        };
        let refs = match (filter.attached, filter.bounded) {
            (true, true) => uses.attached.clone().union(uses.bounded.clone()),
            (true, false) => uses.attached.clone(),
            (false, true) => uses.bounded.clone(),
            (false, false) => imbl::OrdSet::new(),
        };
        let after = EntityRef::of_place(after);
        let later = refs.iter().filter(|entity| after.as_ref().is_none_or(|after| *entity > after));
        let holders = later.filter_map(|entity| self.holder(resource.owner(), entity));
        let wanted = holders.filter(|holder| {
            (filter.kind)(holder) && holder.path().starts_with(filter.path_prefix)
        });
        Ok(Page::take(wanted, limit))
    }

    fn holder(&self, account: AccountId, entity: &EntityRef) -> Option<PolicyHolder> {
        use portcullis_identity::EntityKind::{Group, Role, User};
        Some(match entity.kind {
            User => PolicyHolder::User(self.user_at(account, &entity.name)?.clone()),
            Group => PolicyHolder::Group(self.group_at(account, &entity.name)?.clone()),
            Role => PolicyHolder::Role(self.role_at(account, &entity.name)?.clone()),
        })
    }

    /// A plan under which the boundary of a new entity, if it has one, stays.
    pub(super) fn boundary_plan(
        &self,
        account: AccountId,
        boundary: Option<&PolicyArn>,
    ) -> Result<Plan<()>, IdentityError> {
        let plan = Plan::answer(());
        let Some(policy) = boundary else { return Ok(plan) };
        let policy = self.attachable(account, policy).map_err(IdentityError::of_boundary)?;
        Ok(keep(plan, policy))
    }

    /// A policy that entities of `account` may have: its own, or AWS's.
    pub(super) fn attachable(
        &self,
        account: AccountId,
        policy: &PolicyArn,
    ) -> Result<&ManagedPolicyView, IdentityError> {
        let ours = match policy.owner() {
            PolicyOwner::Aws => true,
            PolicyOwner::Account(owner) => owner == account,
        };
        let found = self.managed_policy(policy).filter(|_| ours);
        found.map(|view| &**view).ok_or_else(|| IdentityError::PolicyNotAttachable(policy.clone()))
    }
}
