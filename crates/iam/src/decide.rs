//! The decision: which documents count for a caller, and what they say together. Source: iam.md §7.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::arn::Arn;
use crate::choice;
use crate::context::{Context, Value};
use crate::grant::Strength;
use crate::policy::Policy;
use crate::principal::{Principal, PrincipalKind};

/// One call to be decided. Source: iam.md §1.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who calls.
    pub principal: &'a Principal,
    /// The action, for example `lambda:InvokeFunction`; case does not matter.
    pub action: &'a str,
    /// The resource's ARN, or `*` for an action without a resource.
    pub resource: &'a str,
    /// The account, 12 digits, that owns the resource. Never read from the ARN, which may have none.
    pub resource_account: &'a str,
    /// The request's condition keys.
    pub context: &'a dyn Context,
}

/// The documents that may have a say. Those of types that do not count for the caller (iam.md §7.1)
/// are not asked, whatever they say.
#[derive(Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Of the user and its groups, or of the role; of a federated user: the parent's.
    pub identity: &'a [&'a Policy],
    /// The caller's permissions boundary; empty if there is none.
    pub boundary: &'a [&'a Policy],
    /// The session's policies as one pool; `None` if none was passed.
    pub session: Option<&'a [&'a Policy]>,
    /// Service control policies of the caller's account, by level from root to account; `None` if
    /// the feature is off or does not apply to the account.
    pub service_control: Option<&'a [&'a [&'a Policy]]>,
    /// The documents on the resource, as one pool.
    pub resource: &'a [&'a Policy],
    /// Resource control policies of the resource's account, by level; `None` as above.
    pub resource_control: Option<&'a [&'a [&'a Policy]]>,
    /// Whether the resource's own policy has to allow.
    pub resource_rule: ResourceRule,
}

/// What the policy on a resource is to callers of its own account. Source: iam.md §4.2, §7.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourceRule {
    /// One of two ways in: it or an identity-based policy suffices (functions).
    #[default]
    Suffices,
    /// It has to allow, if only by naming the account; an identity-based policy alone never
    /// suffices, not even for root (role trust policies).
    Required,
}

/// What was decided: iam.md §8. As JSON: `{"decision": "ImplicitlyDenied", "policy_type": "session
/// policy"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", content = "policy_type")]
#[must_use = "a decision that nobody reads guards nothing"]
pub enum Decision {
    /// The call may proceed.
    Allowed,
    /// Nothing denies, but a policy type whose allow is needed is silent: this one, or the most
    /// useful to name of several (iam.md §8).
    ImplicitlyDenied(PolicyType),
    /// A statement of a policy of this type denies.
    ExplicitlyDenied(PolicyType),
}

impl Decision {
    /// Whether the call may proceed.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}

/// A type of policy, named as AWS's messages do. Source: iam.md §8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// "identity-based policy"
    Identity,
    /// "resource-based policy"
    Resource,
    /// "permissions boundary"
    Boundary,
    /// "session policy"
    Session,
    /// "service control policy"
    ServiceControl,
    /// "resource control policy"
    ResourceControl,
}

impl PolicyType {
    /// As AWS names it in its refusals: `aws-lambda.md §9.2`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for PolicyType {
    /// As `Display` names it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A document of a call: its place in the [`Policies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct DocumentReference {
    /// Of which type it is.
    pub policy_type: PolicyType,
    /// Of a service or resource control policy: its level, 0 for the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<usize>,
    /// Its place among the documents of the type, or of the level, from 0.
    pub document: usize,
}

/// A statement of a call's documents: its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// In which document it stands.
    pub document: DocumentReference,
    /// Its place in the document, from 0.
    pub statement: usize,
}

/// Decides `request` by `policies`: iam.md §7. The order of documents and statements never matters.
///
/// Allocates nothing, whatever the documents and the request are: only the context may, when it is
/// asked.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    judge(request, policies).0
}

/// Decides as [`decide`], and tells the statement that decided: of an explicit denial one that
/// denies, of the type that is named; of an allowed call the caller's own Allow where that
/// suffices, or else the resource's that lets the caller in. Of several that would do it is always
/// the same one. `None` where no statement does: root in its own account, and implicit denials.
pub fn judge(request: &Request<'_>, policies: &Policies<'_>) -> (Decision, Option<Place>) {
    let counted = Counted::new(request, policies);
    let mut lower = [0; ACTION_BYTES];
    let call = Call::new(request, counted.boundary.is_some(), &mut lower);
    for kind in &choice::EXPLICIT_DENIAL_ORDER {
        if let Some(place) = counted.denying(&call, *kind) {
            return (Decision::ExplicitlyDenied(*kind), Some(place));
        }
    }
    match way_in(&call, policies.resource_rule, &counted) {
        Ok(place) => (Decision::Allowed, place),
        Err(kind) => (Decision::ImplicitlyDenied(kind), None),
    }
}

