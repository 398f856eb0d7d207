//! What the snapshot holds of each value: the value, its revisions, and what is compiled from it.

use std::{
    borrow::Cow,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwapOption;
use imbl::{OrdMap, OrdSet};
use portcullis_iam::{DocumentKind, Entities, Policy, PolicyError};
use portcullis_identity::{
    AccessKey, Entity, Group, InlinePolicies, Partition, Role, RoleIdentity, SecretAccessKey, User,
    UserIdentity,
};
use portcullis_lambda::{
    Alias, AliasName, EventInvokeConfig, Function, FunctionArn, FunctionUrl,
    ProvisionedConcurrency, PublishedVersion, Qualifier, ResourcePolicy, Target, UrlId,
    VersionNumber,
};
use portcullis_sigv4::{Scope, SigningKey};
use portcullis_store::Revision;

use crate::{AttachedPolicy, Uses};

/// A value as the store holds it.
#[derive(Debug)]
pub struct Versioned<T> {
    value: Arc<T>,
    /// When the key was created; a removed and re-created value has another one.
    pub created: Revision,
    /// When the value was last written.
    pub modified: Revision,
}

impl<T> Versioned<T> {
    pub(crate) fn new(value: impl Into<Arc<T>>, created: Revision, modified: Revision) -> Self {
        Self { value: value.into(), created, modified }
    }

    /// The value, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<T> {
        self.value.clone()
    }
}

impl<T> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), created: self.created, modified: self.modified }
    }
}

impl<T> Deref for Versioned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A function with all that belongs to it.
#[derive(Clone, Debug)]
pub struct FunctionView {
    /// `$LATEST`, tags, counters.
    pub head: Versioned<Function>,
    /// Published versions, ascending.
    pub versions: OrdMap<VersionNumber, Versioned<PublishedVersion>>,
    /// Aliases by name.
    pub aliases: OrdMap<AliasName, Versioned<Alias>>,
    /// `None` stands for a policy that cannot be decoded: it may hold a Deny, so it denies.
    pub(crate) policies: OrdMap<Option<Qualifier>, Option<Arc<PolicyView>>>,
    /// The function's URL (`None`), and those of aliases.
    pub urls: OrdMap<Option<AliasName>, Versioned<FunctionUrl>>,
    /// The ids of URLs that went with their aliases.
    pub(crate) former_urls: OrdSet<UrlId>,
    /// How events are handled, where it was set.
    pub event_invokes: OrdMap<Qualifier, Versioned<EventInvokeConfig>>,
    /// How many workers are kept ready, of the versions and aliases where it was set.
    pub provisioned: OrdMap<Qualifier, Versioned<ProvisionedConcurrency>>,
}

impl FunctionView {
    pub(crate) fn new(head: Versioned<Function>) -> Self {
        Self {
            head,
            versions: OrdMap::new(),
            aliases: OrdMap::new(),
            policies: OrdMap::new(),
            urls: OrdMap::new(),
            former_urls: OrdSet::new(),
            event_invokes: OrdMap::new(),
            provisioned: OrdMap::new(),
        }
    }

    /// The policy attached to exactly this: the function (`None`), or one version or alias.
    #[must_use]
    pub fn policy(&self, qualifier: Option<&Qualifier>) -> Option<&Arc<PolicyView>> {
        self.policies.get(&qualifier.cloned())?.as_ref()
    }

    /// Whether what `qualifier` names exists: the function itself, `$LATEST`, a version, an alias.
    #[must_use]
    pub fn has(&self, qualifier: Option<&Qualifier>) -> bool {
        match qualifier {
            None | Some(Qualifier::Latest) => true,
            Some(Qualifier::Version(number)) => self.versions.contains_key(number),
            Some(Qualifier::Alias(name)) => self.aliases.contains_key(name),
            Some(Qualifier::Unresolvable(_)) => false,
        }
    }

    /// The workers that are kept ready, of all versions together.
    #[must_use]
    pub fn provisioned_calls(&self) -> u64 {
        self.provisioned.values().map(|config| u64::from(config.requested.get())).sum()
    }

