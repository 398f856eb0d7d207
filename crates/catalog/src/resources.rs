//! The resources that operations are authorized on, and the policies that hang on each.

mod organization;

use std::{str::FromStr, sync::Arc};

use portcullis_iam::{ResourceRule, Value};
use portcullis_identity::{
    AccessKeyId, AccountId, Entity, FederatedUserName, GroupName, IdentityError, InvalidValue,
    IssuerName, KeyOwner, OidcProvider, Partition, Path, PolicyArn, PolicyOwner, RoleName, Tags,
    UserName, entity_arn, federated_user_arn, no_such_entity,
};
use portcullis_lambda::{LayerArn, LayerVersionArn, S3Object, Target};

pub use organization::{OrganizationPart, OrganizationResource, WholeOrganization};

use crate::{
    GroupView, ManagedPolicyView, RoleView, Snapshot, UserView, Versioned,
    address::Address,
    authorize::{Resource, Unreadable},
    decisions::Documents,
    documents::Document,
    view::EntityView,
};

/// What a condition on the resource's tags begins with, in lower case.
pub(crate) const RESOURCE_TAG: &str = "aws:resourcetag/";

/// A function, or one version or alias of it.
///
/// A qualified call asks the qualifier's document and the function's as one pool
/// ([derived] iam.md §10.2); the Resource element of each statement decides which ARN it covers.
#[derive(Debug)]
pub struct FunctionResource {
    target: Target,
    arn: Box<str>,
}

impl FunctionResource {
    /// The function as the request addresses it; it need not exist.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self { arn: target.to_string().into(), target }
    }

    /// Function and qualifier.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The same, owned.
    pub(crate) fn into_target(self) -> Target {
        self.target
    }
}

impl Resource for FunctionResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.target.function.account()
    }

    fn policies(&self, snapshot: &Snapshot) -> Result<Documents, Unreadable> {
        let mut documents = Documents::new();
        let Some(function) = snapshot.function(&self.target.function) else {
            return Ok(documents);
        };
        let qualified = self.target.qualifier.as_ref().map(Some);
        for slot in qualified.into_iter().chain([None]) {
            match function.policies.get(&slot.cloned()) {
                None => {}
                Some(None) => return Err(Unreadable),
                Some(Some(policy)) => {
                    let arn = || function.target(slot.cloned()).to_string();
                    documents.push(policy.compiled(arn).ok_or(Unreadable)?.clone());
                }
            }
        }
        Ok(documents)
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let tag = key.strip_prefix(RESOURCE_TAG)?;
        let function = snapshot.function(&self.target.function)?;
        tag_value(function.head.tags().iter(), tag)
    }
}

/// A layer, by its ARN; it need not exist.
#[derive(Debug)]
pub struct LayerResource(pub LayerArn);

impl Resource for LayerResource {
    fn arn(&self) -> &str {
        self.0.as_str()
    }

    fn account(&self) -> &str {
        self.0.account().as_str()
    }
}

/// A version of a layer, by its ARN; it need not exist.
#[derive(Debug)]
pub struct LayerVersionResource(pub LayerVersionArn);

impl Resource for LayerVersionResource {
    fn arn(&self) -> &str {
        self.0.as_str()
    }

    fn account(&self) -> &str {
        self.0.layer().account().as_str()
    }

    fn policies(&self, snapshot: &Snapshot) -> Result<Documents, Unreadable> {
        let layer = snapshot.layer(self.0.layer());
        match layer.and_then(|layer| layer.policies.get(&self.0.number())) {
            None => Ok(Documents::new()),
            Some(policy) => {
                let arn = || self.0.as_str().to_owned();
                let compiled = policy.as_ref().and_then(|policy| policy.compiled(arn));
                Ok([compiled.ok_or(Unreadable)?.clone()].into_iter().collect())
            }
        }
    }
}

/// An object in a bucket of an account. A bucket has no policy here.
#[derive(Debug)]
pub struct S3ObjectResource {
    arn: Box<str>,
    account: AccountId,
}

impl S3ObjectResource {
    /// The object, in a bucket of `account`; it need not exist.
    #[must_use]
    pub fn new(partition: Partition, object: &S3Object, account: AccountId) -> Self {
        Self { arn: object.arn(&partition.to_string()).into(), account }
    }
}

impl Resource for S3ObjectResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }
}

