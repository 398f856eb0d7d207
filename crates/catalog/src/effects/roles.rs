//! Roles: create, show, delete.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    IdentityError, MaxSessionDuration, NewRole, PolicyArn, Role, RoleDescription, Tags,
    create_role, delete_role, generate,
};
use portcullis_model::iam::operation::{CreateRole, DeleteRole, GetRole};

use crate::{Catalog, CatalogError, Failure, Permit, Plan, RoleResource, RoleView, Snapshot};

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

impl Catalog {
    /// Creates the role under the permitted path and name.
    ///
    /// # Errors
    /// A boundary that does not exist; those of [`create_role`].
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
            let new = new_role(&resource, settings.clone());
            let role = create_role(resource.owner(), taken, new, id, now)?;
            Ok(plan.map(|()| role.clone()).absent(&address).put(&address, &role))
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
            Ok(Plan::answer(()).unchanged(&address, view.stored.modified).delete(&address))
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
        permit.consume().find(self).cloned()
    }
}

fn new_role(resource: &RoleResource, settings: RoleSettings) -> NewRole {
    let RoleSettings { trust_policy, description, max_session_duration, tags, boundary } = settings;
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
