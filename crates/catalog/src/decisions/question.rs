//! One call with everything that decides it, owned: decided at once, and kept as it was, so that it
//! can be explained after the policies have changed.

use portcullis_iam::{
    Context, Decision, Explanation, Narrowing, Place, Policies, PolicyType, Request, ResourceRule,
    Value, explain, judge,
};
use portcullis_identity::{AccountId, Caller};

use super::{kept::Kept, pools::Pools};
use crate::{Access, AttachedPolicy, Resource, Snapshot, Unreadable, attached::RESOURCE_ACCOUNT};

/// What a grant to a service or to everyone is made as small as the call by, as far as neither caller
/// nor resource tells it.
const TELLING: [&str; 3] =
    ["lambda:eventsourcetoken", "lambda:functionurlauthtype", "lambda:invokedviafunctionurl"];

/// One call, and what decides it: who, what, on what, the documents that have a say, and the values
/// of the condition keys that those name.
///
/// The decision is made on this value and on nothing else, so that asking again gives the same.
#[derive(Clone, Debug)]
pub struct Question {
    caller: Caller,
    action: &'static str,
    /// `None` if it is no account: nobody owns it.
    resource_account: Option<AccountId>,
    rule: ResourceRule,
    documents: Result<Pools, Unreadable>,
    /// Whether the account of the caller or of the resource is closed.
    is_closed: bool,
    /// The resource, and what it and the request give of the keys that the documents name; the
    /// caller's own keys are the caller's to tell.
    kept: Kept,
}

impl Question {
    /// The question whether `access` may do `action` on `resource`, as of this snapshot.
    pub(crate) fn new(
        snapshot: &Snapshot,
        access: &Access<'_>,
        action: &'static str,
        resource: &impl Resource,
    ) -> Self {
        let resource_account = resource.owner();
        let documents = pools(snapshot, access, resource, resource_account);
        let mut accounts = access.caller.account().into_iter().chain(resource_account);
        let mut kept = Kept::new(resource.arn());
        if let Ok(pools) = &documents {
            keep_values(&mut kept, pools, snapshot, access, resource);
        }
        Self {
            caller: access.caller.clone(),
            action,
            resource_account,
            rule: resource.rule(),
            is_closed: accounts.any(|account| snapshot.organizations.is_closed(account)),
            documents,
            kept,
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
        self.kept.resource()
    }

    /// What resource and request gave of the condition keys that the documents name, by key in
    /// lower case.
    pub fn conditions(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.kept.names().filter_map(|name| Some((name, self.kept.get(name)?)))
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

    /// What the engine says, and by which statement.
    ///
    /// # Errors
    /// [`Unreadable`] if a document that has a say cannot be evaluated.
    fn judge(&self) -> Result<(Decision, Option<Place>), Unreadable> {
        self.ask(judge)
    }

    /// The statement at a place that the decision named.
    pub(crate) fn statement(&self, place: Place) -> Option<Deciding<'_>> {
        let policy = self.documents.as_ref().ok()?.document(place.document)?;
        let sid = policy.statements().get(place.statement).and_then(|one| one.sid());
        let policy_type = place.document.policy_type;
        Some(Deciding { policy, policy_type, statement: place.statement, sid })
    }

    /// Has `tell` tell why this was decided, to the account that owns the resource: what another
    /// account's policies say stays its own affair.
    ///
    /// # Errors
    /// [`Unreadable`] if a document that has a say cannot be evaluated: that is why.
    pub fn explain<T>(
        &self,
        narrowing: &[Narrowing],
        tell: impl FnOnce(Explanation<'_>) -> T,
    ) -> Result<T, Unreadable> {
        let pools = self.documents.as_ref().map_err(|unreadable| *unreadable)?;
        let foreign = self.caller.account().filter(|own| self.resource_account != Some(*own));
        let shown = match foreign {
            None => None,
            Some(account) => {
                Some(pools.without_those_of_caller(&self.request(), self.rule, account)?)
            }
        };
        let shown = shown.as_ref().unwrap_or(pools);
        Ok(shown.ask(self.rule, |policies| {
            let explanation = explain(&self.request(), policies, narrowing);
            tell(explanation.named(|place| shown.document(place).map(ToString::to_string)))
        }))
    }

    /// What `ask` makes of the call and its documents.
    fn ask<T>(&self, ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> T) -> Result<T, Unreadable> {
        let pools = self.documents.as_ref().map_err(|unreadable| *unreadable)?;
        Ok(pools.ask(self.rule, |policies| ask(&self.request(), policies)))
    }

    fn request(&self) -> Request<'_> {
        Request {
            principal: self.caller.principal(),
            action: self.action,
            resource: self.kept.resource(),
            resource_account: self.resource_account.as_ref().map_or("", AccountId::as_str),
            context: self,
        }
    }

    /// About how many bytes this holds that nothing else does.
    pub(crate) fn own_bytes(&self) -> usize {
        size_of::<Self>() + self.kept.bytes()
    }
}

/// The statement that decided a call.
pub(crate) struct Deciding<'q> {
    /// Its document.
    pub(crate) policy: &'q AttachedPolicy,
    /// As what the document had a say.
    pub(crate) policy_type: PolicyType,
    /// Its place in the document, from 0.
    pub(crate) statement: usize,
    /// Its id, if it has one.
    pub(crate) sid: Option<&'q str>,
}

