//! Roles and their inline policies: create, show, list, change, delete.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    IdentityError, MaxSessionDuration, NewRole, PolicyName, Role, RoleDescription, Tags,
    create_role, delete_role, delete_role_policy, generate, put_role_policy, role_policy,
};
use portcullis_model::iam::operation::{
    CreateRole, DeleteRole, DeleteRolePolicy, GetRole, GetRolePolicy, ListRolePolicies, ListRoles,
    PutRolePolicy,
};

use super::Page;
use crate::{
    Catalog, CatalogError, Failure, Permit, Plan, Resource as _, RoleResource, RoleView, Snapshot,
    WholeAccount, address::Address,
};

/// What a new role has beside the path and name in the permit.
#[derive(Clone, Debug)]
pub struct RoleSettings {
    /// The text of `AssumeRolePolicyDocument`.
    pub trust_policy: Box<str>,
    /// What it is for.
    pub description: Option<RoleDescription>,
    /// Longest session.
    pub max_session_duration: MaxSessionDuration,
    /// Its tags.
    pub tags: Tags,
    /// ARN of a permissions boundary; the domain refuses it as yet.
    pub permissions_boundary: Option<Box<str>>,
}

impl Catalog {
    /// Creates the role under the permitted path and name.
    ///
    /// # Errors
    /// Those of [`create_role`].
    pub async fn create_role(
        &self,
        permit: Permit<CreateRole, RoleResource>,
        settings: RoleSettings,
        now: Timestamp,
    ) -> Result<Role, Failure<IdentityError>> {
        let resource = permit.consume();
        let id = generate::role_id().map_err(CatalogError::from)?;
        let address = address(&resource);
        self.transact(&address.to_string(), |snapshot| {
            let taken = snapshot.role_like(resource.owner(), resource.name());
            let taken = taken.map(|view| &*view.stored);
            let new = new_role(&resource, settings.clone());
            let role = create_role(resource.owner(), taken, new, id, now)?;
            Ok(Plan::answer(role.clone()).absent(&address).put(&address, &role))
        })
        .await
    }

    /// Deletes the role, which must have no policies. Its sessions end with it.
    ///
    /// # Errors
    /// The missing role; those of [`delete_role`].
    pub async fn delete_role(
        &self,
        permit: Permit<DeleteRole, RoleResource>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        let address = address(&resource);
        self.transact(&address.to_string(), |snapshot| {
            let view = snapshot.find_role(&resource)?;
            delete_role(&view.stored)?;
            Ok(Plan::answer(()).unchanged(&address, view.stored.modified).delete(&address))
        })
        .await
    }

    /// Adds the inline policy `name` to the role, or replaces it.
    ///
    /// # Errors
    /// The missing role; those of [`put_role_policy`].
    pub async fn put_role_policy(
        &self,
        permit: Permit<PutRolePolicy, RoleResource>,
        name: &PolicyName,
        document: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |role: &Role| put_role_policy(role, name.clone(), document);
        self.change_role(&permit.consume(), rule).await
    }

    /// Removes the inline policy `name` from the role.
    ///
    /// # Errors
    /// The missing role; the missing policy.
    pub async fn delete_role_policy(
        &self,
        permit: Permit<DeleteRolePolicy, RoleResource>,
        name: &PolicyName,
    ) -> Result<(), Failure<IdentityError>> {
        self.change_role(&permit.consume(), |role| delete_role_policy(role, name)).await
    }

    async fn change_role(
        &self,
        resource: &RoleResource,
        rule: impl Fn(&Role) -> Result<Role, IdentityError>,
    ) -> Result<(), Failure<IdentityError>> {
        let address = address(resource);
        self.transact(&address.to_string(), |snapshot| {
            let view = snapshot.find_role(resource)?;
            let plan = Plan::answer(()).unchanged(&address, view.stored.modified);
            Ok(plan.put(&address, &rule(&view.stored)?))
        })
        .await
    }
}

impl Snapshot {
    /// The permitted role.
    ///
    /// # Errors
    /// The missing role.
    pub fn get_role(
        &self,
        permit: Permit<GetRole, RoleResource>,
    ) -> Result<Arc<RoleView>, IdentityError> {
        self.find_role(&permit.consume()).cloned()
    }

    /// The roles of the permitted account whose path begins with `path_prefix`, by folded name,
    /// after the folded name `after`; `""` is before all.
    #[must_use]
    pub fn list_roles(
        &self,
        permit: Permit<ListRoles, WholeAccount>,
        path_prefix: &str,
        after: &str,
        limit: usize,
    ) -> Page<Arc<RoleView>> {
        let roles = self.roles(permit.consume().0, after);
        let under = roles.filter(|role| role.stored.path.as_str().starts_with(path_prefix));
        Page::take(under.cloned(), limit)
    }

    /// The text of the role's inline policy `name`, as it was given.
    ///
    /// # Errors
    /// The missing role; the missing policy.
    pub fn get_role_policy(
        &self,
        permit: Permit<GetRolePolicy, RoleResource>,
        name: &PolicyName,
    ) -> Result<&str, IdentityError> {
        role_policy(&self.find_role(&permit.consume())?.stored, name)
    }

    /// The names of the role's inline policies, in order, after the name `after`.
    ///
    /// # Errors
    /// The missing role.
    pub fn list_role_policies(
        &self,
        permit: Permit<ListRolePolicies, RoleResource>,
        after: &str,
        limit: usize,
    ) -> Result<Page<PolicyName>, IdentityError> {
        let role = &self.find_role(&permit.consume())?.stored;
        let names = role.policies.iter().map(|(name, _)| name);
        Ok(Page::take(names.filter(|name| name.as_str() > after).cloned(), limit))
    }

    /// The role under exactly the permitted ARN: one that was made anew under another path is not
    /// the one that was decided about.
    pub(super) fn find_role(
        &self,
        resource: &RoleResource,
    ) -> Result<&Arc<RoleView>, IdentityError> {
        self.role_of_arn(resource.arn())
            .ok_or_else(|| IdentityError::NoSuchRole(resource.name().clone()))
    }
}

fn address(role: &RoleResource) -> Address {
    Address::role(role.owner(), role.name())
}

fn new_role(resource: &RoleResource, settings: RoleSettings) -> NewRole {
    let RoleSettings {
        trust_policy,
        description,
        max_session_duration,
        tags,
        permissions_boundary,
    } = settings;
    NewRole {
        path: resource.path().clone(),
        name: resource.name().clone(),
        trust_policy,
        description,
        max_session_duration,
        tags,
        permissions_boundary,
    }
}
