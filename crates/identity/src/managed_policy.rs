//! Managed policies: documents of their own, in up to five versions, that are attached by ARN.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use jiff::Timestamp;
use portcullis_iam::{DocumentKind, SizeLimit};

use crate::arn::Partition;
use crate::error::{IdentityError, InvalidValue};
use crate::ids::{AccountId, PolicyId};
use crate::names::{Path, PolicyName};
use crate::policies::{check_document, counted_characters};
use crate::tags::{Tagged, Tags};

/// Longest managed policy, in characters that count. Source: iam.md §2.4.
pub const MANAGED_POLICY_CHARACTERS_MAX: usize = SizeLimit::ManagedPolicy.max();

/// Most versions of one managed policy. Source: IAM quotas.
pub const POLICY_VERSIONS_MAX: usize = 5;

/// Whose a managed policy is. `Display` is the fifth field of its ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyOwner {
    /// AWS's own, the same in every account; nobody changes it.
    Aws,
    /// An account's.
    Account(AccountId),
}

impl fmt::Display for PolicyOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws => f.write_str("aws"),
            Self::Account(account) => account.fmt(f),
        }
    }
}

/// Names a managed policy: `arn:PARTITION:iam::OWNER:policy/PATH/NAME`. The policy need not exist.
///
/// Invariant: the owner is 12 digits or `aws`; path and name are legal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyArn(Box<str>);

impl PolicyArn {
    /// The ARN of the policy `name`.
    #[must_use]
    pub fn new(partition: Partition, owner: PolicyOwner, path: &Path, name: &PolicyName) -> Self {
        Self(format!("arn:{partition}:iam::{owner}:policy{path}{name}").into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose policy it is.
    #[must_use]
    pub fn owner(&self) -> PolicyOwner {
        let owner = self.0.split(':').nth(4).and_then(|owner| owner.parse().ok());
        owner.map_or(PolicyOwner::Aws, PolicyOwner::Account)
    }

    /// The policy's name, behind the last slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path_and_name().1
    }

    /// The policy's path, which begins and ends with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_name().0
    }

    fn path_and_name(&self) -> (&str, &str) {
        let after_type = self.0.find('/').and_then(|slash| self.0.get(slash..)).unwrap_or("/");
        after_type.split_at(after_type.rfind('/').map_or(0, |last| last + 1))
    }

    /// Its place in lists: `OWNER/name` in lower case; customers' before AWS's.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.owner(), self.name().to_ascii_lowercase())
    }
}

impl FromStr for PolicyArn {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let legal = || {
            let ["arn", partition, "iam", "", owner, resource] =
                *text.splitn(6, ':').collect::<Vec<_>>()
            else {
                return None;
            };
            let owner = owner == "aws" || owner.parse::<AccountId>().is_ok();
            let path_and_name = resource.strip_prefix("policy")?;
            let (path, name) = path_and_name.split_at_checked(path_and_name.rfind('/')? + 1)?;
            path.parse::<Path>().ok()?;
            name.parse::<PolicyName>().ok()?;
            (owner && partition.starts_with("aws")).then(|| Self(text.into()))
        };
        legal().ok_or_else(|| IdentityError::InvalidPolicyArn(text.into()))
    }
}

impl fmt::Display for PolicyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a version of a managed policy: `v1`, `v2` … A number is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyVersionId(NonZeroU32);

impl PolicyVersionId {
    /// The first.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl FromStr for PolicyVersionId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let number = text.strip_prefix('v').filter(|number| !number.starts_with(['+', '0']));
        let number = number.and_then(|number| number.parse().ok()).map(Self);
        number.ok_or_else(|| {
            let rule = "Member must satisfy regular expression pattern: \
                        v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?";
            InvalidValue::constraint("versionId", text, rule)
        })
    }
}

impl fmt::Display for PolicyVersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// One version of a managed policy: immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its number.
    pub id: PolicyVersionId,
    /// The text that was given; it parsed as an identity-based policy.
    pub document: Box<str>,
    /// When it was made.
    pub created: Timestamp,
}

/// A managed policy without its documents: those are in its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Whose it is.
    pub owner: PolicyOwner,
    /// The path in its ARN.
    pub path: Path,
    /// Unique among its owner's but for case; see [`PolicyName::folded`].
    pub name: PolicyName,
    /// Never used again.
    pub id: PolicyId,
    /// When it was made.
    pub created: Timestamp,
    /// When its latest version was made.
    pub updated: Timestamp,
    /// What it is for; cannot be changed.
    pub description: Option<Box<str>>,
    /// Its tags.
    pub tags: Tags,
    /// The version that is in force wherever the policy is attached.
    pub default_version: PolicyVersionId,
    /// The highest version that it ever had.
    pub latest_version: PolicyVersionId,
}

impl ManagedPolicy {
    /// `arn:aws:iam::OWNER:policy/PATH/NAME`.
    #[must_use]
    pub fn arn(&self, partition: Partition) -> PolicyArn {
        PolicyArn::new(partition, self.owner, &self.path, &self.name)
    }
}

