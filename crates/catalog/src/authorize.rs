//! Who may do what: the documents that count for a call, the engine's answer, and the permit.

use std::{marker::PhantomData, sync::Arc};

use portcullis_iam::{Context, Decision, PolicyType, ResourceRule, Value};
use portcullis_identity::{AccountId, Caller, Entity as _, Owner, PolicyArn};
use portcullis_lambda::FunctionUrl;
use portcullis_model::{Authorization, Operation, authorization_of, lambda::operation::Invoke};

use crate::{
    AttachedPolicy, EntityView, FunctionResource, Snapshot, UserView,
    decisions::{Decided, Documents, Origin, Outcome, Question, Slot},
};

/// Whether this build decides nothing: every authenticated call is allowed, and no decision kept.
///
/// For `cargo xtask bench` alone, which measures what decisions cost: no feature or flag of a normal
/// build sets it, but `RUSTFLAGS="--cfg portcullis_constant_decision"`.
pub const CONSTANT_DECISION: bool = cfg!(portcullis_constant_decision);

/// What an operation is about, as the authorizer sees it.
pub trait Resource {
    /// The ARN, or `*` for an operation without a resource.
    fn arn(&self) -> &str;

    /// The ARN as far as the request itself tells it: what a denial shows.
    fn asked(&self) -> &str {
        self.arn()
    }

    /// The account that owns it: 12 digits.
    fn account(&self) -> &str;

    /// The account that owns it; `None` if that is no account: nobody owns it.
    fn owner(&self) -> Option<AccountId> {
        self.account().parse().ok()
    }

    /// The policy documents attached to it.
    ///
    /// # Errors
    /// [`Unreadable`] when one of them cannot be evaluated: the call is denied then.
    fn policies(&self, _snapshot: &Snapshot) -> Result<Documents, Unreadable> {
        Ok(Documents::new())
    }

    /// Whether an identity-based policy of the same account suffices, or these must allow too.
    fn rule(&self) -> ResourceRule {
        ResourceRule::Suffices
    }

    /// The condition keys that the resource itself gives, by name in lower case.
    fn condition_key<'s>(&'s self, _snapshot: &'s Snapshot, _key: &str) -> Option<Value<'s>> {
        None
    }
}

/// What the account of a caller says of it.
#[derive(Debug, Default)]
pub(crate) struct OwnPolicies {
    /// The identity-based policies.
    pub(crate) identity: Documents,
    /// The permissions boundary, if it has one.
    pub(crate) boundary: Option<Arc<AttachedPolicy>>,
}

/// A stored document that the engine cannot evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Who calls, and what the request itself brings to the conditions.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// The verified caller.
    pub caller: &'a Caller,
    /// The inline session policy of a session, compiled, if one was passed. The managed ones are the
    /// caller's to tell.
    pub session_policy: Option<&'a Arc<AttachedPolicy>>,
    /// Condition keys of the request: time, network, parameters. It cannot override the caller's.
    pub context: &'a dyn Context,
    /// Which request it is.
    pub origin: &'a Origin,
    /// Where the decision is kept: nothing is decided that is not.
    pub slot: Slot<'a>,
}

/// What a call through a function URL needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrlRule {
    /// Leave for `lambda:InvokeFunctionUrl` and for `lambda:InvokeFunction`, as AWS asks of every URL
    /// made since October 2025.
    #[default]
    BothGrants,
    /// Leave for `lambda:InvokeFunctionUrl`: AWS's rule for older URLs, which ended in 2026.
    UrlGrantAlone,
}

/// Proof that the caller may perform `A` on the resource in it.
///
/// Only the authorizer makes one, it cannot be copied, and the effect that consumes it acts on the
/// resource that was authorized: there is no other way to name one.
#[must_use = "a permit nobody consumes guards nothing"]
#[derive(Debug)]
pub struct Permit<A, R> {
    resource: R,
    _action: PhantomData<fn(A)>,
}

impl<A, R> Permit<A, R> {
    /// What was authorized.
    pub fn resource(&self) -> &R {
        &self.resource
    }

    /// Gives the permit up for the resource: the effect happens now.
    pub(crate) fn consume(self) -> R {
        self.resource
    }
}

/// Why a call is not allowed, for the caller: `aws-lambda.md §9.2`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("User: {caller} is not authorized to perform: {action} on resource: {resource} {reason}")]
pub struct Denial {
    /// The caller's ARN, or the bare name of a service.
    pub caller: Box<str>,
    /// The IAM action.
    pub action: &'static str,
    /// The resource's ARN, or `*`.
    pub resource: Box<str>,
    /// What decided.
    pub reason: DenialReason,
    /// Whether the caller belongs to the resource's account, so that it may be told more.
    pub is_within_account: bool,
}

