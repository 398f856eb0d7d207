//! The organizations of the snapshot, and which account is where in one.

use std::{collections::BTreeMap, sync::Arc};

use imbl::{OrdMap, OrdSet};
use portcullis_iam::{Arn, Value};
use portcullis_identity::{
    AccountId, Caller, Partition,
    organization::{
        ByType, ChildId, ContainerId, Organization, OrganizationId, OrganizationPolicy,
        OrganizationPolicyId, PolicyType, TargetId,
    },
};
use portcullis_store::Revision;

use crate::{
    AttachedPolicy, Resource, Unreadable, Versioned, decisions::Documents, snapshot::set,
    view::compile,
};

/// An organization as the snapshot holds it.
#[derive(Clone, Debug)]
pub struct OrganizationView {
    /// As stored.
    pub stored: Versioned<Organization>,
}

/// A policy of an organization: as stored, and compiled.
#[derive(Clone, Debug)]
pub struct OrganizationPolicyView {
    /// As stored.
    pub stored: Versioned<OrganizationPolicy>,
    /// `None` if it cannot be evaluated: calls that it limits are denied.
    compiled: Option<Arc<AttachedPolicy>>,
}

/// Policies of a type by level: the root's, each unit's on the way, the account's.
pub(crate) type Levels = Vec<Documents>;

/// What decisions about an account have to know of its organization.
#[derive(Debug)]
pub(crate) struct Membership {
    organization: OrganizationId,
    /// The way to the account, as condition keys have it: `o-…/r-…/ou-…/`.
    path: Arc<str>,
    /// What limits its callers, and what limits calls on what it owns.
    limits: ByType<Limits>,
    /// Whether nobody in the account may do anything, nor anybody on what it owns.
    is_closed: bool,
}

/// `None` where policies of a type limit nothing: they are not in force, or this is about the
/// management account.
type Limits = Option<Result<Arc<Levels>, Unreadable>>;

/// What the accounts in one root or unit share.
struct Place {
    path: Arc<str>,
    /// Of the root and the units; `None` where policies of the type are not in force.
    levels: ByType<Option<Result<Levels, Unreadable>>>,
}

/// Every organization, and who is in which.
#[derive(Clone, Debug)]
pub(crate) struct Organizations {
    partition: Partition,
    /// AWS's own policies, which are the same in all.
    full_access: ByType<Arc<OrganizationPolicyView>>,
    all: OrdMap<OrganizationId, Arc<OrganizationView>>,
    /// `None` for one that cannot be read.
    policies: OrdMap<(OrganizationId, OrganizationPolicyId), Option<Arc<OrganizationPolicyView>>>,
    memberships: OrdMap<AccountId, Arc<Membership>>,
    /// Those that cannot be read: whoever is in none that can may be in one of these.
    unreadable: OrdSet<OrganizationId>,
}

impl Organizations {
    pub(crate) fn new(partition: Partition) -> Self {
        let revision = Revision::new(0);
        Self {
            partition,
            full_access: ByType::of(|of| Arc::new(full_access_view(partition, of, revision))),
            all: OrdMap::new(),
            policies: OrdMap::new(),
            memberships: OrdMap::new(),
            unreadable: OrdSet::new(),
        }
    }

    /// Takes in what now stands in the store; `is_there`: whether anything does.
    pub(crate) fn apply(
        &mut self,
        id: OrganizationId,
        stored: Option<Versioned<Organization>>,
        is_there: bool,
    ) {
        let old = self.all.get(&id).map(|view| view.stored.clone());
        for account in old.iter().flat_map(|old| old.members.keys()) {
            self.memberships.remove(account);
        }
        if is_there && stored.is_none() {
            self.unreadable.insert(id.clone());
        } else {
            self.unreadable.remove(&id);
        }
        if let Some(organization) = &stored {
            self.enroll(organization);
        }
        set(&mut self.all, id, stored.map(|stored| Arc::new(OrganizationView { stored })));
    }