/// The value of the tag whose key is `wanted` but for case, in any script; all values, should
/// several keys differ only by case (iam.md §5.1). `wanted` is in lower case, as condition keys are.
pub fn tag_value<'a>(
    tags: impl Iterator<Item = (&'a str, &'a str)>,
    wanted: &str,
) -> Option<Value<'a>> {
    let mut values: Vec<_> = tags
        .filter(|(key, _)| *key == wanted || key.to_lowercase() == wanted)
        .map(|(_, value)| value.into())
        .collect();
    match values.len() {
        0 => None,
        1 => values.pop().map(Value::Single),
        _ => Some(Value::Multiple(values.into())),
    }
}

/// What IAM names by account, path and name: a user, a group or a role.
pub trait EntityName:
    std::fmt::Display + std::fmt::Debug + FromStr<Err = InvalidValue> + Clone + Send + Sync + 'static
{
    /// What has such a name.
    type Entity: Entity<Name = Self> + Document;
    /// How the snapshot holds it.
    type View: EntityView<Entity = Self::Entity>;

    /// The one of this name.
    fn find<'s>(&self, snapshot: &'s Snapshot, account: AccountId) -> Option<&'s Arc<Self::View>>;

    /// The one whose name is this one but for case: whoever stands in the way of a new one.
    fn like<'s>(&self, snapshot: &'s Snapshot, account: AccountId) -> Option<&'s Arc<Self::View>>;

    /// Those of an account, by folded name, after the folded name `after`; `""` is before all.
    fn all<'s>(
        snapshot: &'s Snapshot,
        account: AccountId,
        after: &str,
    ) -> impl Iterator<Item = &'s Arc<Self::View>>;

    /// Where it is stored; names that differ only by case share the place.
    fn address(&self, account: AccountId) -> Address;
}

/// Implements [`EntityName`] by the accessors of the snapshot and of the address.
macro_rules! entity_name {
    ($name:ident, $view:ident, $one:ident, $like:ident, $all:ident) => {
        impl EntityName for $name {
            type Entity = <$view as EntityView>::Entity;
            type View = $view;

            fn find<'s>(
                &self,
                snapshot: &'s Snapshot,
                account: AccountId,
            ) -> Option<&'s Arc<$view>> {
                snapshot.$one(account, self)
            }

            fn like<'s>(
                &self,
                snapshot: &'s Snapshot,
                account: AccountId,
            ) -> Option<&'s Arc<$view>> {
                snapshot.$like(account, self)
            }

            fn all<'s>(
                snapshot: &'s Snapshot,
                account: AccountId,
                after: &str,
            ) -> impl Iterator<Item = &'s Arc<$view>> {
                snapshot.$all(account, after)
            }

            fn address(&self, account: AccountId) -> Address {
                Address::$one(account, self)
            }
        }
    };
}

entity_name!(UserName, UserView, user, user_like, users);
entity_name!(GroupName, GroupView, group, group_like, groups);
entity_name!(RoleName, RoleView, role, role_like, roles);

/// A user, by its ARN; it need not exist.
pub type UserResource = EntityResource<UserName>;

/// A group, by its ARN; it need not exist.
pub type GroupResource = EntityResource<GroupName>;

/// A role, by its ARN; it need not exist.
pub type RoleResource = EntityResource<RoleName>;

/// A user, group or role, by its ARN; it need not exist.
#[derive(Debug)]
pub struct EntityResource<N> {
    account: AccountId,
    path: Path,
    name: N,
    arn: Arc<str>,
    /// Without the path, which the request did not tell.
    asked: Arc<str>,
}

impl<N: EntityName> EntityResource<N> {
    /// The entity `name` of `account`, under the path that it has, or `/` if it is not there.
    #[must_use]
    pub fn new(snapshot: &Snapshot, account: AccountId, name: N) -> Self {
        let known = name.find(snapshot, account).map(|view| view.stored().path().clone());
        let asked = Self::under(snapshot.partition(), account, Path::default(), name);
        let Some(path) = known else { return asked };
        let found = Self::under(snapshot.partition(), account, path, asked.name);
        Self { asked: asked.arn, ..found }
    }

    /// An entity that is to be made, under the path that it will have.
    #[must_use]
    pub fn under(partition: Partition, account: AccountId, path: Path, name: N) -> Self {
        let arn: Arc<str> = entity_arn(partition, account, N::Entity::KIND, &path, &name).into();
        Self { account, path, name, asked: arn.clone(), arn }
    }

