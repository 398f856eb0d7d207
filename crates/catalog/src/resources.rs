//! The resources that operations are authorized on, and the policies that hang on each.

use portcullis_iam::{ResourceRule, Value};
use portcullis_identity::{AccountId, Partition, RoleName, UserName};
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

/// The value of the tag whose key is `wanted` but for case (condition keys ignore case); all
/// values, should several keys differ only by case (iam.md §5.1).
fn tag_value<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>, wanted: &str) -> Option<Value<'a>> {
    let mut values: Vec<_> =
        tags.filter(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.into()).collect();
    match values.len() {
        0 => None,
        1 => values.pop().map(Value::Single),
        _ => Some(Value::Multiple(values)),
    }
}

/// A user, by its ARN; it need not exist.
#[derive(Debug)]
pub struct UserResource {
    account: AccountId,
    name: UserName,
    arn: Box<str>,
}

impl UserResource {
    /// The user `name` of `account`, under the path that it has, or `/` if it is not there.
    #[must_use]
    pub fn new(snapshot: &Snapshot, account: AccountId, name: UserName) -> Self {
        let known = snapshot.user(account, &name).map(|user| user.identity.arn().into());
        let arn = known.unwrap_or_else(|| entity_arn(snapshot.partition(), account, "user/", &name));
        Self { account, name, arn }
    }

    /// A user that is to be made, under the path that it will have.
    #[must_use]
    pub fn under(partition: Partition, account: AccountId, path: &str, name: UserName) -> Self {
        let arn = entity_arn(partition, account, &format!("user{path}"), &name);
        Self { account, name, arn }
    }

    /// The account.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.account
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &UserName {
        &self.name
    }
}

impl Resource for UserResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let tag = key.strip_prefix(RESOURCE_TAG)?;
        let user = snapshot.user(self.account, &self.name)?;
        tag_value(user.stored.tags.iter().map(|tag| (tag.key(), tag.value())), tag)
    }
}

/// A role, by its ARN; it need not exist.
#[derive(Debug)]
pub struct RoleResource {
    account: AccountId,
    name: RoleName,
    arn: Box<str>,
}

impl RoleResource {
    /// The role `name` of `account`, under the path that it has, or `/` if it is not there.
    #[must_use]
    pub fn new(snapshot: &Snapshot, account: AccountId, name: RoleName) -> Self {
        let known = snapshot.role(account, &name).map(|role| role.identity.arn().into());
        let arn = known.unwrap_or_else(|| entity_arn(snapshot.partition(), account, "role/", &name));
        Self { account, name, arn }
    }

    /// A role that is to be made, under the path that it will have.
    #[must_use]
    pub fn under(partition: Partition, account: AccountId, path: &str, name: RoleName) -> Self {
        let arn = entity_arn(partition, account, &format!("role{path}"), &name);
        Self { account, name, arn }
    }

    /// The role that an ARN names; `None` if it is not the ARN of a role.
    #[must_use]
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut fields = arn.splitn(6, ':').skip(4);
        let account = fields.next()?.parse().ok()?;
        let name = fields.next()?.strip_prefix("role/")?.rsplit('/').next()?.parse().ok()?;
        Some(Self { account, name, arn: arn.into() })
    }

    /// The account.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.account
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &RoleName {
        &self.name
    }
}

impl Resource for RoleResource {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.account.as_str()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let tag = key.strip_prefix(RESOURCE_TAG)?;
        let role = snapshot.role(self.account, &self.name)?;
        tag_value(role.stored.tags.iter().map(|tag| (tag.key(), tag.value())), tag)
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

/// `arn:PARTITION:iam::ACCOUNT:KIND/NAME`, where `kind` ends in `/`.
fn entity_arn(
    partition: Partition,
    account: AccountId,
    kind: &str,
    name: impl std::fmt::Display,
) -> Box<str> {
    format!("arn:{partition}:iam::{account}:{kind}{name}").into()
}
