//! Accounts, users, groups, roles, access keys and session keys as they are stored.
//!
//! Times are RFC 3339 text, exact to the nanosecond. Policy documents are the text that was given;
//! they were checked when they were written, and the view checks again when it compiles them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use portcullis_identity::{
    AccessKey, Account, AccountAlias, AccountId, Group, InlinePolicies, KeyOwner, KeyStatus,
    LastUse, MaxSessionDuration, OperatorKey, PolicyArn, PolicyName, Role, RoleDescription,
    SessionKeys, SmallSet, Tag, Tags, TrustPolicy, User,
};
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, decode_json, encode_json};

/// The stored text of one member, as the domain's type.
pub(super) fn read<T: FromStr>(what: &'static str, text: &str) -> Result<T, DocumentError>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error| invalid(what, &error))
}

fn invalid(what: &'static str, why: &impl fmt::Display) -> DocumentError {
    DocumentError::Invalid { what, why: why.to_string() }
}

pub(super) fn read_time(text: &str) -> Result<Timestamp, DocumentError> {
    read("created", text)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAccount<'a> {
    id: Cow<'a, str>,
    created: Cow<'a, str>,
}

impl Document for Account {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredAccount {
            id: self.id.as_str().into(),
            created: self.created.to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredAccount<'_> = decode_json(bytes)?;
        Ok(Self { id: read("id", &stored.id)?, created: read_time(&stored.created)? })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredTag<'a> {
    key: Cow<'a, str>,
    value: Cow<'a, str>,
}

pub(super) fn store_tags(tags: &Tags) -> Vec<StoredTag<'_>> {
    tags.iter().map(|tag| StoredTag { key: tag.key().into(), value: tag.value().into() }).collect()
}

pub(super) fn read_tags(stored: &[StoredTag<'_>]) -> Result<Tags, DocumentError> {
    let tags: Result<Vec<_>, _> = stored.iter().map(|tag| Tag::new(&tag.key, &tag.value)).collect();
    let tags = tags.map_err(|error| invalid("tag", &error))?;
    Tags::new(tags).map_err(|error| invalid("tags", &error))
}

/// Inline policies: name to text.
type StoredPolicies<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

fn store_policies(policies: &InlinePolicies) -> StoredPolicies<'_> {
    policies.iter().map(|(name, text)| (name.as_str().into(), text.into())).collect()
}

fn read_policies(stored: StoredPolicies<'_>) -> Result<InlinePolicies, DocumentError> {
    stored
        .into_iter()
        .map(|(name, text)| Ok((read::<PolicyName>("policy name", &name)?, text.into())))
        .collect()
}

/// Values that are text in the store.
type StoredSet<'a> = Vec<Cow<'a, str>>;

fn read_set<T: FromStr + Ord>(
    what: &'static str,
    stored: &StoredSet<'_>,
) -> Result<SmallSet<T>, DocumentError>
where
    T::Err: fmt::Display,
{
    stored.iter().map(|text| read(what, text)).collect()
}

fn store_arns(arns: &SmallSet<PolicyArn>) -> StoredSet<'_> {
    arns.iter().map(|arn| arn.as_str().into()).collect()
}

fn read_boundary(stored: Option<&str>) -> Result<Option<PolicyArn>, DocumentError> {
    stored.map(|arn| read("boundary", arn)).transpose()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredUser<'a> {
    account: Cow<'a, str>,
    path: Cow<'a, str>,
    name: Cow<'a, str>,
    id: Cow<'a, str>,
    created: Cow<'a, str>,
    tags: Vec<StoredTag<'a>>,
    policies: StoredPolicies<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: StoredSet<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attached: StoredSet<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boundary: Option<Cow<'a, str>>,
}

