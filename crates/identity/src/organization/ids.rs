//! The ids and names of Organizations, as its API reference writes them.

use std::fmt;
use std::str::FromStr;

use crate::error::InvalidValue;
use crate::ids::AccountId;

/// The characters of the ids that are made here: five random bits each, all legal in every id.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// One character for the low five bits of each byte.
fn characters(random: &[u8]) -> String {
    let character = |byte: &u8| {
        #[expect(clippy::indexing_slicing, reason = "five bits index 32 characters")]
        char::from(ALPHABET[usize::from(byte & 31)])
    };
    random.iter().map(character).collect()
}

fn is_base36(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Whether `text` is `prefix`, then characters of base 36, as many as given.
fn is_id(text: &str, prefix: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| length.contains(&rest.len()) && is_base36(rest))
}

/// A text with a form.
macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Box<str>);

        impl $type {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let legal: fn(&str) -> bool = $legal;
                let what = stringify!($type);
                let invalid = || InvalidValue::new(format!("{text:?} is not a valid {what}."));
                legal(text).then(|| Self(text.into())).ok_or_else(invalid)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// An organization: `o-` and 10 to 32 characters of base 36.
    OrganizationId, |text| is_id(text, "o-", 10..=32)
}

text! {
    /// The root of an organization: `r-` and 4 to 32 characters of base 36.
    RootId, |text| is_id(text, "r-", 4..=32)
}

text! {
    /// An organizational unit: `ou-`, the characters of its root's id, `-`, and 8 to 32 of its own.
    OrganizationalUnitId, |text| {
        let parts = text.strip_prefix("ou-").and_then(|rest| rest.split_once('-'));
        parts.is_some_and(|(root, own)| is_id(root, "", 4..=32) && is_id(own, "", 8..=32))
    }
}

text! {
    /// A request for an account: `car-` and 8 to 32 characters of base 36.
    CreateAccountRequestId, |text| is_id(text, "car-", 8..=32)
}

text! {
    /// A policy of an organization: `p-` and 8 to 128 letters, digits and underscores.
    OrganizationPolicyId, |text| text.strip_prefix("p-").is_some_and(|rest| {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (8..=128).contains(&rest.len()) && rest.bytes().all(legal)
    })
}

text! {
    /// What an account is called: 1..=50 printable ASCII characters.
    AccountName, |text| {
        (1..=50).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    }
}

text! {
    /// The address of an account's root user: 6..=64 characters, one `@`, no white space, a dot in
    /// the domain.
    Email, |text| {
        let parts = text.split_once('@');
        let is_whole = |local: &str, domain: &str| {
            let inner = domain.trim_matches('.');
            !local.is_empty() && !domain.contains('@') && inner.contains('.')
        };
        (6..=64).contains(&text.chars().count())
            && !text.contains(char::is_whitespace)
            && parts.is_some_and(|(local, domain)| is_whole(local, domain))
    }
}

text! {
    /// What an organizational unit is called: 1..=128 characters.
    OrganizationalUnitName, |text| (1..=128).contains(&text.chars().count())
}

text! {
    /// What a policy is called: 1..=128 characters.
    OrganizationPolicyName, |text| (1..=128).contains(&text.chars().count())
}

text! {
    /// What a policy is for: at most 512 characters.
    PolicyDescription, |text| text.chars().count() <= 512
}

impl OrganizationId {
    /// The id that these random bytes make; the low five bits of each count.
    #[must_use]
    pub fn from_random(random: [u8; 10]) -> Self {
        Self(format!("o-{}", characters(&random)).into())
    }
}

impl RootId {
    /// The id that these random bytes make; the low five bits of each count.
    #[must_use]
    pub fn from_random(random: [u8; 4]) -> Self {
        Self(format!("r-{}", characters(&random)).into())
    }
}

impl OrganizationalUnitId {
    /// The id of a unit below `root` that these random bytes make.
    #[must_use]
    pub fn from_random(root: &RootId, random: [u8; 8]) -> Self {
        let root = root.as_str().strip_prefix("r-").unwrap_or_default();
        Self(format!("ou-{root}-{}", characters(&random)).into())
    }
}

impl OrganizationPolicyId {
    /// The id that these random bytes make; the low five bits of each count.
    #[must_use]
    pub fn from_random(random: [u8; 8]) -> Self {
        Self(format!("p-{}", characters(&random)).into())
    }
}

impl CreateAccountRequestId {
    /// The id that these random bytes make.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(format!("car-{}", characters(&random)).into())
    }
}

impl AccountId {
    /// The number that these random bytes make; it does not begin with a zero.
    #[must_use]
    pub fn from_random(random: [u8; 8]) -> Self {
        let number = 100_000_000_000 + u64::from_be_bytes(random) % 900_000_000_000;
        #[expect(clippy::expect_used, reason = "a number from 10¹¹ to below 10¹² has 12 digits")]
        number.to_string().parse().expect("12 digits")
    }
}