/// What denied a call. `Display` is the end of AWS's sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialReason {
    /// A statement denies; the type of the document that it stands in.
    Explicit(PolicyType),
    /// Nothing allows; the policy type that should have.
    Implicit(PolicyType, &'static str),
    /// A document that counts cannot be evaluated.
    Unreadable,
    /// The account of the caller or of the resource is closed.
    Closed,
}

impl DenialReason {
    /// `None` if the outcome is that the call may proceed.
    fn of(outcome: Outcome, action: &'static str) -> Option<Self> {
        match outcome {
            Outcome::Decided(Decision::Allowed) => None,
            Outcome::Decided(Decision::ExplicitlyDenied(kind)) => Some(Self::Explicit(kind)),
            Outcome::Decided(Decision::ImplicitlyDenied(kind)) => {
                Some(Self::Implicit(kind, action))
            }
            Outcome::Unreadable => Some(Self::Unreadable),
            Outcome::Closed => Some(Self::Closed),
            Outcome::NotAcrossAccounts => Some(Self::Implicit(PolicyType::Resource, action)),
        }
    }
}

impl std::fmt::Display for DenialReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Explicit(kind) => {
                let article = if kind.to_string().starts_with('i') { "an" } else { "a" };
                write!(f, "with an explicit deny in {article} {kind}")
            }
            Self::Implicit(kind, action) => {
                write!(f, "because no {kind} allows the {action} action")
            }
            Self::Unreadable => f.write_str("because a policy that applies cannot be evaluated"),
            Self::Closed => f.write_str("because the account is suspended"),
        }
    }
}

impl Snapshot {
    /// Decides whether the caller may perform `A` on `resource`, and proves it.
    ///
    /// # Errors
    /// [`Denial`], which says why. It does not depend on whether the resource exists.
    pub fn authorize<A: Operation, R: Resource>(
        &self,
        access: &Access<'_>,
        resource: R,
    ) -> Result<Permit<A, R>, Denial> {
        let &Authorization { action, cross_account, .. } = authorization_of::<A>();
        self.judge(access, action, cross_account, &resource)?;
        Ok(Permit { resource, _action: PhantomData })
    }

    /// Decides whether the caller may call the function through its URL, and proves that it may
    /// invoke it: `aws-lambda.md §7.2`.
    ///
    /// By [`UrlRule::BothGrants`], both `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction` must
    /// be allowed on what the URL is of, each by the rules of its own. A direct `Invoke` never has
    /// the condition keys that are set here, so that a grant that asks for them does not admit it.
    ///
    /// # Errors
    /// [`Denial`], as [`authorize`](Self::authorize): of the first half that is missing.
    pub fn authorize_url(
        &self,
        access: &Access<'_>,
        url: &FunctionUrl,
        rule: UrlRule,
    ) -> Result<Permit<Invoke, FunctionResource>, Denial> {
        let resource = FunctionResource::new(url.target());
        let half = |invoking| UrlContext { request: access.context, url, invoking };
        let (entering, invoking) = (half(false), half(true));
        let access = |context| Access { context, ..*access };
        self.check(&access(&entering), "lambda:InvokeFunctionUrl", &resource)?;
        match rule {
            UrlRule::BothGrants => self.authorize(&access(&invoking), resource),
            UrlRule::UrlGrantAlone => Ok(Permit { resource, _action: PhantomData }),
        }
    }

    /// Decides again about a permit of an earlier snapshot: for an effect that comes long after.
    ///
    /// # Errors
    /// As [`authorize`](Self::authorize).
    pub fn renew<A: Operation, R: Resource>(
        &self,
        access: &Access<'_>,
        permit: Permit<A, R>,
    ) -> Result<Permit<A, R>, Denial> {
        self.authorize(access, permit.consume())
    }

    /// Decides a permission that an operation needs beside its own, such as `iam:PassRole`.
    ///
    /// # Errors
    /// [`Denial`], as [`authorize`](Self::authorize).
    pub fn check(
        &self,
        access: &Access<'_>,
        action: &'static str,
        resource: &impl Resource,
    ) -> Result<(), Denial> {
        self.judge(access, action, true, resource)
    }

    /// The one place that decides, and has every decision kept. `across_accounts`: whether the
    /// action is one that a resource policy can grant to callers of other accounts.
    fn judge(
        &self,
        access: &Access<'_>,
        action: &'static str,
        across_accounts: bool,
        resource: &impl Resource,
    ) -> Result<(), Denial> {
        if CONSTANT_DECISION {
            return Ok(());
        }
        let decided = Decided::new(
            access.origin,
            Question::new(self, access, action, resource),
            across_accounts,
        );
        let refusal = DenialReason::of(decided.outcome, action).map(|reason| Denial {
            caller: access.caller.arn().into(),
            action,
            resource: resource.asked().into(),
            reason,
            is_within_account: decided.question.is_within_account(),
        });
        access.slot.record(decided);
        refusal.map_or(Ok(()), Err)
    }

