//! Users and roles by what names them in policies: ARNs and unique ids.

use std::{borrow::Cow, sync::Arc};

use imbl::OrdMap;
use portcullis_iam::{Identified, Principal};
use portcullis_identity::{AccountId, Role, RoleId, RoleName, User, UserId};

use crate::{RoleView, Snapshot, UserView};

/// The users and roles there are, by unique id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entities {
    users: OrdMap<UserId, Arc<UserView>>,
    roles: OrdMap<RoleId, Arc<RoleView>>,
}

impl Entities {
    /// Takes in that a user is another now, or gone.
    pub(crate) fn user_changed(&mut self, old: Option<&User>, new: Option<&Arc<UserView>>) {
        // A renamed user is put under its new name before it goes from the old one, or after.
        if let Some(old) = old
            && self.users.get(&old.id).is_some_and(|view| view.stored.name == old.name)
        {
            self.users.remove(&old.id);
        }
        if let Some(new) = new {
            self.users.insert(new.stored.id, new.clone());
        }
    }

    /// Takes in that a role is another now, or gone.
    pub(crate) fn role_changed(&mut self, old: Option<&Role>, new: Option<&Arc<RoleView>>) {
        if let Some(old) = old {
            self.roles.remove(&old.id);
        }
        if let Some(new) = new {
            self.roles.insert(new.stored.id, new.clone());
        }
    }

    /// The ARN of the user or role.
    fn arn_of(&self, id: &str) -> Option<&str> {
        let user = id.parse().ok().and_then(|id: UserId| self.users.get(&id));
        let role = || id.parse().ok().and_then(|id: RoleId| self.roles.get(&id));
        user.map(|user| user.identity.arn()).or_else(|| role().map(|role| role.identity.arn()))
    }
}

impl portcullis_iam::Entities for Snapshot {
    /// Of accounts that are not here nothing is known.
    fn identify(&self, text: &str) -> Identified {
        if let Some(arn) = arn(text) {
            return match self.account(arn.account) {
                Some(_) => self.id_of(&arn).map_or(Identified::Nobody, Identified::As),
                None => Identified::Unknown,
            };
        }
        let lives = self.entities().arn_of(text).is_some();
        if lives { Identified::As(text.into()) } else { Identified::Nobody }
    }

    fn arn_of(&self, id: &str) -> Option<Cow<'_, str>> {
        self.entities().arn_of(id).map(Into::into)
    }
}

impl Snapshot {
    /// The user with this unique id, whatever its name is now.
    pub(crate) fn user_of_id(&self, id: UserId) -> Option<&Arc<UserView>> {
        self.entities().users.get(&id)
    }

    /// The role with this unique id.
    #[must_use]
    pub fn role_of_id(&self, id: RoleId) -> Option<&Arc<RoleView>> {
        self.entities().roles.get(&id)
    }

    /// A supposed caller, with its unique id if it is a user or role that is here.
    pub(crate) fn known(&self, principal: Principal) -> Principal {
        let id = arn(principal.as_str()).and_then(|arn| self.id_of(&arn));
        match id {
            Some(id) => principal.with_id(&id),
            None => principal,
        }
    }

    fn id_of(&self, arn: &EntityArn<'_>) -> Option<Box<str>> {
        let role = |name: &str| self.role(arn.account, &name.parse::<RoleName>().ok()?);
        match arn.kind {
            Kind::User => {
                let user = self.user(arn.account, &arn.name.parse().ok()?)?;
                (user.identity.arn() == arn.text).then(|| user.stored.id.as_str().into())
            }
            Kind::Role => {
                let role = role(arn.name)?;
                (role.identity.arn() == arn.text).then(|| role.stored.id.as_str().into())
            }
            Kind::Session => Some(role(arn.name)?.stored.id.as_str().into()),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    User,
    Role,
    Session,
}

/// The ARN of a user, a role, or a session of a role.
struct EntityArn<'a> {
    text: &'a str,
    account: AccountId,
    kind: Kind,
    /// The name of the user or role, without path.
    name: &'a str,
}

/// Reads an ARN; `None` if it is not of that kind. The partition is compared with the whole ARN.
fn arn(text: &str) -> Option<EntityArn<'_>> {
    let arn = portcullis_iam::Arn::split(text)?;
    let (kind, rest) = arn.resource().split_once('/')?;
    let (kind, name) = match (arn.service(), kind) {
        ("iam", "user") => (Kind::User, rest.rsplit('/').next()?),
        ("iam", "role") => (Kind::Role, rest.rsplit('/').next()?),
        ("sts", "assumed-role") => (Kind::Session, rest.split('/').next()?),
        _ => return None,
    };
    Some(EntityArn { text, account: arn.account().parse().ok()?, kind, name })
}