    /// The entity that an ARN names; `None` if it is not the ARN of one of this kind.
    #[must_use]
    pub fn of_arn(arn: &str) -> Option<Self> {
        let ["arn", _, "iam", "", account, resource] = *arn.splitn(6, ':').collect::<Vec<_>>()
        else {
            return None;
        };
        let path_and_name = resource.strip_prefix(&N::Entity::KIND.to_string())?;
        let (path, name) = path_and_name.split_at_checked(path_and_name.rfind('/')? + 1)?;
        Some(Self {
            account: account.parse().ok()?,
            path: path.parse().ok()?,
            name: name.parse().ok()?,
            arn: arn.into(),
            asked: arn.into(),
        })
    }

    /// The same entity under another path or name, for whom must be allowed to change both.
    #[must_use]
    pub fn renamed(&self, partition: Partition, path: Option<&Path>, name: Option<&N>) -> Self {
        let name = name.unwrap_or(&self.name);
        let under = |path: &Path| Self::under(partition, self.account, path.clone(), name.clone());
        let asked = under(path.unwrap_or(&Path::default())).arn;
        Self { asked, ..under(path.unwrap_or(&self.path)) }
    }

    /// The account.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.account
    }

    /// The path, as the ARN has it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &N {
        &self.name
    }

    /// The permissions boundary that the entity has now: a condition key of whoever changes what
    /// policies it has.
    #[must_use]
    pub fn boundary<'s>(&self, snapshot: &'s Snapshot) -> Option<&'s PolicyArn> {
        self.name.find(snapshot, self.account)?.stored().boundary()
    }

    /// Where it is stored.
    pub(crate) fn address(&self) -> Address {
        self.name.address(self.account)
    }

    /// The entity under exactly this ARN: one that was made anew under another path is not the one
    /// that was decided about.
    pub(crate) fn find<'s>(
        &self,
        snapshot: &'s Snapshot,
    ) -> Result<&'s Arc<N::View>, IdentityError> {
        let found = self.name.find(snapshot, self.account);
        let same = found.filter(|view| view.arn() == &*self.arn);
        same.ok_or_else(|| no_such_entity::<N::Entity>(&self.name))
    }
}

impl<N: EntityName> Resource for EntityResource<N> {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn asked(&self) -> &str {
        &self.asked
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let tags = self.name.find(snapshot, self.account)?.stored().resource_tags()?;
        resource_tag(tags, key)
    }
}

/// The tag of a resource of IAM that a condition key names: in IAM's own words, or in everybody's.
fn resource_tag<'s>(tags: &'s Tags, key: &str) -> Option<Value<'s>> {
    let tag = key.strip_prefix(RESOURCE_TAG).or_else(|| key.strip_prefix("iam:resourcetag/"))?;
    tag_value(tags.iter().map(|tag| (tag.key(), tag.value())), tag)
}

/// A managed policy, by its ARN; it need not exist. AWS's own count as the caller's account's.
#[derive(Debug)]
pub struct PolicyResource {
    arn: PolicyArn,
    account: AccountId,
}

impl PolicyResource {
    /// The policy that `arn` names to a caller of the account `caller`.
    #[must_use]
    pub fn new(arn: PolicyArn, caller: AccountId) -> Self {
        let account = match arn.owner() {
            PolicyOwner::Aws => caller,
            PolicyOwner::Account(account) => account,
        };
        Self { arn, account }
    }

    /// The ARN.
    #[must_use]
    pub fn policy(&self) -> &PolicyArn {
        &self.arn
    }

    /// The account whose policy it is, or who asks about AWS's.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.account
    }

    /// The policy.
    pub(crate) fn find<'s>(
        &self,
        snapshot: &'s Snapshot,
    ) -> Result<&'s Arc<ManagedPolicyView>, IdentityError> {
        let missing = || IdentityError::NoSuchPolicy(self.arn.clone());
        snapshot.managed_policy(&self.arn).ok_or_else(missing)
    }
}

impl Resource for PolicyResource {
    fn arn(&self) -> &str {
        self.arn.as_str()
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let tags = &snapshot.managed_policy(&self.arn)?.stored.tags;
        resource_tag(tags, key)
    }
}

