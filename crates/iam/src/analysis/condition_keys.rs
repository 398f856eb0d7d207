//! What is known of condition keys: their types, who brings them, whether they say who calls.

use crate::glob::glob;

/// The type of a key's values, which says which operators can work on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Text.
    String,
    /// An id that names an account, an organization or a network only as a whole.
    Id,
    /// An organization's id, then those of its units: `o-…/r-…/ou-…/`.
    OrganizationPath,
    /// A caller's unique id, of a session with its name: `AROA…:name`.
    UniqueId,
    /// A tag's value: text that may as well be a number, a date or whatever the tagger means.
    Tag,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A decimal number.
    Numeric,
    /// A moment.
    Date,
    /// A moment in seconds since 1970, which is also a number.
    Epoch,
    /// An address.
    IpAddress,
}

/// Which callers can have a key at all. Source: iam.md §9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bearers {
    /// All.
    Anyone,
    /// All but services.
    AllButServices,
    /// Users, roles, root: callers of an account.
    Accounts,
    /// IAM users only.
    Users,
    /// Services only, which act for a resource of some account.
    Services,
}

/// What is known of a condition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionKey {
    /// The name as documentation writes it. One that ends in `/` stands for all keys that begin
    /// with it and name a tag.
    pub name: &'static str,
    /// Of its values.
    pub value: KeyType,
    /// Whether a request may have several values, so that a set operator is needed.
    pub multivalued: bool,
    /// Who can have it.
    pub bearers: Bearers,
    /// Whether a fixed value keeps strangers out. False for what any account's owner, or anyone
    /// who writes a request, can choose.
    pub identifies: bool,
    /// The actions whose requests can have it; `None`: any.
    pub actions: Option<&'static [&'static str]>,
}

impl ConditionKey {
    /// A row.
    #[must_use]
    pub const fn new(
        name: &'static str,
        value: KeyType,
        multivalued: bool,
        bearers: Bearers,
        identifies: bool,
    ) -> Self {
        Self { name, value, multivalued, bearers, identifies, actions: None }
    }

    /// The same of a key that only requests for these actions can have.
    #[must_use]
    pub const fn on(self, actions: &'static [&'static str]) -> Self {
        Self { actions: Some(actions), ..self }
    }

    /// Whether requests for all that an entry of Action covers never have it.
    pub(crate) fn is_never_on(&self, action: &str) -> bool {
        let pattern = action.to_ascii_lowercase();
        let covered = |known: &&str| glob(&pattern, &known.to_ascii_lowercase());
        self.actions.is_some_and(|all| !all.iter().any(covered))
    }

    /// Whether this is about `key`, in any case.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        if !self.name.ends_with('/') {
            return self.name.eq_ignore_ascii_case(key);
        }
        let tag = key.split_at_checked(self.name.len());
        tag.is_some_and(|(family, tag)| family.eq_ignore_ascii_case(self.name) && !tag.is_empty())
    }
}

const ONE: bool = false;
const MANY: bool = true;
const WHO: bool = true;
const ANY: bool = false;

use Bearers::{Accounts, AllButServices, Anyone, Services, Users};
use KeyType::{
    Arn, Bool, Date, Epoch, Id, IpAddress, Numeric, OrganizationPath, String, Tag, UniqueId,
};

