//! Where each value lives in the store: the typed form of every key.
//!
//! ```text
//! fn/ACCOUNT/REGION/NAME                    Function
//! fn/ACCOUNT/REGION/NAME/v/7                PublishedVersion
//! fn/ACCOUNT/REGION/NAME/alias/prod         Alias
//! fn/ACCOUNT/REGION/NAME/policy             ResourcePolicy of the function
//! fn/ACCOUNT/REGION/NAME/policy/prod        ResourcePolicy of a version or alias
//! fn/ACCOUNT/REGION/NAME/url                FunctionUrl of the function
//! fn/ACCOUNT/REGION/NAME/url/prod           FunctionUrl of an alias
//! fn/ACCOUNT/REGION/NAME/former-url/ID      FunctionUrl of an alias that is gone
//! fn/ACCOUNT/REGION/NAME/event-invoke/prod  EventInvokeConfig of $LATEST, a version or alias
//! fn/ACCOUNT/REGION/NAME/provisioned/prod   ProvisionedConcurrency of a version or alias
//! layer/ACCOUNT/REGION/NAME                 Layer
//! layer/ACCOUNT/REGION/NAME/7               LayerVersion
//! layer/ACCOUNT/REGION/NAME/7/policy        ResourcePolicy of a layer version
//! iam/ACCOUNT                               Account
//! iam/ACCOUNT/user/name                     User      (the name in lower case: unique so)
//! iam/ACCOUNT/group/name                    Group     (likewise)
//! iam/ACCOUNT/policy/name                   ManagedPolicy (likewise)
//! iam/ACCOUNT/policy/name/v2                PolicyVersion
//! iam/ACCOUNT/role/name                     Role      (likewise)
//! iam/ACCOUNT/role/name/used                LastUse by its sessions
//! csc/ACCOUNT/REGION/csc-…                  CodeSigningConfig
//! esm/ACCOUNT/REGION/UUID                   EventSourceMapping
//! org/ID                                    Organization
//! org/ID/policy/p-…                         OrganizationPolicy
//! oidc/ACCOUNT/ISSUER                       OidcProvider
//! alias/NAME                                AccountAlias
//! key/AKIA…                                 AccessKey
//! key/AKIA…/used                            LastUse
//! queue/REQUEST-ID                          QueuedEvent (not in the snapshot)
//! system/root-key                           OperatorKey
//! system/session-keys                       SessionKeys
//! ```

use std::fmt::Write as _;

use portcullis_identity::{
    AccessKeyId, AccountAliasName, AccountId, GroupName, IssuerName, PolicyName, PolicyVersionId,
    RoleName, UserName,
    organization::{OrganizationId, OrganizationPolicyId},
};
use portcullis_lambda::{
    AliasName, CodeSigningConfigArn, EventSourceMappingArn, FunctionArn, LayerArn, LayerVersionArn,
    Qualifier, Region, UrlId, VersionNumber,
};
use portcullis_store::Key;

/// What every key begins with; a scan of these finds everything.
pub(crate) const ROOTS: [&str; 10] =
    ["alias/", "csc/", "esm/", "fn/", "iam/", "key/", "layer/", "oidc/", "org/", "system/"];

/// What the keys of queued events begin with. No snapshot has them.
pub(crate) const QUEUE: &str = "queue/";

/// What the keys of secrets begin with: access keys, and what session tokens are sealed with. Their
/// values are to be kept sealed.
pub const SEALED: [&str; 2] = ["key/", SESSION_KEYS];

/// Most keys are shorter: their text needs no second allocation.
const USUAL_KEY_BYTES: usize = 128;

const OPERATOR_KEY: &str = "system/root-key";
const SESSION_KEYS: &str = "system/session-keys";