    /// The calls that the function takes out of what the account's others share: what it has
    /// reserved, or else what is provisioned.
    pub(crate) fn claimed_calls(&self) -> u64 {
        let reserved = self.head.reserved().map(|reserved| u64::from(reserved.get()));
        reserved.unwrap_or_else(|| self.provisioned_calls())
    }

    /// The version that a configuration of `qualifier` counts for; none for `$LATEST`.
    #[must_use]
    pub(crate) fn number_of(&self, qualifier: &Qualifier) -> Option<VersionNumber> {
        match qualifier {
            Qualifier::Version(number) => Some(*number),
            Qualifier::Alias(name) => self.aliases.get(name)?.version().number(),
            Qualifier::Latest | Qualifier::Unresolvable(_) => None,
        }
    }

    /// The function's ARN with `qualifier`.
    #[must_use]
    pub fn target(&self, qualifier: Option<Qualifier>) -> Target {
        Target { function: self.arn().clone(), qualifier }
    }

    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> &FunctionArn {
        self.head.arn()
    }
}

/// A resource policy: as stored, compiled, and as last shown.
#[derive(Debug)]
pub struct PolicyView {
    /// The statements and their revision.
    pub stored: Versioned<ResourcePolicy>,
    compiled: OnceLock<Option<Arc<AttachedPolicy>>>,
    shown: OnceLock<Box<[u8]>>,
}

impl PolicyView {
    pub(crate) fn new(stored: Versioned<ResourcePolicy>) -> Self {
        Self { stored, compiled: OnceLock::new(), shown: OnceLock::new() }
    }

    /// What calls are decided by; `arn` is what the policy is attached to. Compiled at the first
    /// call: of very many functions few are called, and none of them waits for the others at the
    /// start. `None` when the engine cannot read what is stored: calls that would consult it are
    /// denied.
    pub(crate) fn compiled(&self, arn: impl FnOnce() -> String) -> Option<&Arc<AttachedPolicy>> {
        let compile = || {
            let policy = assemble(&self.stored);
            let policy = policy.inspect_err(|error| unreadable(error, "a resource policy")).ok();
            policy.map(|policy| AttachedPolicy::new(arn(), policy))
        };
        self.compiled.get_or_init(compile).as_ref()
    }

    /// What `render` makes of the policy and its text; made once and kept as long as the policy is
    /// unchanged, and its principals are those that were there when it was written.
    pub fn shown(
        &self,
        entities: &dyn Entities,
        render: impl FnOnce(&ResourcePolicy, String) -> Vec<u8>,
    ) -> Cow<'_, [u8]> {
        if !self.stored.shows_as_written(entities) {
            return render(&self.stored, self.stored.shown(entities)).into();
        }
        let shown = self.shown.get_or_init(|| render(&self.stored, self.stored.to_json()).into());
        (&**shown).into()
    }
}

/// The statements, which are compiled already, as one policy.
fn assemble(policy: &ResourcePolicy) -> Result<Policy, PolicyError> {
    let each = policy.statements().iter();
    let compiled = each.map(|statement| statement.compiled().cloned().map_err(PolicyError::clone));
    Policy::assemble(DocumentKind::Resource, compiled.collect::<Result<_, _>>()?)
}

/// Compiles a stored document; what cannot be read is logged and must deny.
pub(crate) fn compile(kind: DocumentKind, json: &str, what: &str) -> Option<Policy> {
    Policy::parse(kind, json).inspect_err(|error| unreadable(error, what)).ok()
}

fn unreadable(error: &PolicyError, what: &str) {
    tracing::error!(%error, "{what} in the store cannot be evaluated");
}

/// Compiles the inline policies of the entity `arn`; `None` if any of them cannot be read.
fn compile_all(arn: &str, policies: &InlinePolicies) -> Option<Box<[Arc<AttachedPolicy>]>> {
    let each = policies.iter();
    each.map(|(name, json)| {
        let policy = compile(DocumentKind::Identity, json, "an inline policy")?;
        Some(AttachedPolicy::inline(arn, name.as_str(), policy))
    })
    .collect()
}