/// An OpenID Connect provider, by its ARN; it need not exist.
#[derive(Debug)]
pub struct OidcProviderResource {
    account: AccountId,
    issuer: IssuerName,
    arn: Box<str>,
}

impl OidcProviderResource {
    /// The provider of `issuer` in `account`.
    #[must_use]
    pub fn new(partition: Partition, account: AccountId, issuer: IssuerName) -> Self {
        Self { arn: issuer.arn(partition, account).into(), account, issuer }
    }

    /// The provider that `arn` names.
    ///
    /// # Errors
    /// [`IdentityError::InvalidOidcProviderArn`].
    pub fn of_arn(partition: Partition, arn: &str) -> Result<Self, IdentityError> {
        let invalid = || IdentityError::InvalidOidcProviderArn(arn.into());
        let parts = portcullis_iam::Arn::split(arn).ok_or_else(invalid)?;
        let issuer = parts.resource().strip_prefix("oidc-provider/").ok_or_else(invalid)?;
        let account = parts.account().parse().map_err(|_| invalid())?;
        let found = Self::new(partition, account, issuer.parse().map_err(|_| invalid())?);
        if *found.arn == *arn { Ok(found) } else { Err(invalid()) }
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.account
    }

    /// Whose tokens it is about.
    #[must_use]
    pub fn issuer(&self) -> &IssuerName {
        &self.issuer
    }

    /// Where it is stored.
    pub(crate) fn address(&self) -> Address {
        Address::OidcProvider(self.account, self.issuer.clone())
    }

    /// The provider.
    pub(crate) fn find<'s>(
        &self,
        snapshot: &'s Snapshot,
    ) -> Result<&'s Versioned<OidcProvider>, IdentityError> {
        let missing = || IdentityError::NoSuchOidcProvider(self.arn.clone());
        snapshot.oidc_provider(self.account, &self.issuer).ok_or_else(missing)
    }
}

impl Resource for OidcProviderResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        resource_tag(&self.find(snapshot).ok()?.tags, key)
    }
}

/// The root user of an account.
#[derive(Debug)]
pub struct RootResource {
    account: AccountId,
    arn: Box<str>,
}

impl RootResource {
    /// The root user of `account`.
    #[must_use]
    pub fn new(partition: Partition, account: AccountId) -> Self {
        Self { account, arn: account.root_arn(partition).into() }
    }

    /// The account.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.account
    }
}

impl Resource for RootResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }
}

/// Who signs with long-term keys, as IAM's operations on them name it: a user, or, when they name
/// none and root calls, root.
#[derive(Debug)]
pub enum KeyHolder {
    /// A user.
    User(UserResource),
    /// The root user of an account.
    Root(RootResource),
}

impl Resource for KeyHolder {
    fn arn(&self) -> &str {
        match self {
            Self::User(user) => user.arn(),
            Self::Root(root) => root.arn(),
        }
    }

    fn asked(&self) -> &str {
        match self {
            Self::User(user) => user.asked(),
            Self::Root(root) => root.asked(),
        }
    }

    fn account(&self) -> &str {
        match self {
            Self::User(user) => user.account(),
            Self::Root(root) => root.account(),
        }
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        match self {
            Self::User(user) => user.condition_key(snapshot, key),
            Self::Root(root) => root.condition_key(snapshot, key),
        }
    }
}

/// The owner of an access key that a request names by its id alone. A denial does not tell who it is.
#[derive(Debug)]
pub struct OwnerOfKey(KeyHolder);

impl OwnerOfKey {
    /// Whose key `id` is, if it is of `account`; else the account's root, who owns no such key.
    #[must_use]
    pub fn new(snapshot: &Snapshot, account: AccountId, id: &AccessKeyId) -> Self {
        let owner = snapshot.access_key(id).map(|key| key.stored.owner.clone());
        Self(match owner {
            Some(KeyOwner::User { account: owner, name, .. }) if owner == account => {
                KeyHolder::User(UserResource::new(snapshot, account, name))
            }
            _ => KeyHolder::Root(RootResource::new(snapshot.partition(), account)),
        })
    }

    /// The owner.
    pub(crate) fn into_holder(self) -> KeyHolder {
        self.0
    }
}

impl Resource for OwnerOfKey {
    fn arn(&self) -> &str {
        self.0.arn()
    }