/// What lets the call in if nothing denies, or the policy type whose allow is missing; steps 2 to 6
/// of iam.md §7.2.
fn way_in(
    call: &Call<'_>,
    rule: ResourceRule,
    counted: &Counted<'_>,
) -> Result<Option<Place>, PolicyType> {
    if !counted.service_control.is_none_or(|levels| levels.iter().all(|one| call.allowed_by(one))) {
        return Err(PolicyType::ServiceControl);
    }
    let Some(account) = call.caller().account() else {
        // Services and anonymous callers: what names them less directly cannot match them.
        let grant = call.grant(PolicyType::Resource, counted.resource);
        return grant.map(|grant| Some(grant.place)).ok_or(PolicyType::Resource);
    };
    let own = counted.own(call);
    let same_account = account == call.request.resource_account;
    if own.is_ok() && same_account && rule == ResourceRule::Suffices {
        return own; // whatever the resource grants
    }
    match call.grant(PolicyType::Resource, counted.resource) {
        None if !same_account || rule == ResourceRule::Required => {
            Err(choice::without_grant(rule, own != Err(PolicyType::Identity)))
        }
        None => own,
        Some(grant) if !same_account => own.map(|_| Some(grant.place)),
        Some(grant) => match grant.strength {
            Strength::Itself | Strength::Wildcard => Ok(Some(grant.place)),
            Strength::Parent if counted.silent_cap(call).is_none() => Ok(Some(grant.place)),
            _ => own.map(|own| own.or(Some(grant.place))),
        },
    }
}

/// The documents that count for a call. `None` is a type that does not limit the caller.
pub(crate) struct Counted<'a> {
    identity: Option<&'a [&'a Policy]>,
    boundary: Option<&'a [&'a Policy]>,
    session: Option<&'a [&'a Policy]>,
    service_control: Option<&'a [&'a [&'a Policy]]>,
    resource: &'a [&'a Policy],
    resource_control: Option<&'a [&'a [&'a Policy]]>,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(request: &Request<'_>, policies: &Policies<'a>) -> Self {
        let counts = Counts::of(request);
        let federated = request.principal.kind() == PrincipalKind::FederatedUser;
        let session = policies.session.or(federated.then_some(&[]));
        Self {
            identity: Some(policies.identity).filter(|_| counts.identity),
            boundary: Some(policies.boundary).filter(|all| counts.boundary && !all.is_empty()),
            session: session.filter(|_| counts.session),
            service_control: policies.service_control.filter(|_| counts.service_control),
            resource: policies.resource,
            resource_control: policies.resource_control.filter(|_| counts.resource_control),
        }
    }

    /// Whether the caller has a permissions boundary.
    pub(crate) fn is_bounded(&self) -> bool {
        self.boundary.is_some()
    }

    /// The documents of a type without levels; `None` where the type has no say.
    pub(crate) fn pool(&self, kind: PolicyType) -> Option<&'a [&'a Policy]> {
        match kind {
            PolicyType::Identity => self.identity,
            PolicyType::Boundary => self.boundary,
            PolicyType::Session => self.session,
            PolicyType::Resource => Some(self.resource),
            PolicyType::ServiceControl | PolicyType::ResourceControl => None,
        }
    }

    /// The levels of a type that has them; `None` where it has no say.
    pub(crate) fn levels(&self, kind: PolicyType) -> Option<&'a [&'a [&'a Policy]]> {
        match kind {
            PolicyType::ServiceControl => self.service_control,
            PolicyType::ResourceControl => self.resource_control,
            _ => None,
        }
    }

    /// A statement of this type that denies.
    fn denying(&self, call: &Call<'_>, kind: PolicyType) -> Option<Place> {
        let of_levels = |levels: &[&[&Policy]]| {
            let mut each = levels.iter().enumerate();
            each.find_map(|(level, pool)| call.denied_by(kind, Some(level), pool))
        };
        self.pool(kind)
            .and_then(|pool| call.denied_by(kind, None, pool))
            .or_else(|| self.levels(kind).and_then(of_levels))
    }

    /// What the caller's own policies allow, caps included: by which statement (root needs none), or
    /// the type that is silent.
    fn own(&self, call: &Call<'_>) -> Result<Option<Place>, PolicyType> {
        let by = match self.identity {
            None => None,
            Some(pool) => {
                let grant = call.grant(PolicyType::Identity, pool);
                Some(grant.ok_or(PolicyType::Identity)?.place)
            }
        };
        self.silent_cap(call).map_or(Ok(by), Err)
    }

    /// Which of the caps on the caller's own permissions is silent.
    fn silent_cap(&self, call: &Call<'_>) -> Option<PolicyType> {
        let silent = |cap: Option<&[&Policy]>| cap.is_some_and(|pool| !call.allowed_by(pool));
        if silent(self.boundary) {
            Some(PolicyType::Boundary)
        } else {
            silent(self.session).then_some(PolicyType::Session)
        }
    }
}

/// Which types of policy count for a caller. Those that do not are as if unlimited: root and
/// service-linked roles are not capped, and for callers without an account only the resource's
/// grant is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) identity: bool,
    pub(crate) boundary: bool,
    /// Also for users, who have no session policies on AWS: one that is passed only narrows.
    pub(crate) session: bool,
    pub(crate) service_control: bool,
    pub(crate) resource_control: bool,
}

