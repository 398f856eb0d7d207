//! The resources that operations are authorized on, and the policies that hang on each.

use std::sync::Arc;

use portcullis_iam::{ResourceRule, Value};
use portcullis_identity::{AccountId, Partition, Path, RoleName, Tags, UserName};
use portcullis_lambda::Target;

use crate::{
    Snapshot,
    authorize::{Documents, Resource, Unreadable},
};

/// What a condition on the resource's tags begins with, in lower case.
const RESOURCE_TAG: &str = "aws:resourcetag/";

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

    fn policies<'s>(&self, snapshot: &'s Snapshot) -> Result<Documents<'s>, Unreadable> {
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
                    documents.push(policy.compiled.as_ref().ok_or(Unreadable)?);
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
        _ => Some(Value::Multiple(values)),
    }
}

/// What IAM names by account, path and name: a user or a role.
pub trait EntityName: std::fmt::Display + std::fmt::Debug + Sized {
    /// How the resource part of the ARN begins: `user` or `role`.
    const KIND: &'static str;

    /// The path and the tags of the one that has this name.
    fn find<'s>(&self, snapshot: &'s Snapshot, account: AccountId) -> Option<(&'s Path, &'s Tags)>;
}

impl EntityName for UserName {
    const KIND: &'static str = "user";

    fn find<'s>(&self, snapshot: &'s Snapshot, account: AccountId) -> Option<(&'s Path, &'s Tags)> {
        snapshot.user(account, self).map(|user| (&user.stored.path, &user.stored.tags))
    }
}

impl EntityName for RoleName {
    const KIND: &'static str = "role";

    fn find<'s>(&self, snapshot: &'s Snapshot, account: AccountId) -> Option<(&'s Path, &'s Tags)> {
        snapshot.role(account, self).map(|role| (&role.stored.path, &role.stored.tags))
    }
}

/// A user, by its ARN; it need not exist.
pub type UserResource = EntityResource<UserName>;

/// A role, by its ARN; it need not exist.
pub type RoleResource = EntityResource<RoleName>;

/// A user or role, by its ARN; it need not exist.
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
        let known = name.find(snapshot, account).map(|(path, _)| path.clone());
        let asked = Self::under(snapshot.partition(), account, Path::default(), name);
        let Some(path) = known else { return asked };
        let found = Self::under(snapshot.partition(), account, path, asked.name);
        Self { asked: asked.arn, ..found }
    }

    /// An entity that is to be made, under the path that it will have.
    #[must_use]
    pub fn under(partition: Partition, account: AccountId, path: Path, name: N) -> Self {
        let arn = format!("arn:{partition}:iam::{account}:{}{path}{name}", N::KIND);
        let arn: Arc<str> = arn.into();
        Self { account, path, name, asked: arn.clone(), arn }
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
}

impl RoleResource {
    /// The role that an ARN names; `None` if it is not the ARN of a role.
    #[must_use]
    pub fn of_arn(arn: &str) -> Option<Self> {
        let ["arn", _, "iam", "", account, resource] = *arn.splitn(6, ':').collect::<Vec<_>>()
        else {
            return None;
        };
        let path_and_name = resource.strip_prefix(RoleName::KIND)?;
        let (path, name) = path_and_name.split_at_checked(path_and_name.rfind('/')? + 1)?;
        Some(Self {
            account: account.parse().ok()?,
            path: path.parse().ok()?,
            name: name.parse().ok()?,
            arn: arn.into(),
            asked: arn.into(),
        })
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
        let tag = key.strip_prefix(RESOURCE_TAG)?;
        let (_, tags) = self.name.find(snapshot, self.account)?;
        tag_value(tags.iter().map(|tag| (tag.key(), tag.value())), tag)
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

    fn policies<'s>(&self, snapshot: &'s Snapshot) -> Result<Documents<'s>, Unreadable> {
        match snapshot.role_of_arn(&self.0.arn) {
            None => Ok(Documents::new()),
            Some(role) => Ok([role.trust.as_ref().ok_or(Unreadable)?].into_iter().collect()),
        }
    }

    fn rule(&self) -> ResourceRule {
        ResourceRule::Required
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        self.0.condition_key(snapshot, key)
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
