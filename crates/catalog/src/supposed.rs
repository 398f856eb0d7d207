//! Answers about calls that nobody made, by the documents of a snapshot: would this be allowed, and
//! who may do that. For the account that owns the resource: the policies of other accounts are not
//! looked at.

mod exclusion;
mod execution;
mod owned;
mod proviso;
mod simulation;
mod who_can;

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_iam::{
    Context, Decision, Explanation, InvalidPrincipal, MapContext, Narrowing, Policies, Principal,
    PrincipalKind, Request, Value, decide, explain,
};
use portcullis_identity::{
    AccountId, Caller, RoleName, ServiceIdentity, ServiceName, SessionClaims, SessionHolder,
    SessionIdentity, SessionMarks, SessionPolicies, Source, UserName,
};
use portcullis_model::portcullis::operation::Explain;

pub use exclusion::{Excluded, ExcludedInline, ExcludedKind, PolicyArnPattern};
pub use execution::time_key;
pub use proviso::Proviso;
pub use simulation::{Evaluation, Given, Matched, Position, Simulation, SourceKind};

use self::owned::owned_resource;
use crate::{
    Permit, Resource, Snapshot, Unreadable, WholeAccount,
    authorize::OwnPolicies,
    decisions::{Documents, Pools, taken_to_allow},
    organizations::OrganizationKey,
};

/// A call that nobody made.
#[derive(Clone, Copy)]
pub struct SupposedCall<'a> {
    /// An ARN, the name of a service, or `anonymous`.
    pub principal: &'a str,
    /// The action, `lambda:InvokeFunction`.
    pub action: &'a str,
    /// The resource's ARN, or `*`.
    pub resource: &'a str,
    /// The condition keys that are supposed; they come before all that is known.
    pub given: &'a dyn Context,
    /// The condition keys that every request has, such as the time.
    pub usual: &'a dyn Context,
    /// When it is supposed to be.
    pub time: Timestamp,
}

/// Why nothing can be said about a supposed call.
#[derive(Debug, thiserror::Error)]
pub enum CannotSuppose {
    /// No such principal can be.
    #[error(transparent)]
    Principal(#[from] InvalidPrincipal),
    /// The account has no such user or role.
    #[error("The account has no principal {0}.")]
    NoPrincipal(Box<str>),
    /// Another account's, or no account's.
    #[error("The resource {0} is not one of this account.")]
    NotOwned(Box<str>),
    /// A document that has a say cannot be evaluated.
    #[error("A policy that applies cannot be evaluated.")]
    Unreadable,
}

impl From<Unreadable> for CannotSuppose {
    fn from(Unreadable: Unreadable) -> Self {
        Self::Unreadable
    }
}

/// Who is supposed to call.
enum Supposed {
    /// Somebody whose policies are known, or who has none.
    Known(Caller),
    /// A service under a name that no key can be made for.
    Service,
    /// Somebody of another account, whose policies are not looked at.
    Foreign(AccountId),
}

impl Snapshot {
    /// Has `tell` tell how a call about a resource of the permitted account would be decided, and
    /// why; with what it goes by beside the documents, if anything.
    ///
    /// # Errors
    /// [`CannotSuppose`].
    pub fn suppose<T>(
        &self,
        permit: Permit<Explain, WholeAccount>,
        call: &SupposedCall<'_>,
        narrowing: &[Narrowing],
        tell: impl FnOnce(Explanation<'_>, Option<Proviso>) -> T,
    ) -> Result<T, CannotSuppose> {
        let WholeAccount(owner) = permit.consume();
        let resource = owned_resource(self, call.resource, call.action, owner)?;
        let principal = self.known(Principal::parse(call.principal)?);
        let supposed = self.supposed(&principal, owner, call.time)?;
        let proviso = Proviso::of(self, &supposed, &principal, owner, call.action);
        let pools = self.pools_of(&supposed, &*resource)?;
        let keys = Keys::new(self, call, &*resource, &supposed, &principal);
        let request = Request {
            principal: &principal,
            action: call.action,
            resource: call.resource,
            resource_account: owner.as_str(),
            context: &keys,
        };
        let rule = resource.rule();
        // A Deny of the resource holds for everybody, what it allows not for those who are barred.
        let is_denied = |policies: &Policies<'_>| {
            matches!(decide(&request, policies), Decision::ExplicitlyDenied(_))
        };
        let pools = if proviso.is_some_and(Proviso::bars) && !pools.ask(rule, is_denied) {
            pools.without_those_of_resource()
        } else {
            pools
        };
        let can_help = |kind| proviso.is_none_or(|proviso| proviso.lets_help(kind));
        Ok(pools.ask(rule, |policies| {
            let explanation = explain(&request, policies, narrowing);
            let named = |place| pools.document(place).map(ToString::to_string);
            let explanation = explanation.without_ways(|grant| can_help(grant.policy_type));
            tell(explanation.named(named), proviso)
        }))
    }