    /// As [`apply`](Self::apply), for a policy.
    pub(crate) fn apply_policy(
        &mut self,
        organization: OrganizationId,
        id: OrganizationPolicyId,
        stored: Option<Versioned<OrganizationPolicy>>,
        is_there: bool,
    ) {
        let owner = self.all.get(&organization).map(|view| view.stored.clone());
        let view = stored.map(|stored| {
            let arn = owner
                .as_ref()
                .map(|owner| owner.policy_arn(self.partition, stored.policy_type, &id));
            Arc::new(OrganizationPolicyView::new(arn.as_deref().unwrap_or(id.as_str()), stored))
        });
        let is_used = owner.as_ref().is_some_and(|owner| owner.check_unattached(&id).is_err());
        set(&mut self.policies, (organization, id), is_there.then_some(view));
        if let Some(owner) = owner.filter(|_| is_used) {
            self.enroll(&owner);
        }
    }

    fn enroll(&mut self, organization: &Organization) {
        let mut places: BTreeMap<&ContainerId, Place> = BTreeMap::new();
        for (account, member) in &organization.members {
            let place = places.entry(&member.parent).or_insert_with(|| {
                let path = organization.path_to(&member.parent).into();
                let levels = ByType::of(|of| {
                    let in_force = organization.policies.get(of).in_force;
                    in_force.then(|| self.levels_to(organization, of, &member.parent))
                });
                Place { path, levels }
            });
            let limits = ByType::of(|of| {
                let levels = place.levels.get(of).as_ref();
                levels.filter(|_| *account != organization.management).map(|levels| {
                    let mut levels = levels.clone()?;
                    levels.push(self.level(organization, of, &TargetId::Account(*account))?);
                    Ok(Arc::new(levels))
                })
            });
            let organization = organization.id.clone();
            let (path, is_closed) = (place.path.clone(), member.closed.is_some());
            let membership = Membership { organization, path, limits, is_closed };
            self.memberships.insert(*account, Arc::new(membership));
        }
    }

    /// The policies of the root and of every unit down to `container`.
    fn levels_to(
        &self,
        organization: &Organization,
        of: PolicyType,
        container: &ContainerId,
    ) -> Result<Levels, Unreadable> {
        let targets = targets_to(organization, container);
        targets.map(|target| self.level(organization, of, &target)).collect()
    }

    fn level(
        &self,
        organization: &Organization,
        of: PolicyType,
        target: &TargetId,
    ) -> Result<Documents, Unreadable> {
        let views = self.policies_on(organization, of, target)?;
        views.into_iter().map(|view| view.compiled.clone().ok_or(Unreadable)).collect()
    }

    fn policies_on(
        &self,
        organization: &Organization,
        of: PolicyType,
        target: &TargetId,
    ) -> Result<Vec<&Arc<OrganizationPolicyView>>, Unreadable> {
        let attached = organization.attached_to(of, target);
        let views = attached.iter().map(|id| self.policy(&organization.id, id).ok_or(Unreadable));
        views.collect()
    }