/// The keys of all services. Source: iam.md §9.1 to §9.5.
#[rustfmt::skip]
pub const GLOBAL_KEYS: [ConditionKey; 50] = [
    ConditionKey::new("aws:PrincipalArn",                Arn,       ONE,  Anyone,         WHO),
    ConditionKey::new("aws:PrincipalAccount",            Id,        ONE,  Anyone,         WHO),
    ConditionKey::new("aws:PrincipalOrgID",              Id,        ONE,  Accounts,       WHO),
    ConditionKey::new("aws:PrincipalOrgPaths",           OrganizationPath, MANY, Accounts,       WHO),
    ConditionKey::new("aws:PrincipalTag/",               Tag,       ONE,  Accounts,       ANY),
    ConditionKey::new("aws:PrincipalType",               String,    ONE,  Anyone,         ANY),
    ConditionKey::new("aws:PrincipalIsAWSService",       Bool,      ONE,  Anyone,         ANY),
    ConditionKey::new("aws:PrincipalServiceName",        String,    ONE,  Services,       ANY),
    ConditionKey::new("aws:PrincipalServiceNamesList",   String,    MANY, Services,       ANY),
    ConditionKey::new("aws:userid",                      UniqueId,  ONE,  Anyone,         WHO),
    ConditionKey::new("aws:username",                    String,    ONE,  Users,          ANY),
    ConditionKey::new("aws:TokenIssueTime",              Date,      ONE,  Accounts,       ANY),
    ConditionKey::new("aws:MultiFactorAuthPresent",      Bool,      ONE,  Accounts,       ANY),
    ConditionKey::new("aws:MultiFactorAuthAge",          Numeric,   ONE,  Accounts,       ANY),
    ConditionKey::new("aws:SourceIdentity",              String,    ONE,  Accounts,       ANY),
    ConditionKey::new("aws:FederatedProvider",           String,    ONE,  Accounts,       ANY),
    ConditionKey::new("aws:AssumedRoot",                 Bool,      ONE,  Accounts,       ANY),
    ConditionKey::new("aws:SignInSessionArn",            Arn,       ONE,  Accounts,       WHO),
    ConditionKey::new("aws:ChatbotSourceArn",            Arn,       ONE,  Accounts,       WHO),
    ConditionKey::new("aws:Ec2InstanceSourceVpc",        Id,        ONE,  Accounts,       WHO),
    ConditionKey::new("aws:Ec2InstanceSourcePrivateIPv4", IpAddress, ONE, Accounts,       ANY),
    ConditionKey::new("ec2:SourceInstanceArn",           Arn,       ONE,  Accounts,       WHO),
    ConditionKey::new("aws:SourceIp",                    IpAddress, ONE,  AllButServices, WHO),
    ConditionKey::new("aws:SourceVpc",                   Id,        ONE,  AllButServices, WHO),
    ConditionKey::new("aws:SourceVpce",                  Id,        ONE,  AllButServices, WHO),
    ConditionKey::new("aws:SourceVpcArn",                Arn,       ONE,  AllButServices, WHO),
    ConditionKey::new("aws:VpcSourceIp",                 IpAddress, ONE,  AllButServices, ANY),
    ConditionKey::new("aws:VpceAccount",                 Id,        ONE,  AllButServices, WHO),
    ConditionKey::new("aws:VpceOrgID",                   Id,        ONE,  AllButServices, WHO),
    ConditionKey::new("aws:VpceOrgPaths",                OrganizationPath, MANY, AllButServices, WHO),
    ConditionKey::new("aws:SecureTransport",             Bool,      ONE,  Anyone,         ANY),
    ConditionKey::new("aws:ResourceAccount",             Id,        ONE,  Anyone,         ANY),
    ConditionKey::new("aws:ResourceOrgID",               Id,        ONE,  Anyone,         ANY),
    ConditionKey::new("aws:ResourceOrgPaths",            OrganizationPath, MANY, Anyone,         ANY),
    ConditionKey::new("aws:ResourceTag/",                Tag,       ONE,  Anyone,         ANY),
    ConditionKey::new("aws:CurrentTime",                 Date,      ONE,  Anyone,         ANY),
    ConditionKey::new("aws:EpochTime",                   Epoch,     ONE,  Anyone,         ANY),
    ConditionKey::new("aws:UserAgent",                   String,    ONE,  Anyone,         ANY),
    ConditionKey::new("aws:referer",                     String,    ONE,  Anyone,         ANY),
    ConditionKey::new("aws:RequestedRegion",             String,    ONE,  Anyone,         ANY),
    ConditionKey::new("aws:RequestTag/",                 Tag,       ONE,  Anyone,         ANY),
    ConditionKey::new("aws:TagKeys",                     String,    MANY, Anyone,         ANY),
    ConditionKey::new("aws:CalledVia",                   String,    MANY, Accounts,       ANY),
    ConditionKey::new("aws:CalledViaFirst",              String,    ONE,  Accounts,       ANY),
    ConditionKey::new("aws:CalledViaLast",               String,    ONE,  Accounts,       ANY),
    ConditionKey::new("aws:ViaAWSService",               Bool,      ONE,  Anyone,         ANY),
    ConditionKey::new("aws:SourceArn",                   Arn,       ONE,  Services,       WHO),
    ConditionKey::new("aws:SourceAccount",               Id,        ONE,  Services,       WHO),
    ConditionKey::new("aws:SourceOrgID",                 Id,        ONE,  Services,       WHO),
    ConditionKey::new("aws:SourceOrgPaths",              OrganizationPath, MANY, Services,       WHO),
];