/// The place of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A function's head: `$LATEST`, tags, counters.
    Function(FunctionArn),
    /// A published version.
    Version(FunctionArn, VersionNumber),
    /// An alias.
    Alias(FunctionArn, AliasName),
    /// The resource policy of the function, or of one version or alias.
    Policy(FunctionArn, Option<Qualifier>),
    /// The URL of the function, or of one alias.
    Url(FunctionArn, Option<AliasName>),
    /// A URL that went with its alias: its host answers otherwise than one that nobody ever had.
    FormerUrl(FunctionArn, UrlId),
    /// How events for `$LATEST`, a version or an alias are handled.
    EventInvoke(FunctionArn, Qualifier),
    /// How many workers are kept ready for a version or an alias.
    Provisioned(FunctionArn, Qualifier),
    /// A layer: what outlives its versions.
    Layer(LayerArn),
    /// A version of a layer.
    LayerVersion(LayerVersionArn),
    /// A code-signing configuration.
    CodeSigningConfig(CodeSigningConfigArn),
    /// An event source mapping.
    EventSourceMapping(EventSourceMappingArn),
    /// The resource policy of a layer version.
    LayerPolicy(LayerVersionArn),
    /// An account.
    Account(AccountId),
    /// A user, by its folded name.
    User(AccountId, Box<str>),
    /// A group, by its folded name.
    Group(AccountId, Box<str>),
    /// A managed policy, by its folded name.
    ManagedPolicy(AccountId, Box<str>),
    /// A version of a managed policy.
    PolicyVersion(AccountId, Box<str>, PolicyVersionId),
    /// A role, by its folded name.
    Role(AccountId, Box<str>),
    /// When sessions of the role last called.
    RoleUse(AccountId, Box<str>),
    /// An OpenID Connect provider of an account.
    OidcProvider(AccountId, IssuerName),
    /// An organization.
    Organization(OrganizationId),
    /// A policy of an organization.
    OrganizationPolicy(OrganizationId, OrganizationPolicyId),
    /// An alias of an account.
    AccountAlias(AccountAliasName),
    /// A long-term access key.
    AccessKey(AccessKeyId),
    /// When the access key was last used.
    KeyUse(AccessKeyId),
    /// An event that waits, by the id of the request that brought it.
    QueuedEvent(Box<str>),
    /// Which root access key the operator manages.
    OperatorKey,
    /// The material that session tokens are sealed with.
    SessionKeys,
}

impl Address {
    /// The place of the user `name`; names that differ only by case share it.
    #[must_use]
    pub fn user(account: AccountId, name: &UserName) -> Self {
        Self::User(account, name.folded().into())
    }

    /// The place of the group `name`; names that differ only by case share it.
    #[must_use]
    pub fn group(account: AccountId, name: &GroupName) -> Self {
        Self::Group(account, name.folded().into())
    }

    /// The place of the managed policy `name`; names that differ only by case share it.
    #[must_use]
    pub fn managed_policy(account: AccountId, name: &PolicyName) -> Self {
        Self::ManagedPolicy(account, name.folded().into())
    }

    /// The place of a version of the managed policy `name`.
    #[must_use]
    pub fn policy_version(account: AccountId, name: &PolicyName, id: PolicyVersionId) -> Self {
        Self::PolicyVersion(account, name.folded().into(), id)
    }

    /// The place of the role `name`; names that differ only by case share it.
    #[must_use]
    pub fn role(account: AccountId, name: &RoleName) -> Self {
        Self::Role(account, name.folded().into())
    }

    /// The place of the last use of the role `name`.
    #[must_use]
    pub(crate) fn role_use(account: AccountId, name: &RoleName) -> Self {
        Self::RoleUse(account, name.folded().into())
    }

    /// The store's key.
    #[must_use]
    pub fn key(&self) -> Key {
        let mut text = String::with_capacity(USUAL_KEY_BYTES);
        // A string takes everything.
        let _ = write!(text, "{self}");
        key(text)
    }

    /// The prefix of everything that belongs to the value here, without the value itself.
    #[must_use]
    pub fn children(&self) -> Key {
        key(format!("{self}/"))
    }

