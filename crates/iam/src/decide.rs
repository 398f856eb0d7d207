//! The decision: which documents count for a caller, and what they say together. Source: iam.md §7.

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

use crate::arn::Arn;
use crate::choice;
use crate::context::{Context, Value};
use crate::grant::Strength;
use crate::policy::Policy;
use crate::principal::{Principal, PrincipalKind};

/// One call to be decided.
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

/// What the policy on a resource is to callers of its own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourceRule {
    /// One of two ways in: it or an identity-based policy suffices (functions).
    #[default]
    Suffices,
    /// It has to allow, if only by naming the account; an identity-based policy alone never
    /// suffices, not even for root (role trust policies).
    Required,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A type of policy, named as AWS's messages do.
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

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
        })
    }
}

/// Decides `request` by `policies`. The order of documents and statements never matters. Allocates
/// nothing unless a document asks for more than eight condition keys, a value is a list, or an
/// action is longer than 64 bytes.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let counts = Counts::of(request);
    let bounded = counts.boundary && !policies.boundary.is_empty();
    let mut action = SmallVec::<[u8; 64]>::from_slice(request.action.as_bytes());
    action.make_ascii_lowercase();
    let action = std::str::from_utf8(&action).unwrap_or_default(); // ASCII changes keep it UTF-8
    let call = Call { request, action, resource: Arn::split(request.resource), bounded };
    let judged = Judged::new(&call, policies, counts);
    let explicit = choice::EXPLICIT_DENIAL_ORDER.into_iter().find(|kind| judged.of(*kind).deny);
    if let Some(kind) = explicit {
        return Decision::ExplicitlyDenied(kind);
    }
    match missing(request, policies.resource_rule, &judged) {
        None => Decision::Allowed,
        Some(kind) => Decision::ImplicitlyDenied(kind),
    }
}

/// Whether a role's trust policy lets a service assume the role, all other policies aside.
#[must_use]
pub fn service_may_assume(
    trust: &Policy,
    service: &Principal,
    role_arn: &str,
    role_account: &str,
    context: &dyn Context,
) -> bool {
    let request = Request {
        principal: service,
        action: "sts:AssumeRole",
        resource: role_arn,
        resource_account: role_account,
        context,
    };
    let resource_rule = ResourceRule::Required;
    let policies = Policies { resource: &[trust], resource_rule, ..Policies::default() };
    service.kind() == PrincipalKind::Service && decide(&request, &policies).is_allowed()
}

/// The policy type whose allow is missing, if nothing denies; steps 2 to 6 of iam.md §7.2.
fn missing(request: &Request<'_>, rule: ResourceRule, judged: &Judged) -> Option<PolicyType> {
    if judged.service_control.allow.is_none() {
        return Some(PolicyType::ServiceControl);
    }
    let grant = judged.resource.allow;
    let Some(account) = request.principal.account() else {
        // Services and anonymous callers: what names them less directly cannot match them.
        return grant.is_none().then_some(PolicyType::Resource);
    };
    let same_account = account == request.resource_account;
    if grant.is_none() && (!same_account || rule == ResourceRule::Required) {
        return Some(choice::without_grant(rule, judged.identity.allow.is_some()));
    }
    let direct = matches!(grant, Some(Strength::Itself | Strength::Wildcard));
    let through_role = grant == Some(Strength::Parent) && uncapped(judged).is_none();
    if same_account && (direct || through_role) {
        return None;
    }
    if judged.identity.allow.is_none() {
        return Some(PolicyType::Identity);
    }
    uncapped(judged)
}

/// Which of the caps on the caller's own permissions is silent.
fn uncapped(judged: &Judged) -> Option<PolicyType> {
    if judged.boundary.allow.is_none() {
        Some(PolicyType::Boundary)
    } else {
        judged.session.allow.is_none().then_some(PolicyType::Session)
    }
}

/// What the documents of one type say together.
#[derive(Clone, Copy, Default)]
pub(crate) struct Verdict {
    /// The strongest Allow that applies.
    pub(crate) allow: Option<Strength>,
    /// Whether some Deny applies.
    pub(crate) deny: bool,
}

impl Verdict {
    /// Of a type that does not limit the caller.
    const UNLIMITED: Self = Self { allow: Some(Strength::Wildcard), deny: false };