    fn asked(&self) -> &'static str {
        "*"
    }

    fn account(&self) -> &str {
        self.0.account()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        self.0.condition_key(snapshot, key)
    }
}

/// Whose policies are asked about: a user, group or role, by its ARN; it need not exist.
#[derive(Debug)]
pub enum PolicySource {
    /// A user.
    User(UserResource),
    /// A group.
    Group(GroupResource),
    /// A role.
    Role(RoleResource),
}

impl PolicySource {
    /// What an ARN names.
    ///
    /// # Errors
    /// [`IdentityError::InvalidEntityArn`] if it names none of them.
    pub fn of_arn(arn: &str) -> Result<Self, IdentityError> {
        let user = UserResource::of_arn(arn).map(Self::User);
        let group = || GroupResource::of_arn(arn).map(Self::Group);
        let role = || RoleResource::of_arn(arn).map(Self::Role);
        let invalid = || IdentityError::InvalidEntityArn(arn.into());
        user.or_else(group).or_else(role).ok_or_else(invalid)
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        match self {
            Self::User(user) => user.owner(),
            Self::Group(group) => group.owner(),
            Self::Role(role) => role.owner(),
        }
    }

    /// Its ARN, if it can call: groups do not.
    pub(crate) fn principal(&self) -> Option<&str> {
        match self {
            Self::User(_) | Self::Role(_) => Some(self.arn()),
            Self::Group(_) => None,
        }
    }
}

impl Resource for PolicySource {
    fn arn(&self) -> &str {
        match self {
            Self::User(user) => user.arn(),
            Self::Group(group) => group.arn(),
            Self::Role(role) => role.arn(),
        }
    }

    fn account(&self) -> &str {
        match self {
            Self::User(user) => user.account(),
            Self::Group(group) => group.account(),
            Self::Role(role) => role.account(),
        }
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        match self {
            Self::User(user) => user.condition_key(snapshot, key),
            Self::Group(group) => group.condition_key(snapshot, key),
            Self::Role(role) => role.condition_key(snapshot, key),
        }
    }
}

/// A role as something to assume: its trust policy must allow, an identity-based policy alone
/// never suffices.
#[derive(Debug)]
pub struct TrustingRole(pub RoleResource);

impl Resource for TrustingRole {
    fn arn(&self) -> &str {
        self.0.arn()
    }

    fn account(&self) -> &str {
        self.0.account()
    }

    fn policies(&self, snapshot: &Snapshot) -> Result<Documents, Unreadable> {
        match snapshot.role_of_arn(&self.0.arn) {
            None => Ok(Documents::new()),
            Some(role) => Ok([role.trust.clone().ok_or(Unreadable)?].into_iter().collect()),
        }
    }

    fn rule(&self) -> ResourceRule {
        ResourceRule::Required
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        self.0.condition_key(snapshot, key)
    }
}

/// A federated user of the account, to be made: it need not have been before.
#[derive(Debug)]
pub struct FederatedUserResource {
    account: AccountId,
    name: FederatedUserName,
    arn: Box<str>,
}

impl FederatedUserResource {
    /// The federated user `name` of `account`.
    #[must_use]
    pub fn new(partition: Partition, account: AccountId, name: FederatedUserName) -> Self {
        let arn = federated_user_arn(partition, account, &name).into();
        Self { account, name, arn }
    }

    pub(crate) fn into_parts(self) -> (AccountId, FederatedUserName) {
        (self.account, self.name)
    }
}

impl Resource for FederatedUserResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }
}

/// No resource (`*`): lists, and operations on the account as a whole.
#[derive(Debug)]
pub struct WholeAccount(pub AccountId);

impl Resource for WholeAccount {
    fn arn(&self) -> &str {
        "*"
    }

    fn account(&self) -> &str {
        self.0.as_str()
    }
}

/// The installation itself: what only the operator's account may give leave to, as making keys for
/// services and for the roots of other accounts. Otherwise the root of any account could become
/// that of every other.
#[derive(Debug)]
pub struct Installation(AccountId);

impl Installation {
    /// The installation, which the operator's account owns; `None` only before the first start.
    #[must_use]
    pub fn new(snapshot: &Snapshot) -> Option<Self> {
        snapshot.operator_key().map(|key| Self(key.account))
    }
}

impl Resource for Installation {
    fn arn(&self) -> &str {
        "*"
    }

    fn account(&self) -> &str {
        self.0.as_str()
    }
}