    /// Reads a store key back; `None` for what this build never writes.
    #[must_use]
    pub fn parse(key: &Key) -> Option<Self> {
        let text = std::str::from_utf8(key.as_bytes()).ok()?;
        let parts: Vec<&str> = text.splitn(7, '/').collect();
        match parts.as_slice() {
            ["fn", account, region, name, rest @ ..] => {
                let region: Region = region.parse().ok()?;
                let arn = FunctionArn::new(&region, &account.parse().ok()?, &name.parse().ok()?);
                Self::parse_function(arn, rest)
            }
            ["layer", account, region, name, rest @ ..] => {
                let (region, account) = (region.parse().ok()?, account.parse().ok()?);
                Self::parse_layer(LayerArn::new(region, account, name.parse().ok()?), rest)
            }
            ["csc", account, region, id] => {
                Some(Self::CodeSigningConfig(setting(region, account, "code-signing-config", id)?))
            }
            ["esm", account, region, id] => {
                let arn = setting(region, account, "event-source-mapping", id)?;
                Some(Self::EventSourceMapping(arn))
            }
            ["iam", account] => Some(Self::Account(account.parse().ok()?)),
            ["iam", account, "user", name] => {
                Some(Self::User(account.parse().ok()?, (*name).into()))
            }
            ["iam", account, "group", name] => {
                Some(Self::Group(account.parse().ok()?, (*name).into()))
            }
            ["iam", account, "policy", name] => {
                Some(Self::ManagedPolicy(account.parse().ok()?, (*name).into()))
            }
            ["iam", account, "policy", name, id] => {
                Some(Self::PolicyVersion(account.parse().ok()?, (*name).into(), id.parse().ok()?))
            }
            ["iam", account, "role", name] => {
                Some(Self::Role(account.parse().ok()?, (*name).into()))
            }
            ["iam", account, "role", name, "used"] => {
                Some(Self::RoleUse(account.parse().ok()?, (*name).into()))
            }
            ["oidc", account, _, ..] => {
                let issuer = text.splitn(3, '/').nth(2)?;
                Some(Self::OidcProvider(account.parse().ok()?, issuer.parse().ok()?))
            }
            ["org", id, "policy", policy] => {
                Some(Self::OrganizationPolicy(id.parse().ok()?, policy.parse().ok()?))
            }
            ["org", id] => Some(Self::Organization(id.parse().ok()?)),
            ["alias", name] => Some(Self::AccountAlias(name.parse().ok()?)),
            ["key", id, "used"] => Some(Self::KeyUse(id.parse().ok()?)),
            ["key", id] => Some(Self::AccessKey(id.parse().ok()?)),
            ["queue", id] if !id.is_empty() => Some(Self::QueuedEvent((*id).into())),
            _ if text == OPERATOR_KEY => Some(Self::OperatorKey),
            _ => (text == SESSION_KEYS).then_some(Self::SessionKeys),
        }
    }

    fn parse_layer(arn: LayerArn, rest: &[&str]) -> Option<Self> {
        let version = |number: &str| Some(LayerVersionArn::new(arn.clone(), number.parse().ok()?));
        match rest {
            [] => Some(Self::Layer(arn)),
            [number] => Some(Self::LayerVersion(version(number)?)),
            [number, "policy"] => Some(Self::LayerPolicy(version(number)?)),
            _ => None,
        }
    }

    fn parse_function(arn: FunctionArn, rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Function(arn)),
            ["v", number] => Some(Self::Version(arn, number.parse().ok()?)),
            ["alias", name] => Some(Self::Alias(arn, name.parse().ok()?)),
            ["policy"] => Some(Self::Policy(arn, None)),
            ["policy", qualifier] => Some(Self::Policy(arn, Some(Qualifier::parse(qualifier)))),
            ["url"] => Some(Self::Url(arn, None)),
            ["url", alias] => Some(Self::Url(arn, Some(alias.parse().ok()?))),
            ["former-url", id] => Some(Self::FormerUrl(arn, id.parse().ok()?)),
            ["event-invoke", qualifier] => {
                Some(Self::EventInvoke(arn, Qualifier::parse(qualifier)))
            }
            ["provisioned", qualifier] => Some(Self::Provisioned(arn, Qualifier::parse(qualifier))),
            _ => None,
        }
    }
}

/// The ARN of what stands beside functions.
fn setting<T: std::str::FromStr>(region: &str, account: &str, kind: &str, id: &str) -> Option<T> {
    let region: Region = region.parse().ok()?;
    let partition = region.partition().as_str();
    format!("arn:{partition}:lambda:{region}:{account}:{kind}:{id}").parse().ok()
}