    /// The policies of a type that limit `account`, by level, as they are stored.
    ///
    /// # Errors
    /// As [`service_control`](Self::service_control).
    pub(crate) fn limiting(
        &self,
        of: PolicyType,
        account: AccountId,
    ) -> Result<Option<Vec<Vec<&Arc<OrganizationPolicyView>>>>, Unreadable> {
        let Some(membership) = self.membership(account)? else { return Ok(None) };
        let Some(view) = self.all.get(&membership.organization) else { return Ok(None) };
        let organization = &view.stored;
        let child = organization.parent_of(&ChildId::Account(account)).ok();
        let Some(parent) = child.filter(|_| membership.limits.get(of).is_some()) else {
            return Ok(None);
        };
        let targets = targets_to(organization, parent).chain([TargetId::Account(account)]);
        targets
            .map(|target| self.policies_on(organization, of, &target))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The organization that an account is in.
    pub(crate) fn of(&self, account: AccountId) -> Option<&Arc<OrganizationView>> {
        self.all.get(&self.memberships.get(&account)?.organization)
    }

    /// A policy of an organization, or AWS's own.
    pub(crate) fn policy(
        &self,
        organization: &OrganizationId,
        id: &OrganizationPolicyId,
    ) -> Option<&Arc<OrganizationPolicyView>> {
        if let Some(own) = self.full_access.iter().find(|own| own.stored.id == *id) {
            return Some(own);
        }
        self.policies.get(&(organization.clone(), id.clone()))?.as_ref()
    }

    /// The policies of an organization, AWS's own among them, of every type, by id.
    pub(crate) fn policies(
        &self,
        organization: &OrganizationId,
    ) -> Vec<&Arc<OrganizationPolicyView>> {
        let all = self.policies.iter().filter(|((owner, _), _)| owner == organization);
        let mut all: Vec<_> = all.filter_map(|(_, view)| view.as_ref()).collect();
        all.extend(self.full_access.iter());
        all.sort_by(|one, other| one.stored.id.cmp(&other.stored.id));
        all
    }

    /// Where an account is in its organization, if it is in one.
    ///
    /// # Errors
    /// [`Unreadable`] if it may be in one that cannot be read.
    pub(crate) fn membership(
        &self,
        account: AccountId,
    ) -> Result<Option<&Arc<Membership>>, Unreadable> {
        match self.memberships.get(&account) {
            None if !self.unreadable.is_empty() => Err(Unreadable),
            found => Ok(found),
        }
    }

    /// Whether the account was closed.
    pub(crate) fn is_closed(&self, account: AccountId) -> bool {
        self.memberships.get(&account).is_some_and(|membership| membership.is_closed)
    }

    /// The service control policies that limit `caller`; `None` where none do.
    ///
    /// # Errors
    /// [`Unreadable`] if it is not known, or one of them cannot be evaluated.
    pub(crate) fn service_control(
        &self,
        caller: &Caller,
    ) -> Result<Option<Arc<Levels>>, Unreadable> {
        let Some(account) = caller.account() else { return Ok(None) };
        self.limits(PolicyType::ServiceControl, account)
    }

    /// The resource control policies that limit calls on what `owner` owns; `None` where none do.
    ///
    /// AWS runs them for a fixed list of services, which Lambda is not of (iam.md §7.1). [choice]
    /// Here they are in force for everything that an account of the organization owns, functions
    /// too: who writes one for them means it, and it can only deny.
    ///
    /// # Errors
    /// As [`service_control`](Self::service_control).
    pub(crate) fn resource_control(
        &self,
        owner: Option<AccountId>,
    ) -> Result<Option<Arc<Levels>>, Unreadable> {
        let Some(account) = owner else { return Ok(None) };
        self.limits(PolicyType::ResourceControl, account)
    }

    fn limits(
        &self,
        of: PolicyType,
        account: AccountId,
    ) -> Result<Option<Arc<Levels>>, Unreadable> {
        let Some(membership) = self.membership(account)? else { return Ok(None) };
        membership.limits.get(of).clone().transpose()
    }

    /// Refuses what would be decided without knowing in which organization the owner of a resource
    /// is.
    ///
    /// # Errors
    /// [`Unreadable`] if it may be in one that cannot be read.
    pub(crate) fn check_owner(&self, owner: Option<AccountId>) -> Result<(), Unreadable> {
        if self.unreadable.is_empty() {
            return Ok(());
        }
        self.membership(owner.ok_or(Unreadable)?).map(drop)
    }
}

/// The root, and every unit down to `container`.
fn targets_to(
    organization: &Organization,
    container: &ContainerId,
) -> impl Iterator<Item = TargetId> {
    let units = organization.units_to(container).into_iter().cloned().map(TargetId::Unit);
    let units: Vec<_> = units.collect();
    [TargetId::Root(organization.root.clone())].into_iter().chain(units)
}

impl OrganizationPolicyView {
    fn new(arn: &str, stored: Versioned<OrganizationPolicy>) -> Self {
        let kind = stored.policy_type.document_kind();
        let compiled = compile(kind, &stored.document, "a policy of an organization");
        Self { compiled: compiled.map(|policy| AttachedPolicy::new(arn, policy)), stored }
    }
}

/// AWS's own policy. Text and description as AWS has them.
fn full_access_view(
    partition: Partition,
    policy_type: PolicyType,
    revision: Revision,
) -> OrganizationPolicyView {
    #[expect(clippy::expect_used, reason = "law: aws_s_own_policy_is_one")]
    let policy = OrganizationPolicy {
        id: policy_type.full_access(),
        policy_type,
        name: policy_type.full_access_name().parse().expect("a name"),
        description: policy_type.full_access_description().parse().expect("a description"),
        document: policy_type.full_access_document().into(),
    };
    let (of_type, id) = (policy_type.in_arn(), &policy.id);
    let arn = format!("arn:{partition}:organizations::aws:policy/{of_type}/{id}");
    OrganizationPolicyView::new(&arn, Versioned::new(policy, revision, revision))
}

/// A condition key that tells of an organization. Source: iam.md §9.1, §9.4, §9.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrganizationKey {
    about: About,
    /// Whether it is the way to the account, not the organization's id.
    is_path: bool,
}

