//! What the snapshot holds of each value: the value, its revisions, and what is compiled from it.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwapOption;
use imbl::OrdMap;
use portcullis_iam::{DocumentKind, Policy};
use portcullis_identity::{AccessKey, Partition, RoleIdentity, User, UserIdentity};
use portcullis_identity::{InlinePolicies, Role};
use portcullis_lambda::{
    Alias, AliasName, Function, FunctionArn, PublishedVersion, Qualifier, ResourcePolicy, Target,
    VersionNumber,
};
use portcullis_sigv4::{Scope, SigningKey};
use portcullis_store::Revision;

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
    pub(crate) fn new(value: T, created: Revision, modified: Revision) -> Self {
        Self { value: Arc::new(value), created, modified }
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
}

impl FunctionView {
    pub(crate) fn new(head: Versioned<Function>) -> Self {
        Self {
            head,
            versions: OrdMap::new(),
            aliases: OrdMap::new(),
            policies: OrdMap::new(),
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
    /// `None` when the engine cannot read what is stored: calls that would consult it are denied.
    pub(crate) compiled: Option<Policy>,
    shown: OnceLock<Box<[u8]>>,
}

impl PolicyView {
    pub(crate) fn new(stored: Versioned<ResourcePolicy>) -> Self {
        let compiled = compile(DocumentKind::Resource, &stored.to_json(), "a resource policy");
        Self { stored, compiled, shown: OnceLock::new() }
    }

    /// What `render` makes of the policy, made once and kept as long as the policy is unchanged.
    pub fn shown(&self, render: impl FnOnce(&ResourcePolicy) -> Vec<u8>) -> &[u8] {
        self.shown.get_or_init(|| render(&self.stored).into())
    }
}

/// Compiles a stored document; what cannot be read is logged and must deny.
fn compile(kind: DocumentKind, json: &str, what: &str) -> Option<Policy> {
    Policy::parse(kind, json)
        .inspect_err(|error| tracing::error!(%error, "{what} in the store cannot be evaluated"))
        .ok()
}

/// Compiles the inline policies of a user or role; `None` if any of them cannot be read.
fn compile_all(policies: &InlinePolicies) -> Option<Box<[Policy]>> {
    let each = policies.iter();
    each.map(|(_, json)| compile(DocumentKind::Identity, json, "an inline policy")).collect()
}

/// A user: as stored, as a caller, and its policies compiled.
#[derive(Debug)]
pub struct UserView {
    /// When the user was created and last written.
    pub stored: Versioned<User>,
    /// The user as a caller.
    pub identity: Arc<UserIdentity>,
    pub(crate) policies: Option<Box<[Policy]>>,
}

impl UserView {
    pub(crate) fn new(stored: Versioned<User>, partition: Partition) -> Self {
        let identity = Arc::new(UserIdentity::new(User::clone(&stored), partition));
        let policies = compile_all(&stored.policies);
        Self { stored, identity, policies }
    }
}

/// A role: as stored, as a caller's role, its policies and its trust policy compiled.
#[derive(Debug)]
pub struct RoleView {
    /// When the role was created and last written.
    pub stored: Versioned<Role>,
    /// The role behind its sessions.
    pub identity: Arc<RoleIdentity>,
    pub(crate) policies: Option<Box<[Policy]>>,
    pub(crate) trust: Option<Policy>,
}

impl RoleView {
    pub(crate) fn new(stored: Versioned<Role>, partition: Partition) -> Self {
        let identity = Arc::new(RoleIdentity::new(Role::clone(&stored), partition));
        let policies = compile_all(&stored.policies);
        let trust = compile(DocumentKind::Trust, &stored.trust_policy, "a trust policy");
        Self { stored, identity, policies, trust }
    }
}

/// An access key, and the signing key that its last call needed.
#[derive(Debug)]
pub struct AccessKeyView {
    /// The key, its owner and secret.
    pub stored: Versioned<AccessKey>,
    signing: ArcSwapOption<(Scope, SigningKey)>,
}

impl AccessKeyView {
    pub(crate) fn new(stored: Versioned<AccessKey>) -> Self {
        Self { stored, signing: ArcSwapOption::empty() }
    }

    /// The signing key for `scope`: the one of the last call if its scope was the same.
    ///
    /// Deriving costs five hashes; one day's calls to one service share a scope.
    #[must_use]
    pub fn signing_key(&self, scope: &Scope) -> Arc<(Scope, SigningKey)> {
        if let Some(cached) = self.signing.load().as_ref().filter(|cached| cached.0 == *scope) {
            return cached.clone();
        }
        let secret = self.stored.secret.expose();
        let key = SigningKey::derive(secret, scope.date(), scope.region(), scope.service());
        let derived = Arc::new((scope.clone(), key));
        self.signing.store(Some(derived.clone()));
        derived
    }
}