/// The keys of a call: what resource and request gave comes first; of them only the resource can
/// say something in place of the caller.
impl Context for Question {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        if key == RESOURCE_ACCOUNT {
            let account = self.resource_account.as_ref()?;
            return Some(Value::Single(account.as_str().into()));
        }
        self.kept.get(key).or_else(|| self.caller.condition_key(key))
    }
}

/// The documents that have a say, as of this snapshot; `owner` is the resource's.
fn pools(
    snapshot: &Snapshot,
    access: &Access<'_>,
    resource: &impl Resource,
    owner: Option<AccountId>,
) -> Result<Pools, Unreadable> {
    let organizations = &snapshot.organizations;
    organizations.check_owner(owner)?;
    let own = snapshot.own_policies(access.caller)?;
    let session = snapshot.session_policies(access)?;
    let pools = Pools::new(own, session, resource.policies(snapshot)?);
    let service_control = organizations.service_control(access.caller)?;
    Ok(pools.limited_by(service_control, organizations.resource_control(owner)?))
}

/// Keeps what resource and request give of the keys that the documents name: the resource comes
/// before the caller, and the caller before the request, so that nothing in the request can pretend
/// to be one of them.
fn keep_values(
    kept: &mut Kept,
    pools: &Pools,
    snapshot: &Snapshot,
    access: &Access<'_>,
    resource: &impl Resource,
) {
    for key in pools.all().flat_map(|policy| policy.kept_keys()) {
        let of_organization = key.of_organization;
        keep_value(kept, &key.name, || match of_organization {
            Some(known) => known.value(&snapshot.organizations, access.caller, resource),
            None => told(&key.name, snapshot, access, resource),
        });
    }
    if access.caller.account().is_none() {
        // Callers without an account are explained by what only the request knows of them.
        for key in TELLING {
            keep_value(kept, key, || told(key, snapshot, access, resource));
        }
    }
}

fn keep_value<'v>(kept: &mut Kept, key: &str, value: impl FnOnce() -> Option<Value<'v>>) {
    if !kept.has(key)
        && let Some(value) = value()
    {
        kept.push(key, &value);
    }
}

/// What the resource says of a key, or, if the caller says nothing, the request.
fn told<'v>(
    key: &str,
    snapshot: &'v Snapshot,
    access: &Access<'v>,
    resource: &'v impl Resource,
) -> Option<Value<'v>> {
    let of_request = || match access.caller.condition_key(key) {
        Some(_) => None,
        None => access.context.get(key),
    };
    resource.condition_key(snapshot, key).or_else(of_request)
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What the engine decided, and it stands.
    Decided(Decision),
    /// A document that has a say cannot be evaluated: denied.
    Unreadable,
    /// The account of the caller or of the resource is closed: denied.
    Closed,
    /// The engine allows, but no resource policy can grant this operation to another account.
    NotAcrossAccounts,
}

impl Outcome {
    /// The outcome of `question`, and the statement that decided; `across_accounts`: whether the
    /// operation is one that a resource policy can grant to callers outside the resource's account.
    pub(crate) fn of(question: &Question, across_accounts: bool) -> (Self, Option<Place>) {
        if question.is_closed {
            return (Self::Closed, None);
        }
        match question.judge() {
            Err(Unreadable) => (Self::Unreadable, None),
            Ok((Decision::Allowed, _)) if !across_accounts && !question.is_within_account() => {
                (Self::NotAcrossAccounts, None)
            }
            Ok((decision, by)) => (Self::Decided(decision), by),
        }
    }

    /// The policy type that a denial is put down to.
    #[must_use]
    pub fn denied_by(self) -> Option<PolicyType> {
        match self {
            Self::Decided(Decision::Allowed) | Self::Unreadable | Self::Closed => None,
            Self::Decided(Decision::ExplicitlyDenied(kind) | Decision::ImplicitlyDenied(kind)) => {
                Some(kind)
            }
            Self::NotAcrossAccounts => Some(PolicyType::Resource),
        }
    }
}