/// Whose organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The caller's.
    Principal,
    /// That of the resource's owner.
    Resource,
    /// That of whom a service calls for.
    Source,
}

impl OrganizationKey {
    /// The key of this name in lower case, if it is one of them.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let (about, is_path) = match name.strip_prefix("aws:")? {
            "principalorgid" => (About::Principal, false),
            "principalorgpaths" => (About::Principal, true),
            "resourceorgid" => (About::Resource, false),
            "resourceorgpaths" => (About::Resource, true),
            "sourceorgid" => (About::Source, false),
            "sourceorgpaths" => (About::Source, true),
            _ => return None,
        };
        Some(Self { about, is_path })
    }

    /// Its value for a call of `caller` on `resource`; nothing in the request can give another.
    pub(crate) fn value<'s>(
        self,
        organizations: &'s Organizations,
        caller: &Caller,
        resource: &(impl Resource + ?Sized),
    ) -> Option<Value<'s>> {
        self.between(organizations, caller.account(), source_account(caller), resource)
    }

    /// Its value for a call from the account `caller`, on behalf of `source`, on `resource`.
    pub(crate) fn between<'s>(
        self,
        organizations: &'s Organizations,
        caller: Option<AccountId>,
        source: Option<AccountId>,
        resource: &(impl Resource + ?Sized),
    ) -> Option<Value<'s>> {
        let account = match self.about {
            About::Principal => caller?,
            About::Resource => resource.owner()?,
            About::Source => source?,
        };
        let membership = organizations.memberships.get(&account)?;
        Some(if self.is_path {
            Value::Multiple(vec![(&*membership.path).into()].into())
        } else {
            Value::Single(membership.organization.as_str().into())
        })
    }
}

/// The account that a service calls for: the one that it says, or that of the resource it names.
fn source_account(caller: &Caller) -> Option<AccountId> {
    let (arn, account) = caller.source();
    account.or_else(|| Some(Arn::split(arn?)?.account()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use portcullis_identity::{
        Partition,
        organization::{
            FeatureSet, NewOrganization, Organization, OrganizationPolicyId, PolicyType, TargetId,
        },
    };
    use portcullis_store::Revision;

    use super::{Organizations, Versioned};

    fn organization() -> Organization {
        let new = NewOrganization {
            id: "o-a1b2c3d4e5".parse().unwrap(),
            root: "r-ab12".parse().unwrap(),
            features: FeatureSet::All,
        };
        let (management, now) = ("123456789012".parse().unwrap(), jiff::Timestamp::UNIX_EPOCH);
        let made = Organization::create(management, false, new, now).unwrap();
        let mut made = made.enable_policies(PolicyType::ServiceControl, &made.root).unwrap();
        let member = made.members[&management].clone();
        made.members.insert("223456789012".parse().unwrap(), member);
        made
    }

    fn stored(organization: Organization) -> Option<Versioned<Organization>> {
        Some(Versioned::new(organization, Revision::new(1), Revision::new(1)))
    }

    #[test]
    fn aws_s_own_policy_allows_everything_at_every_level() {
        let mut all = Organizations::new(Partition::Aws);
        all.apply(organization().id, stored(organization()), true);
        let levels = |account: &str| {
            let membership = all.membership(account.parse().unwrap()).unwrap().unwrap();
            membership.limits.service_control.clone().map(|levels| levels.unwrap().len())
        };
        assert_eq!(levels("223456789012"), Some(2));
        assert_eq!(levels("123456789012"), None, "the management account is never limited");
    }

    #[test]
    fn what_cannot_be_read_denies() {
        let mut all = Organizations::new(Partition::Aws);
        let member = "223456789012".parse().unwrap();
        assert!(all.membership(member).unwrap().is_none());
        all.apply(organization().id, None, true);
        assert!(all.membership(member).is_err(), "it may be in the one that cannot be read");
        let missing: OrganizationPolicyId = "p-12345678".parse().unwrap();
        let with = organization()
            .attach_policy(PolicyType::ServiceControl, missing, &TargetId::Account(member))
            .unwrap();
        all.apply(with.id.clone(), stored(with), true);
        let membership = all.membership(member).unwrap().unwrap();
        assert!(membership.limits.service_control.as_ref().unwrap().is_err());
        all.apply(organization().id, None, false);
        assert!(all.membership(member).unwrap().is_none());
    }
}