/// Every part of an address is bounded far below the store's limit, and none is empty.
#[expect(clippy::expect_used, reason = "names are at most 512 bytes, keys at most 1024")]
fn key(text: String) -> Key {
    Key::try_from(text).expect("an address is a valid key")
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Function(arn) => write_function(f, arn),
            Self::Version(arn, number) => {
                write_function(f, arn)?;
                write!(f, "/v/{number}")
            }
            Self::Alias(arn, name) => {
                write_function(f, arn)?;
                write!(f, "/alias/{name}")
            }
            Self::Policy(arn, qualifier) => {
                write_function(f, arn)?;
                f.write_str("/policy")?;
                qualifier.as_ref().map_or(Ok(()), |qualifier| write!(f, "/{qualifier}"))
            }
            Self::Url(arn, alias) => {
                write_function(f, arn)?;
                f.write_str("/url")?;
                alias.as_ref().map_or(Ok(()), |alias| write!(f, "/{alias}"))
            }
            Self::FormerUrl(arn, id) => {
                write_function(f, arn)?;
                write!(f, "/former-url/{}", id.as_str())
            }
            Self::EventInvoke(arn, qualifier) => {
                write_function(f, arn)?;
                write!(f, "/event-invoke/{qualifier}")
            }
            Self::Provisioned(arn, qualifier) => {
                write_function(f, arn)?;
                write!(f, "/provisioned/{qualifier}")
            }
            Self::Layer(arn) => write_layer(f, arn),
            Self::LayerVersion(arn) => write_layer_version(f, arn),
            Self::LayerPolicy(arn) => {
                write_layer_version(f, arn)?;
                f.write_str("/policy")
            }
            Self::CodeSigningConfig(arn) => {
                write!(f, "csc/{}/{}/{}", arn.account(), arn.region(), arn.id())
            }
            Self::EventSourceMapping(arn) => {
                write!(f, "esm/{}/{}/{}", arn.account(), arn.region(), arn.id())
            }
            Self::Account(account) => write!(f, "iam/{account}"),
            Self::User(account, name) => write!(f, "iam/{account}/user/{name}"),
            Self::Group(account, name) => write!(f, "iam/{account}/group/{name}"),
            Self::ManagedPolicy(account, name) => write!(f, "iam/{account}/policy/{name}"),
            Self::PolicyVersion(account, name, id) => {
                write!(f, "iam/{account}/policy/{name}/{id}")
            }
            Self::Role(account, name) => write!(f, "iam/{account}/role/{name}"),
            Self::RoleUse(account, name) => write!(f, "iam/{account}/role/{name}/used"),
            Self::Organization(id) => write!(f, "org/{id}"),
            Self::OrganizationPolicy(id, policy) => write!(f, "org/{id}/policy/{policy}"),
            Self::OidcProvider(account, issuer) => write!(f, "oidc/{account}/{issuer}"),
            Self::AccountAlias(name) => write!(f, "alias/{name}"),
            Self::KeyUse(id) => write!(f, "key/{id}/used"),
            Self::AccessKey(id) => write!(f, "key/{id}"),
            Self::QueuedEvent(id) => write!(f, "{QUEUE}{id}"),
            Self::OperatorKey => f.write_str(OPERATOR_KEY),
            Self::SessionKeys => f.write_str(SESSION_KEYS),
        }
    }
}

fn write_function(f: &mut std::fmt::Formatter<'_>, arn: &FunctionArn) -> std::fmt::Result {
    let [region, account, name] = arn.parts();
    ["fn/", account, "/", region, "/", name].iter().try_for_each(|part| f.write_str(part))
}

fn write_layer_version(f: &mut std::fmt::Formatter<'_>, arn: &LayerVersionArn) -> std::fmt::Result {
    write_layer(f, arn.layer())?;
    write!(f, "/{}", arn.number())
}

fn write_layer(f: &mut std::fmt::Formatter<'_>, arn: &LayerArn) -> std::fmt::Result {
    write!(f, "layer/{}/{}/{}", arn.account(), arn.region(), arn.name())
}

#[cfg(test)]
mod tests {
    use portcullis_lambda::{FunctionArn, LayerArn, Qualifier};
    use portcullis_store::Key;

    use super::{Address, ROOTS};

    fn function() -> FunctionArn {
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:f_1-x".parse().unwrap()
    }

    #[track_caller]
    fn check(address: &Address, want: &str) {
        assert_eq!(address.to_string(), want);
        assert_eq!(Address::parse(&address.key()).as_ref(), Some(address));
        assert!(ROOTS.iter().any(|root| want.starts_with(root)), "{want} is in no scan");
    }