impl Document for User {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredUser {
            account: self.account.as_str().into(),
            path: self.path.as_str().into(),
            name: self.name.as_str().into(),
            id: self.id.as_str().into(),
            created: self.created.to_string().into(),
            tags: store_tags(&self.tags),
            policies: store_policies(&self.policies),
            groups: self.groups.iter().map(|id| id.as_str().into()).collect(),
            attached: store_arns(&self.attached),
            boundary: self.boundary.as_ref().map(|arn| arn.as_str().into()),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredUser<'_> = decode_json(bytes)?;
        Ok(Self {
            account: read("account", &stored.account)?,
            path: read("path", &stored.path)?,
            name: read("name", &stored.name)?,
            id: read("id", &stored.id)?,
            created: read_time(&stored.created)?,
            tags: read_tags(&stored.tags)?,
            policies: read_policies(stored.policies)?,
            groups: read_set("group", &stored.groups)?,
            attached: read_set("attached policy", &stored.attached)?,
            boundary: read_boundary(stored.boundary.as_deref())?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredGroup<'a> {
    account: Cow<'a, str>,
    path: Cow<'a, str>,
    name: Cow<'a, str>,
    id: Cow<'a, str>,
    created: Cow<'a, str>,
    policies: StoredPolicies<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attached: StoredSet<'a>,
}

impl Document for Group {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredGroup {
            account: self.account.as_str().into(),
            path: self.path.as_str().into(),
            name: self.name.as_str().into(),
            id: self.id.as_str().into(),
            created: self.created.to_string().into(),
            policies: store_policies(&self.policies),
            attached: store_arns(&self.attached),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredGroup<'_> = decode_json(bytes)?;
        Ok(Self {
            account: read("account", &stored.account)?,
            path: read("path", &stored.path)?,
            name: read("name", &stored.name)?,
            id: read("id", &stored.id)?,
            created: read_time(&stored.created)?,
            policies: read_policies(stored.policies)?,
            attached: read_set("attached policy", &stored.attached)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRole<'a> {
    account: Cow<'a, str>,
    path: Cow<'a, str>,
    name: Cow<'a, str>,
    id: Cow<'a, str>,
    created: Cow<'a, str>,
    description: Option<Cow<'a, str>>,
    max_session_duration: u32,
    trust_policy: Cow<'a, str>,
    /// The unique ids of the principals of the trust policy, by the principals as they are written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    trusted_ids: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    tags: Vec<StoredTag<'a>>,
    policies: StoredPolicies<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attached: StoredSet<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boundary: Option<Cow<'a, str>>,
}

impl Document for Role {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredRole {
            account: self.account.as_str().into(),
            path: self.path.as_str().into(),
            name: self.name.as_str().into(),
            id: self.id.as_str().into(),
            created: self.created.to_string().into(),
            description: self.description.as_ref().map(|text| text.as_str().into()),
            max_session_duration: self.max_session_duration.seconds(),
            trust_policy: self.trust_policy.document().into(),
            trusted_ids: (self.trust_policy.bindings().iter())
                .map(|(principal, id)| (principal.into(), id.into()))
                .collect(),
            tags: store_tags(&self.tags),
            policies: store_policies(&self.policies),
            attached: store_arns(&self.attached),
            boundary: self.boundary.as_ref().map(|arn| arn.as_str().into()),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredRole<'_> = decode_json(bytes)?;
        let pair = |(principal, id): (Cow<'_, str>, Cow<'_, str>)| (principal.into(), id.into());
        let trusted_ids = stored.trusted_ids.into_iter().map(pair).collect();
        let description = stored.description.as_deref();
        Ok(Self {
            account: read("account", &stored.account)?,
            path: read("path", &stored.path)?,
            name: read("name", &stored.name)?,
            id: read("id", &stored.id)?,
            created: read_time(&stored.created)?,
            description: description
                .map(|text| read::<RoleDescription>("description", text))
                .transpose()?,
            max_session_duration: MaxSessionDuration::new(stored.max_session_duration)
                .map_err(|error| invalid("max_session_duration", &error))?,
            trust_policy: TrustPolicy::restore(stored.trust_policy.into(), trusted_ids),
            tags: read_tags(&stored.tags)?,
            policies: read_policies(stored.policies)?,
            attached: read_set("attached policy", &stored.attached)?,
            boundary: read_boundary(stored.boundary.as_deref())?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredOwner<'a> {
    Root { account: Cow<'a, str> },
    User { account: Cow<'a, str>, name: Cow<'a, str>, id: Cow<'a, str> },
    Service { name: Cow<'a, str> },
}

impl<'a> From<&'a KeyOwner> for StoredOwner<'a> {
    fn from(owner: &'a KeyOwner) -> Self {
        match owner {
            KeyOwner::Root(account) => Self::Root { account: account.as_str().into() },
            KeyOwner::User { account, name, id } => Self::User {
                account: account.as_str().into(),
                name: name.as_str().into(),
                id: id.as_str().into(),
            },
            KeyOwner::Service(name) => Self::Service { name: name.as_str().into() },
        }
    }
}

impl TryFrom<StoredOwner<'_>> for KeyOwner {
    type Error = DocumentError;

    fn try_from(stored: StoredOwner<'_>) -> Result<Self, DocumentError> {
        let account = |text: &str| read::<AccountId>("owner account", text);
        Ok(match stored {
            StoredOwner::Root { account: text } => Self::Root(account(&text)?),
            StoredOwner::User { account: text, name, id } => Self::User {
                account: account(&text)?,
                name: read("owner name", &name)?,
                id: read("owner id", &id)?,
            },
            StoredOwner::Service { name } => Self::Service(read("owner name", &name)?),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredStatus {
    Active,
    Inactive,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAccessKey<'a> {
    id: Cow<'a, str>,
    secret: Cow<'a, str>,
    owner: StoredOwner<'a>,
    status: StoredStatus,
    created: Cow<'a, str>,
}

impl Document for AccessKey {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredAccessKey {
            id: self.id.as_str().into(),
            secret: self.secret.expose().into(),
            owner: (&self.owner).into(),
            status: match self.status {
                KeyStatus::Active => StoredStatus::Active,
                KeyStatus::Inactive => StoredStatus::Inactive,
            },
            created: self.created.to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredAccessKey<'_> = decode_json(bytes)?;
        Ok(Self {
            id: read("id", &stored.id)?,
            secret: read("secret", &stored.secret)?,
            owner: stored.owner.try_into()?,
            status: match stored.status {
                StoredStatus::Active => KeyStatus::Active,
                StoredStatus::Inactive => KeyStatus::Inactive,
            },
            created: read_time(&stored.created)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLastUse<'a> {
    at: Cow<'a, str>,
    service: Cow<'a, str>,
    region: Cow<'a, str>,
}

impl Document for LastUse {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredLastUse {
            at: self.at.to_string().into(),
            service: self.service.as_ref().into(),
            region: self.region.as_ref().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredLastUse<'_> = decode_json(bytes)?;
        Ok(Self {
            at: read("at", &stored.at)?,
            service: stored.service.into(),
            region: stored.region.into(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAccountAlias<'a> {
    name: Cow<'a, str>,
    account: Cow<'a, str>,
}

impl Document for AccountAlias {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredAccountAlias {
            name: self.name.as_str().into(),
            account: self.account.as_str().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredAccountAlias<'_> = decode_json(bytes)?;
        Ok(Self { name: read("name", &stored.name)?, account: read("account", &stored.account)? })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOperatorKey<'a> {
    account: Cow<'a, str>,
    id: Cow<'a, str>,
}

impl Document for OperatorKey {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredOperatorKey {
            account: self.account.as_str().into(),
            id: self.id.as_str().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredOperatorKey<'_> = decode_json(bytes)?;
        Ok(Self { account: read("account", &stored.account)?, id: read("id", &stored.id)? })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSessionKeys<'a> {
    material: Cow<'a, str>,
}

impl Document for SessionKeys {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredSessionKeys { material: self.expose().into() })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredSessionKeys<'_> = decode_json(bytes)?;
        read("material", &stored.material)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;

    use portcullis_identity::{AccessKeyId, GroupId, RoleId, SecretAccessKey, UserId};

    use super::*;

    /// The golden bytes of a value: what it encodes to, and what decodes to it, for ever.
    #[track_caller]
    fn check_golden<T: Document + PartialEq + fmt::Debug>(value: &T, json: &str) {
        let golden = [b"\x01", json.as_bytes()].concat();
        assert_eq!(String::from_utf8(value.encode()).unwrap(), format!("\x01{json}"));
        assert_eq!(T::decode(&golden).unwrap(), *value);
    }

    #[track_caller]
    fn check_refused<T: Document + fmt::Debug>(json: &str, why: &str) {
        let bytes = [b"\x01", json.as_bytes()].concat();
        let error = T::decode(&bytes).unwrap_err().to_string();
        assert!(error.contains(why), "{json}: {error}");
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn user() -> User {
        User {
            account: "123456789012".parse().unwrap(),
            path: "/team/".parse().unwrap(),
            name: "alice".parse().unwrap(),
            id: "AIDAJQABLZS4A3QDU576Q".parse().unwrap(),
            created: at("2026-01-02T03:04:05Z"),
            tags: Tags::new(vec![Tag::new("Team", "red").unwrap()]).unwrap(),
            policies: [("p".parse().unwrap(), "{\"a\": 1}".into())].into_iter().collect(),
            attached: SmallSet::default(),
            boundary: None,
            groups: SmallSet::default(),
        }
    }

    fn group() -> Group {
        Group {
            account: user().account,
            path: user().path,
            name: "staff".parse().unwrap(),
            id: "AGPAJQABLZS4A3QDU576Q".parse().unwrap(),
            created: user().created,
            policies: user().policies,
            attached: SmallSet::default(),
        }
    }

    fn role() -> Role {
        Role {
            account: "123456789012".parse().unwrap(),
            path: "/".parse().unwrap(),
            name: "deploy".parse().unwrap(),
            id: "AROAJQABLZS4A3QDU576Q".parse().unwrap(),
            created: at("2026-01-02T03:04:05.000000006Z"),
            description: Some("What it is for".parse().unwrap()),
            max_session_duration: MaxSessionDuration::default(),
            trust_policy: TrustPolicy::restore("{}".into(), [].into_iter().collect()),
            tags: Tags::default(),
            policies: InlinePolicies::default(),
            attached: SmallSet::default(),
            boundary: None,
        }
    }

    fn access_key(owner: KeyOwner) -> AccessKey {
        AccessKey {
            id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".parse().unwrap(),
            owner,
            status: KeyStatus::Inactive,
            created: at("2026-01-02T03:04:05Z"),
        }
    }

    const USER: &str = r#"{"account":"123456789012","path":"/team/","name":"alice","id":"AIDAJQABLZS4A3QDU576Q","created":"2026-01-02T03:04:05Z","tags":[{"key":"Team","value":"red"}],"policies":{"p":"{\"a\": 1}"}}"#;
    const ROLE: &str = r#"{"account":"123456789012","path":"/","name":"deploy","id":"AROAJQABLZS4A3QDU576Q","created":"2026-01-02T03:04:05.000000006Z","description":"What it is for","max_session_duration":3600,"trust_policy":"{}","tags":[],"policies":{}}"#;
    const GROUP: &str = r#"{"account":"123456789012","path":"/team/","name":"staff","id":"AGPAJQABLZS4A3QDU576Q","created":"2026-01-02T03:04:05Z","policies":{"p":"{\"a\": 1}"}}"#;
    const ROOT_KEY: &str = r#"{"id":"AKIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","owner":{"root":{"account":"123456789012"}},"status":"inactive","created":"2026-01-02T03:04:05Z"}"#;
    const SERVICE: &str = r#"{"service":{"name":"s3.amazonaws.com"}}"#;
    const USER_OWNER: &str =
        r#"{"user":{"account":"123456789012","name":"alice","id":"AIDAJQABLZS4A3QDU576Q"}}"#;
    const ROOT_OWNER: &str = r#"{"root":{"account":"123456789012"}}"#;

    #[test]
    fn stored_forms_stay_as_they_are() {
        let account = user().account;
        let created = user().created;
        check_golden(
            &Account { id: account, created },
            r#"{"id":"123456789012","created":"2026-01-02T03:04:05Z"}"#,
        );
        check_golden(&user(), USER);
        let member = User { groups: [group().id].into_iter().collect(), ..user() };
        check_golden(&member, &USER.replace("}}", r#"},"groups":["AGPAJQABLZS4A3QDU576Q"]}"#));
        check_golden(&group(), GROUP);
        let arn: PolicyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap();
        let attached: SmallSet<_> = [arn.clone()].into_iter().collect();
        let stored = r#","attached":["arn:aws:iam::aws:policy/ReadOnlyAccess"]"#;
        let bounded = r#","boundary":"arn:aws:iam::aws:policy/ReadOnlyAccess""#;
        let with = |json: &str, more: &str| format!("{}{more}}}", json.strip_suffix('}').unwrap());
        check_golden(&Group { attached: attached.clone(), ..group() }, &with(GROUP, stored));
        let capped = User { attached: attached.clone(), boundary: Some(arn.clone()), ..user() };
        check_golden(&capped, &with(USER, &format!("{stored}{bounded}")));
        let capped = Role { attached, boundary: Some(arn), ..role() };
        check_golden(&capped, &with(ROLE, &format!("{stored}{bounded}")));
        check_golden(&role(), ROLE);
        let bound = ("arn:aws:iam::123456789012:user/u".into(), "AIDAJQABLZS4A3QDU576Q".into());
        let trust_policy = TrustPolicy::restore("{}".into(), [bound].into_iter().collect());
        let ids = r#""trust_policy":"{}","trusted_ids":{"arn:aws:iam::123456789012:user/u":"AIDAJQABLZS4A3QDU576Q"}"#;
        let with_ids = ROLE.replace(r#""trust_policy":"{}""#, ids);
        check_golden(&Role { trust_policy, ..role() }, &with_ids);
        check_golden(&access_key(KeyOwner::Root(account)), ROOT_KEY);
        let service = KeyOwner::Service("s3.amazonaws.com".parse().unwrap());
        check_golden(&access_key(service), &ROOT_KEY.replace(ROOT_OWNER, SERVICE));
        let owner = KeyOwner::User { account, name: user().name, id: user().id };
        check_golden(&access_key(owner), &ROOT_KEY.replace(ROOT_OWNER, USER_OWNER));
        let alias = AccountAlias { name: "our-company".parse().unwrap(), account };
        check_golden(&alias, r#"{"name":"our-company","account":"123456789012"}"#);
        check_golden(
            &LastUse::new(created, "lambda", "us-east-1"),
            r#"{"at":"2026-01-02T03:04:00Z","service":"lambda","region":"us-east-1"}"#,
        );
        check_golden(
            &OperatorKey { account, id: access_key(KeyOwner::Root(account)).id },
            r#"{"account":"123456789012","id":"AKIAIOSFODNN7EXAMPLE"}"#,
        );
        check_golden(
            &SessionKeys::from_material([7; 32]),
            r#"{"material":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}"#,
        );
    }

    #[test]
    fn bytes_that_are_no_document_are_refused() {
        assert!(matches!(User::decode(b""), Err(DocumentError::Empty)));
        assert!(matches!(User::decode(b"\x02{}"), Err(DocumentError::Format(2))));
        assert!(matches!(User::decode(b"{}"), Err(DocumentError::Format(b'{'))));
        assert!(matches!(User::decode(b"\x01"), Err(DocumentError::Json(_))));
        assert!(matches!(User::decode(b"\x01\xff"), Err(DocumentError::Json(_))));
    }

    #[test]
    #[rustfmt::skip]
    fn a_document_with_an_invalid_member_is_refused_by_its_name() {
        check_refused::<Account>(r#"{"id":"12","created":"2026-01-02T03:04:05Z"}"#, "invalid id");
        check_refused::<Account>(r#"{"id":"123456789012","created":"then"}"#, "invalid created");
        check_refused::<Account>(r#"{"id":"123456789012"}"#,                  "missing field `created`");
        check_refused::<Account>(r#"{"id":"1","created":"1","more":1}"#,      "unknown field `more`");
        check_refused::<User>(&USER.replace("/team/", "team"),                "invalid path");
        check_refused::<User>(&USER.replace("alice", "al ice"),               "invalid name");
        check_refused::<User>(&USER.replace("AIDA", "AROA"),                  "invalid id");
        check_refused::<User>(&USER.replace(r#""Team""#, r#""""#),            "invalid tag");
        check_refused::<User>(&USER.replace(r#"{"p":"#, r#"{"p p":"#),        "invalid policy name");
        check_refused::<Group>(&GROUP.replace("AGPA", "AIDA"),               "invalid id");
        check_refused::<Role>(&ROLE.replace("3600", "3599"),                  "invalid max_session_duration");
        check_refused::<Role>(&ROLE.replace("What", "\\u0001"),               "invalid description");
        check_refused::<AccessKey>(&ROOT_KEY.replace("inactive", "lost"),     "unknown variant `lost`");
        check_refused::<AccessKey>(&ROOT_KEY.replace("123456789012", "1"),    "invalid owner account");
        check_refused::<AccessKey>(&ROOT_KEY.replace("AKIA", "-"),            "invalid id");
        check_refused::<AccessKey>(&ROOT_KEY.replace(ROOT_OWNER, &SERVICE.replace("s3.", "")), "invalid owner name");
        check_refused::<SessionKeys>(r#"{"material":"AAAA"}"#,                "invalid material");
    }

    #[test]
    fn an_error_does_not_repeat_a_stored_secret() {
        let damaged = ROOT_KEY.replace("EXAMPLEKEY", "EXAMPLE KEY");
        let error = AccessKey::decode(format!("\x01{damaged}").as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("wJalr"), "{error}");
        let error = SessionKeys::decode(b"\x01{\"material\":\"c2VjcmV0\"}").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("c2Vj"), "{error}");
    }

    fn parsed<T>(pattern: &str) -> impl Strategy<Value = T> + use<T>
    where
        T: FromStr<Err: fmt::Debug> + fmt::Debug,
    {
        proptest::string::string_regex(pattern).unwrap().prop_map(|text| text.parse().unwrap())
    }

    fn any_time() -> impl Strategy<Value = Timestamp> {
        (0i64..4_102_444_800, 0i32..1_000_000_000)
            .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap())
    }

    fn any_tags() -> impl Strategy<Value = Tags> {
        btree_map("[a-z0-9 _.:/=+@-]{2,20}", "[A-Za-z0-9é _.:/=+@-]{0,20}", 0..5).prop_map(|map| {
            let legal = |(key, _): &(&String, &String)| !key.starts_with("aws:");
            let tags = map.iter().filter(legal).map(|(key, value)| Tag::new(key, value).unwrap());
            Tags::new(tags.collect()).unwrap()
        })
    }

    fn any_policies() -> impl Strategy<Value = InlinePolicies> {
        vec((parsed("[A-Za-z0-9_+=,.@-]{1,128}"), ".{0,60}"), 0..4).prop_map(|policies| {
            policies.into_iter().map(|(name, text)| (name, text.into_boxed_str())).collect()
        })
    }

    fn any_user() -> impl Strategy<Value = User> {
        let names = (
            parsed("[0-9]{12}"),
            parsed("(/[A-Za-z0-9:_.-]{1,12}){0,3}/"),
            parsed("[A-Za-z0-9_+=,.@-]{1,64}"),
        );
        let rest = (any::<[u8; 17]>(), any_time(), any_tags(), any_policies());
        (names, rest).prop_map(|((account, path, name), (id, created, tags, policies))| User {
            account,
            path,
            name,
            id: UserId::from_random(id),
            created,
            tags,
            policies,
            attached: SmallSet::default(),
            boundary: None,
            groups: SmallSet::default(),
        })
    }

    fn any_group() -> impl Strategy<Value = Group> {
        any_user().prop_map(|like| Group {
            account: like.account,
            path: like.path,
            name: like.name.as_str().parse().unwrap(),
            id: GroupId::from_random([7; 17]),
            created: like.created,
            policies: like.policies,
            attached: SmallSet::default(),
        })
    }

    fn any_role() -> impl Strategy<Value = Role> {
        let own = (parsed("[A-Za-z0-9_+=,.@-]{1,64}"), option::of(parsed("[ -~é\n\t]{0,50}")));
        let bound = option::of(("[ -~é]{0,9}", "[A-Z2-7]{21}"));
        let bound = bound.prop_map(|pair| pair.map(|(text, id)| (text.into(), id.into())));
        (any_user(), own, 3_600u32..=43_200, ".{0,60}", bound).prop_map(
            |(like, (name, description), seconds, trust_policy, bound)| Role {
                account: like.account,
                path: like.path,
                name,
                id: RoleId::from_random([3; 17]),
                created: like.created,
                description,
                max_session_duration: MaxSessionDuration::new(seconds).unwrap(),
                trust_policy: TrustPolicy::restore(
                    trust_policy.into(),
                    bound.into_iter().collect(),
                ),
                tags: like.tags,
                policies: like.policies,
                attached: SmallSet::default(),
                boundary: None,
            },
        )
    }

    fn any_owner() -> impl Strategy<Value = KeyOwner> {
        prop_oneof![
            parsed("[0-9]{12}").prop_map(KeyOwner::Root),
            any_user().prop_map(|user| KeyOwner::User {
                account: user.account,
                name: user.name,
                id: user.id
            }),
            parsed("[a-z0-9-]{1,20}\\.amazonaws\\.com").prop_map(KeyOwner::Service),
        ]
    }

    fn any_access_key() -> impl Strategy<Value = AccessKey> {
        (any::<[u8; 16]>(), any::<[u8; 30]>(), any_owner(), any::<bool>(), any_time()).prop_map(
            |(id, secret, owner, active, created)| AccessKey {
                id: AccessKeyId::long_term(id),
                secret: SecretAccessKey::from_random(secret),
                owner,
                status: if active { KeyStatus::Active } else { KeyStatus::Inactive },
                created,
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_to_itself(
            user in any_user(),
            group in any_group(),
            role in any_role(),
            key in any_access_key(),
            material: [u8; 32],
        ) {
            let account = Account { id: user.account, created: user.created };
            prop_assert_eq!(Account::decode(&account.encode()).unwrap(), account);
            prop_assert_eq!(User::decode(&user.encode()).unwrap(), user);
            prop_assert_eq!(Group::decode(&group.encode()).unwrap(), group);
            prop_assert_eq!(Role::decode(&role.encode()).unwrap(), role);
            prop_assert_eq!(AccessKey::decode(&key.encode()).unwrap(), key);
            let keys = SessionKeys::from_material(material);
            prop_assert_eq!(SessionKeys::decode(&keys.encode()).unwrap(), keys);
        }

        #[test]
        fn no_bytes_make_decoding_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = (Account::decode(&bytes).is_ok(), User::decode(&bytes).is_ok());
            let _ = Group::decode(&bytes).is_ok();
            let _ = (Role::decode(&bytes).is_ok(), AccessKey::decode(&bytes).is_ok());
            let _ = SessionKeys::decode(&bytes).is_ok();
        }
    }
}