    /// The identity-based policies of a caller, and its permissions boundary. None for root, whose
    /// allow is implicit, and for services and the anonymous caller, which have none.
    pub(crate) fn own_policies(&self, caller: &Caller) -> Result<OwnPolicies, Unreadable> {
        match caller {
            Caller::Root { .. }
            | Caller::Service { .. }
            | Caller::Token { .. }
            | Caller::Anonymous => Ok(OwnPolicies::default()),
            Caller::User { user, .. } | Caller::FederatedUser { parent: Owner::User(user), .. } => {
                let user = user.user();
                self.policies_of_user(self.user(user.account, &user.name).ok_or(Unreadable)?)
            }
            // What root may is nowhere written; for its federated users somebody has to say it.
            Caller::FederatedUser { .. } => {
                let arn = format!("arn:{}:iam::aws:policy/AdministratorAccess", self.partition());
                let everything = arn.parse().map_err(|_| Unreadable)?;
                let identity = [self.compiled_policy(&everything)?].into_iter().collect();
                Ok(OwnPolicies { identity, boundary: None })
            }
            Caller::RoleSession { role, .. } => {
                let role = role.role();
                self.policies_of(&**self.role(role.account, &role.name).ok_or(Unreadable)?)
            }
        }
    }

    /// A user's own policies and those of its groups. A group that cannot be read may hold a Deny.
    fn policies_of_user(&self, user: &UserView) -> Result<OwnPolicies, Unreadable> {
        let mut policies = self.policies_of(user)?;
        for id in &user.stored.groups {
            let group = self.groups.by_id(id).ok_or(Unreadable)?;
            self.add_policies(&mut policies.identity, &**group)?;
        }
        Ok(policies)
    }

    fn policies_of(&self, entity: &impl EntityView) -> Result<OwnPolicies, Unreadable> {
        let mut identity = Documents::new();
        self.add_policies(&mut identity, entity)?;
        let boundary = entity.stored().boundary();
        let boundary = boundary.map(|arn| self.compiled_policy(arn)).transpose()?;
        Ok(OwnPolicies { identity, boundary })
    }

    /// Adds the inline policies of an entity, and the managed ones that are attached to it.
    fn add_policies(
        &self,
        documents: &mut Documents,
        entity: &impl EntityView,
    ) -> Result<(), Unreadable> {
        documents.extend(entity.policies().ok_or(Unreadable)?.iter().cloned());
        for arn in entity.stored().attached() {
            documents.push(self.compiled_policy(arn)?);
        }
        Ok(())
    }

    /// A managed policy in force. One that is attached exists, one of a session may be gone since;
    /// if it cannot be read, it may hold a Deny.
    fn compiled_policy(&self, arn: &PolicyArn) -> Result<Arc<AttachedPolicy>, Unreadable> {
        let view = self.managed_policy(arn).ok_or(Unreadable)?;
        view.compiled.clone().ok_or(Unreadable)
    }

    /// The policies that the caller's session was made with, as they are now.
    pub(crate) fn session_policies(&self, access: &Access<'_>) -> Result<Documents, Unreadable> {
        let session = access.caller.session();
        let managed = session.map_or(&[][..], |session| session.claims().policies.managed());
        let managed = managed.iter().map(|arn| self.compiled_policy(arn));
        access.session_policy.cloned().map(Ok).into_iter().chain(managed).collect()
    }
}

/// The condition keys of a call through a function URL: what is known of the URL, then what the
/// request brings.
struct UrlContext<'a> {
    request: &'a dyn Context,
    url: &'a FunctionUrl,
    /// Whether `lambda:InvokeFunction` is asked for, the second half.
    invoking: bool,
}

impl Context for UrlContext<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        match key {
            "lambda:invokedviafunctionurl" => self.invoking.then(|| Value::Single("true".into())),
            key => url_key(self.url, key).or_else(|| self.request.get(key)),
        }
    }
}

/// What a URL itself says of a call through it.
///
/// Source: `[snap]` aws-lambda.md §7.2.
pub(crate) fn url_key<'a>(url: &'a FunctionUrl, key: &str) -> Option<Value<'a>> {
    match key {
        "lambda:functionurlauthtype" => Some(Value::Single(url.auth_type().as_str().into())),
        "lambda:functionarn" => Some(Value::Single(url.function().as_str().into())),
        _ => None,
    }
}
