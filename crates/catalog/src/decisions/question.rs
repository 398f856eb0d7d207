//! One call with everything that decides it, owned: decided at once, and kept as it was, so that it
//! can be explained after the policies have changed.

use std::{borrow::Cow, sync::Arc};

use portcullis_iam::{
    Context, Decision, Policies, Policy, PolicyType, Request, ResourceRule, Value, decide,
};
use portcullis_identity::{AccountId, Caller};
use smallvec::SmallVec;

use crate::{Access, AttachedPolicy, Resource, Snapshot, Unreadable};

/// Documents of one type for one call; few, so in place.
pub type Documents = SmallVec<[Arc<AttachedPolicy>; 4]>;

/// The condition key that every resource gives.
const RESOURCE_ACCOUNT: &str = "aws:resourceaccount";

/// One call, and what decides it: who, what, on what, the documents that have a say, and the values
/// of the condition keys that those name.
///
/// The decision is made on this value and on nothing else, so that asking again gives the same.
#[derive(Debug)]
pub struct Question {
    caller: Caller,
    action: &'static str,
    resource: Box<str>,
    /// `None` if it is no account: nobody owns it.
    resource_account: Option<AccountId>,
    rule: ResourceRule,
    documents: Result<Pools, Unreadable>,
    /// What resource and request give of the keys that the documents name; the caller's own keys
    /// are the caller's to tell.
    values: Vec<(Arc<str>, Value<'static>)>,
}

/// The documents that have a say, by type.
#[derive(Debug)]
struct Pools {
    identity: Documents,
    boundary: Option<Arc<AttachedPolicy>>,
    session: Option<Arc<AttachedPolicy>>,
    resource: Documents,
}

impl Pools {
    fn of(
        snapshot: &Snapshot,
        access: &Access<'_>,
        resource: &impl Resource,
    ) -> Result<Self, Unreadable> {
        Ok(Self {
            identity: snapshot.identity_policies(access.caller)?,
            boundary: snapshot.boundary(access.caller)?,
            session: access.session_policy.cloned(),
            resource: resource.policies(snapshot)?,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Arc<AttachedPolicy>> {
        let own = self.identity.iter().chain(&self.boundary).chain(&self.session);
        own.chain(&self.resource)
    }
}

impl Question {
    /// The question whether `access` may do `action` on `resource`, as of this snapshot.
    pub(crate) fn new(
        snapshot: &Snapshot,
        access: &Access<'_>,
        action: &'static str,
        resource: &impl Resource,
    ) -> Self {
        let documents = Pools::of(snapshot, access, resource);
        let values = match &documents {
            Ok(pools) => values(pools, snapshot, access, resource),
            Err(Unreadable) => Vec::new(),
        };
        Self {
            caller: access.caller.clone(),
            action,
            resource: resource.arn().into(),
            resource_account: resource.account().parse().ok(),
            rule: resource.rule(),
            documents,
            values,
        }
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The IAM action.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.action
    }

    /// The resource's ARN, or `*`.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The account that owns the resource.
    #[must_use]
    pub fn resource_account(&self) -> Option<AccountId> {
        self.resource_account
    }

    /// Whether the caller belongs to the account that owns the resource.
    #[must_use]
    pub fn is_within_account(&self) -> bool {
        self.caller.account().is_some_and(|own| self.resource_account == Some(own))
    }

    /// What the engine says.
    ///
    /// # Errors
    /// [`Unreadable`] if a document that has a say cannot be evaluated.
    pub fn decide(&self) -> Result<Decision, Unreadable> {
        self.ask(decide)
    }

    /// What `ask` makes of the call and its documents.
    fn ask<T>(&self, ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> T) -> Result<T, Unreadable> {
        let pools = self.documents.as_ref().map_err(|unreadable| *unreadable)?;
        let [identity, resource] = [&pools.identity, &pools.resource].map(compiled);
        let [boundary, session] =
            [&pools.boundary, &pools.session].map(|one| one.as_ref().map(|policy| [&***policy]));
        let policies = Policies {
            identity: &identity,
            boundary: boundary.as_ref().map(<[_; 1]>::as_slice).unwrap_or_default(),
            session: session.as_ref().map(<[_; 1]>::as_slice),
            service_control: None,
            resource: &resource,
            resource_control: None,
            resource_rule: self.rule,
        };
        let request = Request {
            principal: self.caller.principal(),
            action: self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_ref().map_or("", AccountId::as_str),
            context: self,
        };
        Ok(ask(&request, &policies))
    }

    /// About how many bytes this holds that nothing else does.
    pub(crate) fn own_bytes(&self) -> usize {
        let values = self.values.iter().map(|(_, value)| match value {
            Value::Single(text) => text.len(),
            Value::Multiple(all) => all.iter().map(|text| text.len()).sum(),
        });
        size_of::<Self>() + self.resource.len() + values.sum::<usize>()
    }
}

fn compiled(documents: &Documents) -> SmallVec<[&Policy; 8]> {
    documents.iter().map(|document| &***document).collect()
}

/// The keys of a call: what resource and request gave comes first; of them only the resource can
/// say something in place of the caller.
impl Context for Question {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        if key == RESOURCE_ACCOUNT {
            let account = self.resource_account.as_ref()?;
            return Some(Value::Single(account.as_str().into()));
        }
        let kept = self.values.iter().find(|(name, _)| **name == *key);
        kept.map(|(_, value)| lent(value)).or_else(|| self.caller.condition_key(key))
    }
}

/// What resource and request give of the keys that the documents name: the resource comes before
/// the caller, and the caller before the request, so that nothing in the request can pretend to be
/// one of them.
fn values(
    pools: &Pools,
    snapshot: &Snapshot,
    access: &Access<'_>,
    resource: &impl Resource,
) -> Vec<(Arc<str>, Value<'static>)> {
    let mut values: Vec<(Arc<str>, Value<'static>)> = Vec::new();
    for key in pools.all().flat_map(|policy| policy.condition_keys()) {
        if **key == *RESOURCE_ACCOUNT || values.iter().any(|(known, _)| known == key) {
            continue;
        }
        let of_request = || match access.caller.condition_key(key) {
            Some(_) => None,
            None => access.context.get(key),
        };
        if let Some(value) = resource.condition_key(snapshot, key).or_else(of_request) {
            values.push((key.clone(), owned(value)));
        }
    }
    values
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Single(text) => Value::Single(text.into_owned().into()),
        Value::Multiple(all) => {
            let each = all.iter().map(|text| Cow::Owned(text.clone().into_owned()));
            Value::Multiple(each.collect())
        }
    }
}

fn lent<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Single(text) => Value::Single(Cow::Borrowed(text)),
        Value::Multiple(all) => Value::Multiple(Cow::Borrowed(all)),
    }
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What the engine decided, and it stands.
    Decided(Decision),
    /// A document that has a say cannot be evaluated: denied.
    Unreadable,
    /// The engine allows, but no resource policy can grant this operation to another account.
    NotAcrossAccounts,
}

impl Outcome {
    /// The outcome of `question`; `across_accounts`: whether the operation is one that a resource
    /// policy can grant to callers outside the resource's account.
    pub(crate) fn of(question: &Question, across_accounts: bool) -> Self {
        match question.decide() {
            Err(Unreadable) => Self::Unreadable,
            Ok(Decision::Allowed) if !across_accounts && !question.is_within_account() => {
                Self::NotAcrossAccounts
            }
            Ok(decision) => Self::Decided(decision),
        }
    }

    /// The policy type that a denial is put down to.
    #[must_use]
    pub fn denied_by(self) -> Option<PolicyType> {
        match self {
            Self::Decided(Decision::Allowed) | Self::Unreadable => None,
            Self::Decided(Decision::ExplicitlyDenied(kind) | Decision::ImplicitlyDenied(kind)) => {
                Some(kind)
            }
            Self::NotAcrossAccounts => Some(PolicyType::Resource),
        }
    }
}