    #[test]
    #[rustfmt::skip]
    fn an_address_is_its_key_and_back() {
        let f = "fn/123456789012/cn-north-1/f_1-x";
        check(&Address::Function(function()), f);
        check(&Address::Version(function(), "7".parse().unwrap()), &format!("{f}/v/7"));
        check(&Address::Alias(function(), "policy".parse().unwrap()), &format!("{f}/alias/policy"));
        check(&Address::Policy(function(), None), &format!("{f}/policy"));
        check(&Address::Policy(function(), Some(Qualifier::parse("_"))), &format!("{f}/policy/_"));
        check(&Address::Policy(function(), Some(Qualifier::parse("12"))), &format!("{f}/policy/12"));
        check(&Address::Url(function(), None), &format!("{f}/url"));
        check(&Address::Url(function(), Some("url".parse().unwrap())), &format!("{f}/url/url"));
        let id = "0123456789abcdefghij0123456789ab";
        check(&Address::FormerUrl(function(), id.parse().unwrap()), &format!("{f}/former-url/{id}"));
        check(&Address::EventInvoke(function(), Qualifier::Latest), &format!("{f}/event-invoke/$LATEST"));
        check(&Address::Provisioned(function(), Qualifier::parse("prod")), &format!("{f}/provisioned/prod"));
        let layer: LayerArn = "arn:aws-cn:lambda:cn-north-1:123456789012:layer:l_1-x".parse().unwrap();
        let version = layer.clone().version(7).unwrap();
        check(&Address::Layer(layer), "layer/123456789012/cn-north-1/l_1-x");
        let arn = "arn:aws-cn:lambda:cn-north-1:123456789012:code-signing-config:csc-0123456789abcdefg";
        check(&Address::CodeSigningConfig(arn.parse().unwrap()), "csc/123456789012/cn-north-1/csc-0123456789abcdefg");
        let arn = "arn:aws-cn:lambda:cn-north-1:123456789012:event-source-mapping:00000000-0000-0000-0000-000000000007";
        check(&Address::EventSourceMapping(arn.parse().unwrap()), "esm/123456789012/cn-north-1/00000000-0000-0000-0000-000000000007");
        check(&Address::LayerVersion(version.clone()), "layer/123456789012/cn-north-1/l_1-x/7");
        check(&Address::LayerPolicy(version), "layer/123456789012/cn-north-1/l_1-x/7/policy");
        let account: portcullis_identity::AccountId = "123456789012".parse().unwrap();
        check(&Address::Account(account), "iam/123456789012");
        check(&Address::user(account, &"Al.ice@x".parse().unwrap()), "iam/123456789012/user/al.ice@x");
        check(&Address::group(account, &"G".parse().unwrap()), "iam/123456789012/group/g");
        let policy = "P".parse().unwrap();
        check(&Address::managed_policy(account, &policy), "iam/123456789012/policy/p");
        check(&Address::policy_version(account, &policy, "v7".parse().unwrap()), "iam/123456789012/policy/p/v7");
        check(&Address::role(account, &"R".parse().unwrap()), "iam/123456789012/role/r");
        check(&Address::Organization("o-a1b2c3d4e5".parse().unwrap()), "org/o-a1b2c3d4e5");
        let policy = Address::OrganizationPolicy("o-a1b2c3d4e5".parse().unwrap(), "p-FullAWSAccess".parse().unwrap());
        check(&policy, "org/o-a1b2c3d4e5/policy/p-FullAWSAccess");
        for issuer in ["idp.example.com", "idp.example.com/a/b/c/d/e/f/g"] {
            let address = Address::OidcProvider(account, issuer.parse().unwrap());
            check(&address, &format!("oidc/123456789012/{issuer}"));
        }
        check(&Address::AccountAlias("our-company".parse().unwrap()), "alias/our-company");
        check(&Address::KeyUse("AKIA1".parse().unwrap()), "key/AKIA1/used");
        let role = "Deploy".parse().unwrap();
        check(&Address::role_use(account, &role), "iam/123456789012/role/deploy/used");
        check(&Address::OperatorKey, "system/root-key");
        check(&Address::SessionKeys, "system/session-keys");
    }

    #[test]
    fn queued_events_are_in_no_scan() {
        let address = Address::QueuedEvent("r".into());
        assert_eq!(Address::parse(&address.key()), Some(address.clone()));
        assert!(!ROOTS.iter().any(|root| address.to_string().starts_with(root)));
    }

    #[test]
    fn a_key_that_nobody_writes_is_no_address() {
        for text in ["fn/1/2/3", "fn", "x/y", "fn/123456789012/us-east-1/f/v/x/y", "key/"] {
            assert_eq!(Address::parse(&Key::try_from(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn children_of_a_function_are_not_those_of_a_longer_name() {
        let children = Address::Function(function()).children();
        let longer: FunctionArn = format!("{}2", function()).parse().unwrap();
        assert!(!Address::Policy(longer, None).key().starts_with(&children));
        assert!(Address::Policy(function(), None).key().starts_with(&children));
    }
}