impl Counts {
    #[rustfmt::skip]
    pub(crate) fn of(request: &Request<'_>) -> Self {
        use PrincipalKind::{Anonymous, Federated, FederatedUser, Role, RoleSession, Root, Service, User};
        let row = |identity, caps, service_control, resource_control| Self {
            identity, boundary: caps, session: caps, service_control, resource_control,
        };
        match request.principal.kind() {
            Role | RoleSession if is_service_linked(request) => row(true, false, false, false),
            User | Role | RoleSession | FederatedUser        => row(true, true, true, true),
            Root                                             => row(false, false, true, true),
            Service | Federated | Anonymous                  => row(false, false, false, true),
        }
    }
}

fn is_service_linked(request: &Request<'_>) -> bool {
    let Some(role) = request.principal.role_name() else { return false };
    if !choice::is_service_linked(role, None) {
        return false; // most callers: the context is not asked
    }
    let arn = if request.principal.kind() == PrincipalKind::Role {
        Some(Value::Single(Cow::Borrowed(request.principal.as_str())))
    } else {
        request.context.get("aws:principalarn")
    };
    match arn {
        None => choice::is_service_linked(role, None),
        Some(Value::Single(arn)) => choice::is_service_linked(role, Some(&arn)),
        Some(Value::Multiple(_)) => false,
    }
}

/// Actions up to this length, in bytes, are put into lower case once. Source: the longest that IAM
/// itself takes, `ActionNameType` of its API.
pub(crate) const ACTION_BYTES: usize = 128;

/// The action of a request, as bytes of UTF-8.
#[derive(Clone, Copy)]
pub(crate) enum Action<'r> {
    /// In lower case, as patterns are.
    Lower(&'r [u8]),
    /// One that is too long to be put into lower case.
    AsWritten(&'r [u8]),
}

impl<'r> Action<'r> {
    fn new(written: &'r str, lower: &'r mut [u8; ACTION_BYTES]) -> Self {
        let written = written.as_bytes();
        let Some(begin) = lower.get_mut(..written.len()) else { return Self::AsWritten(written) };
        begin.copy_from_slice(written);
        // Whole blocks, so that it takes many at a time.
        let (blocks, _) = lower.as_chunks_mut::<32>();
        blocks.iter_mut().take(written.len().div_ceil(32)).for_each(|b| b.make_ascii_lowercase());
        lower.get(..written.len()).map_or(Self::AsWritten(written), Self::Lower)
    }
}

/// A request, prepared for matching.
pub(crate) struct Call<'r> {
    request: &'r Request<'r>,
    action: Action<'r>,
    /// The resource split, once that was needed.
    arn: OnceCell<Option<Arn<'r>>>,
    bounded: bool,
}

impl<'r> Call<'r> {
    pub(crate) fn new(
        request: &'r Request<'r>,
        bounded: bool,
        lower: &'r mut [u8; ACTION_BYTES],
    ) -> Self {
        let action = Action::new(request.action, lower);
        Self { request, action, arn: OnceCell::new(), bounded }
    }

    pub(crate) fn caller(&self) -> &Principal {
        self.request.principal
    }

    pub(crate) fn context(&self) -> &dyn Context {
        self.request.context
    }

    /// As the request has it.
    pub(crate) fn asked_action(&self) -> &'r str {
        self.request.action
    }

    pub(crate) fn action(&self) -> Action<'r> {
        self.action
    }

    /// An ARN or `*`.
    pub(crate) fn resource(&self) -> &'r str {
        self.request.resource
    }

    /// `None` if the resource is `*`, or no ARN.
    pub(crate) fn resource_arn(&self) -> Option<Arn<'r>> {
        *self.arn.get_or_init(|| Arn::split(self.request.resource))
    }

    /// Whether the caller has a permissions boundary.
    pub(crate) fn bounded(&self) -> bool {
        self.bounded
    }

    fn denied_by(
        &self,
        policy_type: PolicyType,
        level: Option<usize>,
        pool: &[&Policy],
    ) -> Option<Place> {
        pool.iter().enumerate().find_map(|(document, policy)| {
            let statement = policy.denying(self)?;
            Some(Place { document: DocumentReference { policy_type, level, document }, statement })
        })
    }

    fn allowed_by(&self, pool: &[&Policy]) -> bool {
        pool.iter().any(|policy| policy.allowing(self, None).is_some())
    }

    /// The strongest Allow of the documents of a type without levels.
    fn grant(&self, policy_type: PolicyType, pool: &[&Policy]) -> Option<Grant> {
        let mut best: Option<Grant> = None;
        for (document, policy) in pool.iter().enumerate() {
            if let Some((strength, statement)) = policy.allowing(self, best.map(|one| one.strength))
            {
                let document = DocumentReference { policy_type, level: None, document };
                best = Some(Grant { strength, place: Place { document, statement } });
            }
        }
        best
    }
}

/// An Allow that applies.
#[derive(Clone, Copy)]
struct Grant {
    /// How it names the caller.
    strength: Strength,
    place: Place,
}