/// What every view of a user, group or role has.
pub trait EntityView {
    /// What it is a view of.
    type Entity: Entity;

    /// The entity, and when it was created and last written.
    fn stored(&self) -> &Versioned<Self::Entity>;

    /// Its ARN.
    fn arn(&self) -> &str;

    /// Its inline policies, compiled; `None` if one of them cannot be read.
    fn policies(&self) -> Option<&[Arc<AttachedPolicy>]>;
}

/// A user: as stored, as a caller, and its policies compiled.
#[derive(Debug)]
pub struct UserView {
    /// When the user was created and last written.
    pub stored: Versioned<User>,
    /// The user as a caller.
    pub identity: Arc<UserIdentity>,
    policies: Option<Box<[Arc<AttachedPolicy>]>>,
}

impl UserView {
    pub(crate) fn new(stored: Versioned<User>, partition: Partition) -> Self {
        let identity = Arc::new(UserIdentity::new(stored.shared(), partition));
        let policies = compile_all(identity.arn(), &stored.policies);
        Self { stored, identity, policies }
    }
}

impl EntityView for UserView {
    type Entity = User;

    fn stored(&self) -> &Versioned<User> {
        &self.stored
    }

    fn arn(&self) -> &str {
        self.identity.arn()
    }

    fn policies(&self) -> Option<&[Arc<AttachedPolicy>]> {
        self.policies.as_deref()
    }
}

/// A group: as stored, and its policies compiled.
#[derive(Debug)]
pub struct GroupView {
    /// When the group was created and last written.
    pub stored: Versioned<Group>,
    arn: Box<str>,
    policies: Option<Box<[Arc<AttachedPolicy>]>>,
}

impl GroupView {
    pub(crate) fn new(stored: Versioned<Group>, partition: Partition) -> Self {
        let arn = stored.arn(partition).into_boxed_str();
        let policies = compile_all(&arn, &stored.policies);
        Self { arn, stored, policies }
    }
}

impl EntityView for GroupView {
    type Entity = Group;

    fn stored(&self) -> &Versioned<Group> {
        &self.stored
    }

    fn arn(&self) -> &str {
        &self.arn
    }

    fn policies(&self) -> Option<&[Arc<AttachedPolicy>]> {
        self.policies.as_deref()
    }
}

/// A role: as stored, as a caller's role, its policies and its trust policy compiled.
#[derive(Debug)]
pub struct RoleView {
    /// When the role was created and last written.
    pub stored: Versioned<Role>,
    /// The role behind its sessions.
    pub identity: Arc<RoleIdentity>,
    policies: Option<Box<[Arc<AttachedPolicy>]>>,
    pub(crate) trust: Option<Arc<AttachedPolicy>>,
    /// When its sessions last called.
    pub uses: Arc<Uses>,
}

impl RoleView {
    /// `previous` is what has the role's name: if that is an earlier state of it, its uses count.
    pub(crate) fn new(
        stored: Versioned<Role>,
        previous: Option<&Self>,
        partition: Partition,
    ) -> Self {
        let same = previous.filter(|previous| previous.stored.created == stored.created);
        let uses = same.map(|previous| previous.uses.clone()).unwrap_or_default();
        let identity = Arc::new(RoleIdentity::new(stored.shared(), partition));
        let policies = compile_all(identity.arn(), &stored.policies);
        let trust = &stored.trust_policy;
        let trust = Policy::parse_bound(DocumentKind::Trust, trust.document(), trust.bindings());
        let trust = trust.inspect_err(|error| unreadable(error, "a trust policy")).ok();
        let trust = trust.map(|policy| AttachedPolicy::new(identity.arn(), policy));
        Self { stored, identity, policies, trust, uses }
    }
}

impl EntityView for RoleView {
    type Entity = Role;

