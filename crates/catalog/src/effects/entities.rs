//! What is the same for users, groups and roles: list them, change one, their inline policies.
//!
//! Everything that changes an entity writes its own value: that is where two writers meet.

use std::sync::Arc;

use portcullis_identity::{
    Entity as _, GroupName, IdentityError, Path, PolicyName, Renamable, RoleName, UserName,
    delete_inline_policy, inline_policy, put_inline_policy, rename,
};
use portcullis_model::Operation;
use portcullis_model::iam::operation::{
    DeleteGroupPolicy, DeleteRolePolicy, DeleteUserPolicy, GetGroupPolicy, GetRolePolicy,
    GetUserPolicy, ListGroupPolicies, ListGroups, ListRolePolicies, ListRoles, ListUserPolicies,
    ListUsers, PutGroupPolicy, PutRolePolicy, PutUserPolicy,
};

use super::Page;
use crate::{
    Catalog, EntityName, EntityResource, EntityView, Failure, Permit, Plan, Snapshot, WholeAccount,
};

/// Names the operations that one effect carries out, and the kind of entity that each is about: a
/// permit for any other operation does not fit the effect.
macro_rules! operations {
    ($(#[$doc:meta])* $trait:ident: $($operation:ident on $name:ident),+ $(,)?) => {
        $(#[$doc])*
        pub trait $trait: Operation {
            /// How the entities of the operation are named.
            type On: EntityName;
        }

        $(impl $trait for $operation {
            type On = $name;
        })+
    };
}

pub(super) use operations;

operations! {
    /// Lists the entities of an account.
    ListEntities: ListUsers on UserName, ListGroups on GroupName, ListRoles on RoleName
}

operations! {
    /// Adds or replaces an inline policy.
    PutInlinePolicy: PutUserPolicy on UserName, PutGroupPolicy on GroupName, PutRolePolicy on RoleName
}

operations! {
    /// Shows an inline policy.
    GetInlinePolicy: GetUserPolicy on UserName, GetGroupPolicy on GroupName, GetRolePolicy on RoleName
}

operations! {
    /// Lists the inline policies of an entity.
    ListInlinePolicies:
        ListUserPolicies on UserName, ListGroupPolicies on GroupName, ListRolePolicies on RoleName
}

operations! {
    /// Removes an inline policy.
    DeleteInlinePolicy:
        DeleteUserPolicy on UserName, DeleteGroupPolicy on GroupName, DeleteRolePolicy on RoleName
}

impl Catalog {
    /// Adds the inline policy `name` to the entity, or replaces it.
    ///
    /// # Errors
    /// The missing entity; those of [`put_inline_policy`].
    pub async fn put_inline_policy<A: PutInlinePolicy>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        name: &PolicyName,
        document: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |_: &Snapshot, entity: &EntityOf<A::On>| {
            put_inline_policy(entity, name.clone(), document)
        };
        self.change_entity(&permit.consume(), rule).await
    }

    /// Removes the inline policy `name` from the entity.
    ///
    /// # Errors
    /// The missing entity; the missing policy.
    pub async fn delete_inline_policy<A: DeleteInlinePolicy>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        name: &PolicyName,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |_: &Snapshot, entity: &EntityOf<A::On>| delete_inline_policy(entity, name);
        self.change_entity(&permit.consume(), rule).await
    }

    /// Writes what `rule` makes of the permitted entity.
    pub(super) async fn change_entity<N: EntityName>(
        &self,
        resource: &EntityResource<N>,
        rule: impl Fn(&Snapshot, &N::Entity) -> Result<N::Entity, IdentityError>,
    ) -> Result<(), Failure<IdentityError>> {
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let view = resource.find(snapshot)?;
            let changed = rule(snapshot, view.stored())?;
            Ok(replace(Plan::answer(()), resource, view, &changed))
        })
        .await
    }
}

/// A plan that gives the permitted entity another path or name, and the entity as it then is.
pub(super) fn rename_plan<N>(
    snapshot: &Snapshot,
    resource: &EntityResource<N>,
    path: Option<&Path>,
    name: Option<&N>,
) -> Result<(Plan<()>, N::Entity), IdentityError>
where
    N: EntityName,
    N::Entity: Renamable,
{
    let view = resource.find(snapshot)?;
    let taken = name.unwrap_or(resource.name()).like(snapshot, resource.owner());
    let entity = rename(&**view.stored(), taken.map(|view| &**view.stored()), path, name)?;
    let (old, new) = (resource.address(), entity.name().address(resource.owner()));
    let plan = Plan::answer(());
    if new == old {
        return Ok((replace(plan, resource, view, &entity), entity));
    }
    let plan = plan.unchanged(&old, view.stored().modified).delete(&old);
    Ok((plan.absent(&new).put(&new, &entity), entity))
}

/// What has such a name.
pub(super) type EntityOf<N> = <N as EntityName>::Entity;

/// Replaces the entity that the rule saw.
pub(super) fn replace<T, N: EntityName>(
    plan: Plan<T>,
    resource: &EntityResource<N>,
    seen: &N::View,
    entity: &N::Entity,
) -> Plan<T> {
    let address = resource.address();
    plan.unchanged(&address, seen.stored().modified).put(&address, entity)
}

impl Snapshot {
    /// The entities of the permitted account whose path begins with `path_prefix`, by folded name,
    /// after the folded name `after`; `""` is before all.
    #[must_use]
    pub fn list_entities<A: ListEntities>(
        &self,
        permit: Permit<A, WholeAccount>,
        path_prefix: &str,
        after: &str,
        limit: usize,
    ) -> Page<Arc<<A::On as EntityName>::View>> {
        let all = A::On::all(self, permit.consume().0, after);
        let under = all.filter(|view| view.stored().path().as_str().starts_with(path_prefix));
        Page::take(under.cloned(), limit)
    }

    /// The text of the entity's inline policy `name`, as it was given.
    ///
    /// # Errors
    /// The missing entity; the missing policy.
    pub fn get_inline_policy<A: GetInlinePolicy>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        name: &PolicyName,
    ) -> Result<&str, IdentityError> {
        inline_policy(&**permit.consume().find(self)?.stored(), name)
    }

    /// The names of the entity's inline policies, in order, after the name `after`.
    ///
    /// # Errors
    /// The missing entity.
    pub fn list_inline_policies<A: ListInlinePolicies>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        after: &str,
        limit: usize,
    ) -> Result<Page<PolicyName>, IdentityError> {
        let resource = permit.consume();
        let names = resource.find(self)?.stored().policies().iter().map(|(name, _)| name);
        Ok(Page::take(names.filter(|name| name.as_str() > after).cloned(), limit))
    }
}