impl Tagged for ManagedPolicy {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

/// What `CreatePolicy` asks for.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    /// The path in its ARN; `/` when none was given.
    pub path: Path,
    /// Its name.
    pub name: PolicyName,
    /// The text of its first version.
    pub document: Box<str>,
    /// What it is for.
    pub description: Option<Box<str>>,
    /// Its tags.
    pub tags: Tags,
}

/// Makes a policy of `account`. `taken`: whether the account has one of the same folded name.
///
/// # Errors
/// [`IdentityError::PolicyExists`], [`IdentityError::QuotaExceeded`],
/// [`IdentityError::MalformedPolicyDocument`].
pub fn create_policy(
    account: AccountId,
    taken: bool,
    new: NewPolicy,
    id: PolicyId,
    now: Timestamp,
) -> Result<(ManagedPolicy, PolicyVersion), IdentityError> {
    let NewPolicy { path, name, document, description, tags } = new;
    check_managed_document(&document)?;
    if taken {
        return Err(IdentityError::PolicyExists(name));
    }
    let first = PolicyVersionId::FIRST;
    let policy = ManagedPolicy {
        owner: PolicyOwner::Account(account),
        path,
        name,
        id,
        created: now,
        updated: now,
        description,
        tags,
        default_version: first,
        latest_version: first,
    };
    Ok((policy, PolicyVersion { id: first, document, created: now }))
}

fn check_managed_document(document: &str) -> Result<(), IdentityError> {
    if counted_characters(document) > MANAGED_POLICY_CHARACTERS_MAX {
        let (quota, limit) = ("PolicySize", MANAGED_POLICY_CHARACTERS_MAX);
        return Err(IdentityError::QuotaExceeded { quota, limit });
    }
    check_document(DocumentKind::Identity, document)
}

/// `policy`, which has `versions` of them, with one more; in force at once if it is the default.
///
/// # Errors
/// [`IdentityError::PolicyVersionsExceeded`], [`IdentityError::QuotaExceeded`],
/// [`IdentityError::MalformedPolicyDocument`].
pub fn create_policy_version(
    policy: &ManagedPolicy,
    versions: usize,
    document: &str,
    as_default: bool,
    now: Timestamp,
) -> Result<(ManagedPolicy, PolicyVersion), IdentityError> {
    check_managed_document(document)?;
    if versions >= POLICY_VERSIONS_MAX {
        return Err(IdentityError::PolicyVersionsExceeded);
    }
    let id = policy.latest_version.next();
    let default_version = if as_default { id } else { policy.default_version };
    let changed =
        ManagedPolicy { latest_version: id, default_version, updated: now, ..policy.clone() };
    Ok((changed, PolicyVersion { id, document: document.into(), created: now }))
}

/// `policy` with an existing version in force.
#[must_use]
pub fn set_default_policy_version(policy: &ManagedPolicy, id: PolicyVersionId) -> ManagedPolicy {
    ManagedPolicy { default_version: id, ..policy.clone() }
}

/// Whether the version `id` of `policy`, which exists, may go.
///
/// # Errors
/// [`IdentityError::DefaultVersion`].
pub fn delete_policy_version(
    policy: &ManagedPolicy,
    id: PolicyVersionId,
) -> Result<(), IdentityError> {
    if id == policy.default_version { Err(IdentityError::DefaultVersion) } else { Ok(()) }
}