    fn stored(&self) -> &Versioned<Role> {
        &self.stored
    }

    fn arn(&self) -> &str {
        self.identity.arn()
    }

    fn policies(&self) -> Option<&[Arc<AttachedPolicy>]> {
        self.policies.as_deref()
    }
}

/// An access key, and the signing key that its last call needed.
#[derive(Debug)]
pub struct AccessKeyView {
    /// The key, its owner and secret.
    pub stored: Versioned<AccessKey>,
    signing: LastSigningKey,
    /// When it last signed a request that was believed.
    pub uses: Arc<Uses>,
}

impl AccessKeyView {
    /// `previous` is an earlier state of the key: its uses count.
    pub(crate) fn new(stored: Versioned<AccessKey>, previous: Option<&Self>) -> Self {
        let uses = previous.map(|previous| previous.uses.clone()).unwrap_or_default();
        Self { stored, signing: LastSigningKey::default(), uses }
    }

    /// The signing key for `scope`.
    #[must_use]
    pub fn signing_key(&self, scope: &Scope) -> Arc<(Scope, SigningKey)> {
        self.signing.get(&self.stored.secret, scope)
    }
}

/// The signing key that the last call with a secret needed.
#[derive(Debug, Default)]
pub struct LastSigningKey(ArcSwapOption<(Scope, SigningKey)>);