/// What is named by one of several kinds of id; the kinds tell themselves apart.
macro_rules! one_of {
    ($(#[$doc:meta])* $type:ident: $($(#[$of:meta])* $variant:ident($id:ident) $kind:literal),*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$of])* $variant($id),)*
        }

        impl $type {
            /// What its ARN calls it.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }
        }

        impl FromStr for $type {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                $(if let Ok(id) = text.parse() {
                    return Ok(Self::$variant(id));
                })*
                Err(InvalidValue::new(format!("{text:?} is not a valid id.")))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(id) => id.fmt(f),)*
                }
            }
        }
    };
}

one_of! {
    /// What has children: the root or an organizational unit.
    ContainerId:
    /// The root.
    Root(RootId) "root",
    /// An organizational unit.
    Unit(OrganizationalUnitId) "ou"
}

one_of! {
    /// What has a parent: an organizational unit or an account.
    ChildId:
    /// An organizational unit.
    Unit(OrganizationalUnitId) "ou",
    /// An account.
    Account(AccountId) "account"
}

one_of! {
    /// What policies are attached to: the root, an organizational unit or an account.
    TargetId:
    /// The root.
    Root(RootId) "root",
    /// An organizational unit.
    Unit(OrganizationalUnitId) "ou",
    /// An account.
    Account(AccountId) "account"
}

one_of! {
    /// What has tags: the root, an organizational unit, an account or a policy.
    TaggableId:
    /// The root.
    Root(RootId) "root",
    /// An organizational unit.
    Unit(OrganizationalUnitId) "ou",
    /// An account.
    Account(AccountId) "account",
    /// A policy.
    Policy(OrganizationPolicyId) "policy"
}

impl From<TargetId> for TaggableId {
    fn from(target: TargetId) -> Self {
        match target {
            TargetId::Root(id) => Self::Root(id),
            TargetId::Unit(id) => Self::Unit(id),
            TargetId::Account(id) => Self::Account(id),
        }
    }
}

impl From<ContainerId> for TargetId {
    fn from(container: ContainerId) -> Self {
        match container {
            ContainerId::Root(id) => Self::Root(id),
            ContainerId::Unit(id) => Self::Unit(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check<T: FromStr>(legal: bool, text: &str) {
        assert_eq!(text.parse::<T>().is_ok(), legal, "{text:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn an_id_or_name_has_its_form_or_is_refused() {
        check::<OrganizationId>(true,  "o-a1b2c3d4e5");
        check::<OrganizationId>(false, "o-a1b2c3d4e");
        check::<OrganizationId>(false, "o-A1B2C3D4E5");
        check::<RootId>(true,  "r-ab12");
        check::<RootId>(false, "r-ab1");
        check::<OrganizationalUnitId>(true,  "ou-ab12-11111111");
        check::<OrganizationalUnitId>(false, "ou-ab12-1111111");
        check::<OrganizationalUnitId>(false, "ou-ab12");
        check::<OrganizationPolicyId>(true,  "p-FullAWSAccess");
        check::<OrganizationPolicyId>(false, "p-short");
        check::<OrganizationPolicyId>(false, "p-with/slash12");
        check::<CreateAccountRequestId>(true,  "car-12345678");
        check::<CreateAccountRequestId>(false, "car-1234567");
        check::<Email>(true,  "a@b.cd");
        check::<Email>(false, "a@bc.d ");
        check::<Email>(false, "a@b@c.d");
        check::<Email>(false, "abcdef");
        check::<Email>(false, "ab@cd.");
        check::<Email>(false, "@bcd.ef");
        check::<AccountName>(true,  "Our tests");
        check::<AccountName>(false, "");
        check::<AccountName>(false, "Ärger");
        check::<OrganizationalUnitName>(true,  "Ärger");
        check::<OrganizationalUnitName>(false, "");
        check::<ContainerId>(true,  "ou-ab12-11111111");
        check::<ContainerId>(false, "123456789012");
        check::<ChildId>(true,  "123456789012");
        check::<ChildId>(false, "r-ab12");
    }

    proptest! {
        #[test]
        fn a_made_id_parses_as_itself(a: [u8; 10], b: [u8; 4], c: [u8; 8], d: [u8; 32]) {
            let root = RootId::from_random(b);
            prop_assert_eq!(root.as_str().parse(), Ok(root.clone()));
            let organization = OrganizationId::from_random(a);
            prop_assert_eq!(organization.as_str().parse(), Ok(organization.clone()));
            let unit = OrganizationalUnitId::from_random(&root, c);
            prop_assert_eq!(unit.as_str().parse(), Ok(unit.clone()));
            let request = CreateAccountRequestId::from_random(d);
            prop_assert_eq!(request.as_str().parse(), Ok(request.clone()));
            let policy = OrganizationPolicyId::from_random(c);
            prop_assert_eq!(policy.as_str().parse(), Ok(policy.clone()));
            prop_assert!(!AccountId::from_random(c).as_str().starts_with('0'));
        }
    }
}