    fn of(call: &Call<'_>, pool: &[&Policy]) -> Self {
        let mut verdict = Self::default();
        for policy in pool {
            policy.judge(call, &mut verdict);
            if verdict.deny {
                break;
            }
        }
        verdict
    }

    /// Of levels each of which has to allow.
    fn of_levels(call: &Call<'_>, levels: &[&[&Policy]]) -> Self {
        let mut all = Self::UNLIMITED;
        for level in levels {
            let verdict = Self::of(call, level);
            all.allow = all.allow.min(verdict.allow);
            all.deny |= verdict.deny;
        }
        all
    }
}

/// What each type of policy says.
struct Judged {
    identity: Verdict,
    boundary: Verdict,
    session: Verdict,
    service_control: Verdict,
    resource: Verdict,
    resource_control: Verdict,
}

impl Judged {
    fn new(call: &Call<'_>, policies: &Policies<'_>, counts: Counts) -> Self {
        let pool = |counts: bool, pool: Option<&[&Policy]>| match pool.filter(|_| counts) {
            None => Verdict::UNLIMITED,
            Some(pool) => Verdict::of(call, pool),
        };
        let levels = |counts: bool, levels: Option<&[&[&Policy]]>| match levels.filter(|_| counts) {
            None => Verdict::UNLIMITED,
            Some(levels) => Verdict::of_levels(call, levels),
        };
        let boundary = Some(policies.boundary).filter(|boundary| !boundary.is_empty());
        let federated = call.caller().kind() == PrincipalKind::FederatedUser;
        let session = policies.session.or(federated.then_some(&[]));
        Self {
            identity: pool(counts.identity, Some(policies.identity)),
            boundary: pool(counts.boundary, boundary),
            session: pool(counts.session, session),
            service_control: levels(counts.service_control, policies.service_control),
            resource: Verdict::of(call, policies.resource),
            resource_control: levels(counts.resource_control, policies.resource_control),
        }
    }

    fn of(&self, kind: PolicyType) -> Verdict {
        match kind {
            PolicyType::Identity => self.identity,
            PolicyType::Boundary => self.boundary,
            PolicyType::Session => self.session,
            PolicyType::ServiceControl => self.service_control,
            PolicyType::Resource => self.resource,
            PolicyType::ResourceControl => self.resource_control,
        }
    }
}

/// Which types of policy count for a caller. Those that do not are as if unlimited: root and
/// service-linked roles are not capped, and for callers without an account only the resource's
/// grant is looked at.
#[derive(Clone, Copy)]
struct Counts {
    identity: bool,
    boundary: bool,
    /// Also for users, who have no session policies on AWS: one that is passed only narrows.
    session: bool,
    service_control: bool,
    resource_control: bool,
}

impl Counts {
    #[rustfmt::skip]
    fn of(request: &Request<'_>) -> Self {
        use PrincipalKind::{Anonymous, FederatedUser, Role, RoleSession, Root, Service, User};
        let row = |identity, caps, service_control, resource_control| Self {
            identity, boundary: caps, session: caps, service_control, resource_control,
        };
        match request.principal.kind() {
            Role | RoleSession if is_service_linked(request) => row(true, false, false, false),
            User | Role | RoleSession | FederatedUser        => row(true, true, true, true),
            Root                                             => row(false, false, true, true),
            Service | Anonymous                              => row(false, false, false, true),
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

/// A request, prepared for matching.
pub(crate) struct Call<'r> {
    request: &'r Request<'r>,
    action: &'r str,
    resource: Option<Arn<'r>>,
    bounded: bool,
}

impl<'r> Call<'r> {
    pub(crate) fn caller(&self) -> &Principal {
        self.request.principal
    }

    pub(crate) fn context(&self) -> &dyn Context {
        self.request.context
    }

    /// The action in lower case.
    pub(crate) fn action(&self) -> &str {
        self.action
    }

    /// `None` if the resource is `*`, or no ARN.
    pub(crate) fn resource(&self) -> Option<&Arn<'r>> {
        self.resource.as_ref()
    }

    /// Whether the caller has a permissions boundary.
    pub(crate) fn bounded(&self) -> bool {
        self.bounded
    }
}