impl LastSigningKey {
    /// The key of `secret` for `scope`: that of the last call if its scope was the same.
    ///
    /// Deriving costs five hashes; one day's calls to one service share a scope.
    #[must_use]
    pub fn get(&self, secret: &SecretAccessKey, scope: &Scope) -> Arc<(Scope, SigningKey)> {
        if let Some(cached) = self.0.load().as_ref().filter(|cached| cached.0 == *scope) {
            return cached.clone();
        }
        let secret = secret.expose();
        let key = SigningKey::derive(secret, scope.date(), scope.region(), scope.service());
        let derived = Arc::new((scope.clone(), key));
        self.0.store(Some(derived.clone()));
        derived
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portcullis_iam::{Decision, MapContext, NoEntities, Policies, Principal, Request, decide};
    use portcullis_lambda::{Grant, GrantInput, PolicyHead, RevisionId, Statement};
    use proptest::prelude::*;

    use super::*;
    use crate::documents::{Document as _, resource_policy::decode_policy};

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    const PRINCIPALS: [&str; 4] = ["s3.amazonaws.com", "sns.amazonaws.com", "111122223333", "*"];
    const SOURCES: [&str; 3] =
        ["arn:aws:s3:::a", "arn:aws:s3:::b*", "arn:aws:sns:us-east-1:123456789012:t"];

    /// A change of a policy.
    #[derive(Clone, Debug)]
    enum Change {
        Add { sid: u8, principal: &'static str, source: Option<&'static str> },
        Remove { sid: u8 },
    }

    fn changes() -> impl Strategy<Value = Change> {
        let source = proptest::option::of(proptest::sample::select(&SOURCES[..]));
        let add = (0..8u8, proptest::sample::select(&PRINCIPALS[..]), source);
        prop_oneof![
            3 => add.prop_map(|(sid, principal, source)| Change::Add { sid, principal, source }),
            1 => (0..8u8).prop_map(|sid| Change::Remove { sid }),
        ]
    }

    fn revision() -> RevisionId {
        "00000000-0000-0000-0000-000000000001".parse().unwrap()
    }

    /// The policy after the change; as before, if that is refused.
    fn changed(current: Option<ResourcePolicy>, change: &Change) -> Option<ResourcePolicy> {
        let target = Target { function: ARN.parse().unwrap(), qualifier: None };
        let old = current.as_ref();
        let new = match change {
            Change::Add { sid, principal, source } => {
                let input = GrantInput {
                    statement_id: format!("s{sid}"),
                    action: "lambda:InvokeFunction".into(),
                    principal: (*principal).into(),
                    source_arn: source.map(Into::into),
                    ..GrantInput::default()
                };
                let grant = Grant::try_from(&input).unwrap();
                ResourcePolicy::add(old, &target, revision(), &grant, None, revision(), &NoEntities)
                    .map(Some)
            }
            Change::Remove { sid } => {
                ResourcePolicy::remove(old, &format!("s{sid}"), None, revision())
            }
        };
        new.unwrap_or(current)
    }

    fn view(policy: ResourcePolicy) -> PolicyView {
        PolicyView::new(Versioned::new(policy, Revision::new(1), Revision::new(1)))
    }

    /// The policy as one reads it from the store who knows an earlier state of it.
    fn read(policy: &ResourcePolicy, earlier: Option<&ResourcePolicy>) -> ResourcePolicy {
        decode_policy(&policy.encode(), earlier).unwrap()
    }

    /// What the policy says about every caller from every source.
    fn decisions(policy: &Policy) -> Vec<Decision> {
        let callers = ["s3.amazonaws.com", "sns.amazonaws.com", "anonymous"];
        let sources = [None, Some("arn:aws:s3:::a"), Some("arn:aws:s3:::bb"), Some(SOURCES[2])];
        let each = callers.iter().flat_map(|caller| sources.map(|source| (caller, source)));
        each.map(|(caller, source)| {
            let context: MapContext =
                source.map(|arn| ("aws:SourceArn", arn)).into_iter().collect();
            let request = Request {
                principal: &Principal::parse(caller).unwrap(),
                action: "lambda:InvokeFunction",
                resource: ARN,
                resource_account: "123456789012",
                context: &context,
            };
            decide(&request, &Policies { resource: &[policy], ..Policies::default() })
        })
        .collect()
    }

    /// That what both policies have is compiled once.
    #[track_caller]
    fn check_shared(old: &ResourcePolicy, new: &ResourcePolicy) {
        let kept: BTreeSet<&str> = old.statements().iter().map(Statement::json).collect();
        let compiled = |policy: &ResourcePolicy| -> BTreeSet<_> {
            let each = policy.statements().iter();
            each.map(|statement| Arc::as_ptr(statement.compiled().unwrap())).collect()
        };
        let kept = new.statements().iter().filter(|one| kept.contains(one.json())).count();
        assert_eq!(compiled(old).intersection(&compiled(new)).count(), kept);
    }

    proptest! {
        #[test]
        fn a_policy_made_of_another_decides_as_one_compiled_whole(
            changes in proptest::collection::vec(changes(), 1..24),
        ) {
            let mut last: Option<ResourcePolicy> = None;
            for change in &changes {
                let Some(next) = changed(last.clone(), change) else { continue };
                let whole = Policy::parse(DocumentKind::Resource, &next.to_json()).unwrap();
                let read = read(&next, last.as_ref());
                for policy in [&next, &read] {
                    let compiled = view(policy.clone());
                    let compiled = compiled.compiled(|| ARN.into()).unwrap();
                    prop_assert_eq!(decisions(compiled), decisions(&whole));
                    if let Some(last) = &last {
                        check_shared(last, policy);
                    }
                }
                last = Some(next);
            }
        }
    }

    #[test]
    fn one_unreadable_statement_makes_the_view_deny_until_it_is_gone() {
        let add = |sid| Change::Add { sid, principal: "*", source: None };
        let good = changed(changed(None, &add(1)), &add(2)).unwrap();
        let bad = good.statements()[1].json().replace("s2", "bad").replace(":function", "");
        let bad = bad.replace("\"arn:aws:lambda", "\"lambda");
        let mixed = vec![good.statements()[0].clone(), Statement::from_json(&bad).unwrap()];
        let mixed = ResourcePolicy::restore(PolicyHead::default(), mixed, revision()).unwrap();
        assert!(view(read(&mixed, Some(&good))).compiled(|| ARN.into()).is_none());
        assert!(view(read(&good, Some(&mixed))).compiled(|| ARN.into()).is_some());
    }
}