/// Whether a policy that has `versions` and is attached, or somebody's boundary, `uses` times may go.
///
/// # Errors
/// [`IdentityError::PolicyAttached`], then [`IdentityError::PolicyVersionsRemain`].
pub fn delete_policy(versions: usize, uses: usize) -> Result<(), IdentityError> {
    if uses > 0 {
        return Err(IdentityError::PolicyAttached);
    }
    if versions > 1 { Err(IdentityError::PolicyVersionsRemain) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{ALLOW, account, now};

    fn new() -> NewPolicy {
        NewPolicy {
            path: "/team/".parse().unwrap(),
            name: "Readers".parse().unwrap(),
            document: ALLOW.into(),
            description: Some("What it is for".into()),
            tags: Tags::default(),
        }
    }

    fn create(new: NewPolicy) -> Result<(ManagedPolicy, PolicyVersion), IdentityError> {
        create_policy(account(), false, new, PolicyId::from_random([5; 17]), now())
    }

    fn policy() -> ManagedPolicy {
        create(new()).unwrap().0
    }

    #[track_caller]
    fn check<T: fmt::Debug>(result: Result<T, IdentityError>, code: &str, text: &str) {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }

    #[test]
    fn a_policy_is_made_once_with_its_first_version_in_force() {
        let (made, version) = create(new()).unwrap();
        let arn = made.arn(Partition::Aws);
        assert_eq!(arn.as_str(), "arn:aws:iam::123456789012:policy/team/Readers");
        assert_eq!((version.id.to_string().as_str(), &*version.document), ("v1", ALLOW));
        assert_eq!((made.default_version, made.latest_version), (version.id, version.id));
        let again = create_policy(account(), true, new(), made.id, now());
        let text = "A policy called Readers already exists. Duplicate names are not allowed.";
        check(again, "EntityAlreadyExists", text);
    }

    #[test]
    fn a_document_has_its_limit_without_white_space() {
        let sized = |characters: usize| {
            let padding = "x".repeat(characters - counted_characters(ALLOW));
            ALLOW.replace("s3:Get*", &format!("s3:Get*{padding}")).into()
        };
        let text = "Cannot exceed quota for PolicySize: 6144";
        check(create(NewPolicy { document: sized(6_145), ..new() }), "LimitExceeded", text);
        let spaced = sized(6_144).replace(',', " ,\n").into();
        assert!(create(NewPolicy { document: spaced, ..new() }).is_ok());
        let version = create_policy_version(&policy(), 1, &sized(6_145), true, now());
        check(version, "LimitExceeded", text);
        for document in ["", "{}", crate::samples::TRUST] {
            let error = create(NewPolicy { document: document.into(), ..new() }).unwrap_err();
            assert_eq!(error.code(), "MalformedPolicyDocument", "{document}: {error}");
        }
    }

    #[test]
    fn versions_count_up_to_five_and_the_default_one_stays() {
        let (second, version) = create_policy_version(&policy(), 1, ALLOW, false, now()).unwrap();
        assert_eq!(
            (version.id.to_string(), second.default_version.to_string()),
            ("v2".into(), "v1".into())
        );
        let (third, version) = create_policy_version(&second, 1, ALLOW, true, now()).unwrap();
        assert_eq!((version.id, third.default_version), (third.latest_version, version.id));
        assert_eq!(version.id.to_string(), "v3", "a number is not used again");
        let full = create_policy_version(&third, 5, ALLOW, true, now());
        let text = "A managed policy can have up to 5 versions. Before you create a new version, you \
                    must delete an existing version.";
        check(full, "LimitExceeded", text);
        let text = "Cannot delete the default version of a policy.";
        check(delete_policy_version(&third, version.id), "DeleteConflict", text);
        assert_eq!(delete_policy_version(&third, PolicyVersionId::FIRST), Ok(()));
        let back = set_default_policy_version(&third, PolicyVersionId::FIRST);
        assert_eq!(delete_policy_version(&back, version.id), Ok(()));
    }

    #[test]
    fn a_policy_goes_when_nobody_has_it_and_one_version_is_left() {
        check(
            delete_policy(2, 1),
            "DeleteConflict",
            "Cannot delete a policy attached to entities.",
        );
        let text = "This policy has more than one version. Before you delete a policy, you must \
                    delete the policy's versions. The default version is deleted with the policy.";
        check(delete_policy(2, 0), "DeleteConflict", text);
        assert_eq!(delete_policy(1, 0), Ok(()));
    }

    #[track_caller]
    fn check_arn(text: &str, want: Option<(&str, &str, &str)>) {
        let arn = text.parse::<PolicyArn>();
        let parts = arn.as_ref().ok().map(|arn| (arn.owner().to_string(), arn.path(), arn.name()));
        let parts = parts.as_ref().map(|(owner, path, name)| (owner.as_str(), *path, *name));
        assert_eq!(parts, want, "{text}");
        if let Err(error) = &arn {
            assert_eq!(
                (error.code(), error.to_string()),
                ("InvalidInput", format!("ARN {text} is not valid."))
            );
        }
    }

    #[test]
    #[rustfmt::skip]
    fn an_arn_has_its_form_or_is_refused() {
        check_arn("arn:aws:iam::123456789012:policy/team/a/Readers", Some(("123456789012", "/team/a/", "Readers")));
        check_arn("arn:aws:iam::aws:policy/service-role/AWSLambdaRole", Some(("aws", "/service-role/", "AWSLambdaRole")));
        check_arn("arn:aws-cn:iam::aws:policy/ReadOnlyAccess", Some(("aws", "/", "ReadOnlyAccess")));
        check_arn("arn:aws:iam::123456789012:policy/a:b/c", Some(("123456789012", "/a:b/", "c")));
        check_arn("arn:aws:iam::123456789012:role/Readers", None);
        check_arn("arn:aws:iam::123456789012:policyReaders", None);
        check_arn("arn:aws:iam::123456789012:policy//Readers", None);
        check_arn("arn:aws:iam::123456789012:policy/", None);
        check_arn("arn:aws:iam::12345678901:policy/Readers", None);
        check_arn("arn:aws:iam:us-east-1:aws:policy/Readers", None);
        check_arn("arn:x:iam::aws:policy/Readers", None);
        check_arn("Readers", None);
    }

    #[test]
    fn a_version_id_is_v_and_a_number() {
        let legal = ["v1", "v42", "v0", "v01", "1", "v", "v+1", "v4294967296"]
            .map(|text| text.parse::<PolicyVersionId>().is_ok());
        assert_eq!(legal, [true, true, false, false, false, false, false, false]);
    }
}