    fn supposed(
        &self,
        principal: &Principal,
        owner: AccountId,
        time: Timestamp,
    ) -> Result<Supposed, CannotSuppose> {
        let nobody = || CannotSuppose::NoPrincipal(principal.as_str().into());
        let account = principal.account().map(str::parse).transpose().map_err(|_| nobody())?;
        let known = match (principal.kind(), account) {
            (PrincipalKind::Anonymous, _) => Some(Caller::Anonymous),
            (PrincipalKind::Service, _) => match principal.as_str().parse::<ServiceName>() {
                Ok(name) => {
                    let service = Arc::new(ServiceIdentity::new(name));
                    Some(Caller::service(service, Source::default()))
                }
                Err(_) => return Ok(Supposed::Service),
            },
            (_, Some(account)) if account != owner => return Ok(Supposed::Foreign(account)),
            (PrincipalKind::Root, _) => self.root(owner).cloned().map(Caller::root),
            (PrincipalKind::User, _) => self.supposed_user(principal, owner),
            (PrincipalKind::Role | PrincipalKind::RoleSession, _) => {
                self.supposed_session(principal, owner, time)
            }
            (PrincipalKind::FederatedUser | PrincipalKind::Federated, _) => None,
        };
        known.map(Supposed::Known).ok_or_else(nobody)
    }

    fn supposed_user(&self, principal: &Principal, owner: AccountId) -> Option<Caller> {
        let name: UserName = principal.as_str().rsplit('/').next()?.parse().ok()?;
        let user = self.user(owner, &name).filter(|user| user.identity.arn() == principal.as_str());
        let identity = user?.identity.clone();
        let id = identity.user().id;
        Caller::user(identity, id).ok()
    }

    /// A session of a role; the role itself stands for any of its sessions.
    fn supposed_session(
        &self,
        principal: &Principal,
        owner: AccountId,
        time: Timestamp,
    ) -> Option<Caller> {
        let name: RoleName = principal.role_name()?.parse().ok()?;
        let role = &self.role(owner, &name)?.identity;
        if principal.kind() == PrincipalKind::Role && role.arn() != principal.as_str() {
            return None;
        }
        let session_name = principal.as_str().rsplit('/').next()?.parse().ok()?;
        let id = role.role().id;
        let claims = SessionClaims {
            account: owner,
            holder: SessionHolder::Role { name, id, session: session_name, function: None },
            session_id: Default::default(),
            issued: time,
            expires: time,
            marks: SessionMarks::default(),
            policies: SessionPolicies::default(),
            web_identity: None,
            source: Box::default(),
            key: None,
        };
        self.caller_of_session(&SessionIdentity::new(claims, self.partition())).ok()
    }

    fn pools_of(&self, who: &Supposed, resource: &dyn Resource) -> Result<Pools, Unreadable> {
        let own = match who {
            Supposed::Known(caller) => self.own_policies(caller)?,
            Supposed::Service => OwnPolicies::default(),
            Supposed::Foreign(account) => {
                OwnPolicies { identity: taken_to_allow(*account)?, boundary: None }
            }
        };
        let service_control = match who {
            Supposed::Known(caller) => self.organizations.service_control(caller)?,
            Supposed::Service | Supposed::Foreign(_) => None,
        };
        let resource_control = self.organizations.resource_control(resource.owner())?;
        let resource = resource.policies(self)?;
        let pools = Pools::new(own, Documents::new(), resource);
        Ok(pools.limited_by(service_control, resource_control))
    }
}

/// The condition keys of a supposed call: what is supposed, then what is known.
struct Keys<'a> {
    snapshot: &'a Snapshot,
    call: &'a SupposedCall<'a>,
    resource: &'a dyn Resource,
    caller: Option<&'a Caller>,
    /// The account of a caller whose policies are not looked at.
    foreign: Option<AccountId>,
    /// What the ARN tells of a caller whom nothing else is known of.
    of_principal: MapContext,
}

impl<'a> Keys<'a> {
    fn new(
        snapshot: &'a Snapshot,
        call: &'a SupposedCall<'a>,
        resource: &'a dyn Resource,
        supposed: &'a Supposed,
        principal: &Principal,
    ) -> Self {
        let mut of_principal = MapContext::new();
        let mut foreign = None;
        let caller = match supposed {
            Supposed::Known(caller) => Some(caller),
            Supposed::Service => None,
            Supposed::Foreign(account) => {
                foreign = Some(*account);
                of_principal.insert("aws:PrincipalAccount", account.as_str());
                if principal.kind() != PrincipalKind::RoleSession {
                    of_principal.insert("aws:PrincipalArn", principal.as_str());
                }
                None
            }
        };
        if principal.kind() == PrincipalKind::Service && caller.is_none() {
            of_principal.insert("aws:PrincipalServiceName", principal.as_str());
            of_principal.insert("aws:PrincipalIsAWSService", "true");
        }
        Self { snapshot, call, resource, caller, foreign, of_principal }
    }
}

impl Context for Keys<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        let of_resource = || match key {
            "aws:resourceaccount" => Some(Value::Single(self.resource.account().into())),
            _ => self.resource.condition_key(self.snapshot, key),
        };
        let of_caller = || match self.caller {
            Some(caller) => caller.condition_key(key),
            None => self.of_principal.get(key),
        };
        let given = self.call.given.get(key);
        if let Some(key) = OrganizationKey::of(key) {
            let organizations = &self.snapshot.organizations;
            return given.or_else(|| match self.caller {
                Some(caller) => key.value(organizations, caller, self.resource),
                None => key.between(organizations, self.foreign, None, self.resource),
            });
        }
        given.or_else(of_resource).or_else(of_caller).or_else(|| self.call.usual.get(key))
    }
}
