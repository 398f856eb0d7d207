//! Roles: create, show, delete.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    IdentityError, MaxSessionDuration, NewRole, PolicyArn, Role, RoleDescription, RoleName,
    ServiceLinkedRole, Tags, TrustPolicy, create_role, delete_role, generate, no_such_entity,
    update_role, update_trust_policy,
};
use portcullis_model::Operation;
use portcullis_model::iam::operation::{
    CreateRole, CreateServiceLinkedRole, DeleteRole, DeleteServiceLinkedRole, GetRole,
    GetServiceLinkedRoleDeletionStatus, UpdateAssumeRolePolicy, UpdateRole, UpdateRoleDescription,
};

use super::entities::{operations, replace};
use crate::{
    Catalog, CatalogError, EntityName, Failure, Permit, Plan, RoleResource, RoleView, Snapshot,
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
    /// Its permissions boundary.
    pub boundary: Option<PolicyArn>,
}

operations! {
    /// Changes what describes a role.
    UpdatesRole: UpdateRole on RoleName, UpdateRoleDescription on RoleName
}

impl Catalog {
    /// Creates the role under the permitted path and name.
    ///
    /// # Errors
    /// A boundary that does not exist; those of [`TrustPolicy::new`] and [`create_role`].
    pub async fn create_role(
        &self,
        permit: Permit<CreateRole, RoleResource>,
        settings: RoleSettings,
        now: Timestamp,
    ) -> Result<Role, Failure<IdentityError>> {
        let resource = permit.consume();
        let id = generate::role_id().map_err(CatalogError::from)?;
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let taken = snapshot.role_like(resource.owner(), resource.name());
            let taken = taken.map(|view| &*view.stored);
            let plan = snapshot.boundary_plan(resource.owner(), settings.boundary.as_ref())?;
            let trust_policy = TrustPolicy::new(&settings.trust_policy, snapshot)?;
            let new = new_role(&resource, trust_policy, settings.clone());
            let role = create_role(resource.owner(), taken, new, id, now)?;
            Ok(plan.map(|()| role.clone()).absent(&address).put(&address, &role))
        })
        .await
    }

    /// Gives the role another trust policy. Sessions that were begun go on.
    ///
    /// # Errors
    /// The missing role; those of [`update_trust_policy`].
    pub async fn update_trust_policy(
        &self,
        permit: Permit<UpdateAssumeRolePolicy, RoleResource>,
        document: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |snapshot: &Snapshot, role: &Role| update_trust_policy(role, document, snapshot);
        self.change_entity(&permit.consume(), rule).await
    }

    /// Gives the role another description or longest session.
    ///
    /// # Errors
    /// The missing role; those of [`update_role`].
    pub async fn update_role<A: UpdatesRole>(
        &self,
        permit: Permit<A, RoleResource>,
        description: Option<RoleDescription>,
        max_session_duration: Option<MaxSessionDuration>,
    ) -> Result<Role, Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(&resource.address().to_string(), |snapshot| {
            let view = resource.find(snapshot)?;
            let role = update_role(&view.stored, description.clone(), max_session_duration)?;
            Ok(replace(Plan::answer(role.clone()), &resource, view, &role))
        })
        .await
    }

    /// Creates the role of a service under the permitted path and name.
    ///
    /// # Errors
    /// Those of [`ServiceLinkedRole::create`].
    pub async fn create_service_linked_role(
        &self,
        permit: Permit<CreateServiceLinkedRole, RoleResource>,
        linked: &ServiceLinkedRole,
        description: Option<RoleDescription>,
        now: Timestamp,
    ) -> Result<Role, Failure<IdentityError>> {
        let resource = permit.consume();
        let id = generate::role_id().map_err(CatalogError::from)?;
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let taken = snapshot.role_like(resource.owner(), resource.name());
            let taken = taken.map(|view| &*view.stored);
            let role = linked.create(resource.owner(), taken, description.clone(), id, now)?;
            Ok(Plan::answer(role.clone()).absent(&address).put(&address, &role))
        })
        .await
    }

    /// Deletes the role of a service, at once. Its sessions end with it.
    ///
    /// # Errors
    /// The missing role, also if the role is not a service's.
    pub async fn delete_service_linked_role(
        &self,
        permit: Permit<DeleteServiceLinkedRole, RoleResource>,
    ) -> Result<Role, Failure<IdentityError>> {
        let resource = permit.consume();
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let view = resource.find(snapshot)?;
            if !view.stored.is_service_linked() {
                return Err(no_such_entity::<Role>(resource.name()).into());
            }
            let plan = Plan::answer(Role::clone(&view.stored));
            Ok(plan.unchanged(&address, view.stored.modified).delete_with_children(&address))
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
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let view = resource.find(snapshot)?;
            delete_role(&view.stored)?;
            Ok(Plan::answer(())
                .unchanged(&address, view.stored.modified)
                .delete_with_children(&address))
        })
        .await
    }
}

impl Snapshot {
    /// The deletion of the permitted role, which had succeeded when it was answered. Nothing of it is
    /// kept: whoever may ask learns nothing but that.
    pub fn deletion_has_succeeded(
        &self,
        permit: Permit<GetServiceLinkedRoleDeletionStatus, RoleResource>,
    ) {
        permit.consume();
    }

    /// The permitted role.
    ///
    /// # Errors
    /// The missing role.
    pub fn get_role(
        &self,
        permit: Permit<GetRole, RoleResource>,
    ) -> Result<Arc<RoleView>, IdentityError> {
        permit.consume().find(self).cloned()
    }
}

fn new_role(resource: &RoleResource, trust_policy: TrustPolicy, settings: RoleSettings) -> NewRole {
    let RoleSettings { trust_policy: _, description, max_session_duration, tags, boundary } =
        settings;
    NewRole {
        path: resource.path().clone(),
        name: resource.name().clone(),
        trust_policy,
        description,
        max_session_duration,
        tags,
        boundary,
    }
}
