//! Identifiers and secrets: account ids, unique ids, access key ids, secret keys.
//!
//! The random ones are made from bytes that come in as arguments; see [`crate::generate`].

use std::fmt;
use std::str::{self, FromStr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smallvec::SmallVec;
use subtle::ConstantTimeEq as _;

use crate::error::InvalidValue;

/// The 32 characters of AWS's random ids (RFC 4648 base32): five random bits a character.
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Random bytes in a unique id: 17 characters, 85 bits.
pub(crate) const UNIQUE_ID_RANDOM_BYTES: usize = 17;
/// Random bytes in an access key id: 16 characters, 80 bits.
pub(crate) const ACCESS_KEY_ID_RANDOM_BYTES: usize = 16;
/// Random bytes in a secret: 40 characters of base64, 240 bits.
pub(crate) const SECRET_RANDOM_BYTES: usize = 30;

/// `prefix`, then one character for the low five bits of each byte of `random`.
fn random_id<const N: usize>(prefix: &str, random: &[u8]) -> Ascii<N> {
    let tail = random.iter().map(|byte| {
        #[expect(clippy::indexing_slicing, reason = "five bits index 32 characters")]
        ID_ALPHABET[usize::from(byte & 31)]
    });
    let mut id = [b'A'; N];
    for (place, byte) in id.iter_mut().zip(prefix.bytes().chain(tail)) {
        *place = byte;
    }
    Ascii(id)
}

/// `N` ASCII characters held in place, so that ids are copied and compared without a heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Ascii<const N: usize>([u8; N]);

impl<const N: usize> Ascii<N> {
    /// `text` if it has exactly `N` bytes, all of them `legal` ASCII characters.
    fn parse(text: &str, legal: fn(u8) -> bool) -> Option<Self> {
        let bytes: [u8; N] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|byte| byte.is_ascii() && legal(*byte)).then_some(Self(bytes))
    }

    fn as_str(&self) -> &str {
        #[expect(clippy::expect_used, reason = "every constructor admits ASCII only")]
        str::from_utf8(&self.0).expect("ASCII is UTF-8")
    }
}

/// The text forms of an id that wraps [`Ascii`].
macro_rules! ascii_text {
    ($type:ident) => {
        impl $type {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($type)).field(&self.as_str()).finish()
            }
        }
    };
}

/// An AWS account: 12 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Ascii<12>);

ascii_text!(AccountId);

impl FromStr for AccountId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let invalid = || InvalidValue::new(format!("The account ID {text:?} is not 12 digits."));
        Ascii::parse(text, |byte| byte.is_ascii_digit()).map(Self).ok_or_else(invalid)
    }
}

impl AccountId {
    /// The digits as a number: under 10¹².
    fn number(self) -> u64 {
        self.as_str().bytes().fold(0, |all, digit| all * 10 + u64::from(digit & 15))
    }
}

/// The unique id types: a fixed prefix and 17 random characters of `[A-Z2-7]`; 21 characters.
macro_rules! unique_id {
    ($(#[$doc:meta])* $type:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Ascii<21>);

        ascii_text!($type);

        impl $type {
            /// The id that these random bytes make; the low five bits of each byte count.
            #[must_use]
            pub fn from_random(random: [u8; UNIQUE_ID_RANDOM_BYTES]) -> Self {
                Self(random_id($prefix, &random))
            }
        }

        impl FromStr for $type {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let id = Ascii::parse(text, |byte| ID_ALPHABET.contains(&byte));
                id.filter(|_| text.starts_with($prefix)).map(Self).ok_or_else(|| {
                    InvalidValue::new(format!("{text:?} is not a unique id of the form {}…", $prefix))
                })
            }
        }
    };
}

unique_id! {
    /// The unique id of a user, `AIDA…`: never used again, so that a new user of the same name is
    /// not taken for the old one. Source: iam.md §4.1, §9.1.
    UserId, "AIDA"
}

unique_id! {
    /// The unique id of a group, `AGPA…`: never used again, so that a new group of the same name has
    /// none of the old one's members.
    GroupId, "AGPA"
}

unique_id! {
    /// The unique id of a managed policy, `ANPA…`: never used again.
    PolicyId, "ANPA"
}

unique_id! {
    /// The unique id of a role, `AROA…`: never used again, so that a new role of the same name is
    /// not taken for the old one. Source: iam.md §4.1, §9.1.
    RoleId, "AROA"
}

/// Prefix of the ids of temporary credentials.
const TEMPORARY_PREFIX: &str = "ASIA";

/// Length of the ids that we make, in bytes: those are copied without allocating.
const USUAL_KEY_ID_BYTES: usize = 20;

/// Names an access key: `AKIA…` for long-term keys that we made, `ASIA…` for sessions.
///
/// Invariant: 1..=128 of `[A-Za-z0-9_]`. The pattern is that of the IAM model, `accessKeyIdType`;
/// the minimum is not, so that the root key that an operator gives may be a short one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessKeyId(SmallVec<[u8; USUAL_KEY_ID_BYTES]>);

impl AccessKeyId {
    /// The long-term id, 20 characters, that these random bytes make.
    #[must_use]
    pub fn long_term(random: [u8; ACCESS_KEY_ID_RANDOM_BYTES]) -> Self {
        Self(random_id::<USUAL_KEY_ID_BYTES>("AKIA", &random).as_str().as_bytes().into())
    }

    /// The id of a session of `account`, 20 characters: the account's number in 40 bits after a
    /// leading one, as in AWS's ids, then 39 bits of `random`. Who only knows the id can so tell
    /// the account; the id proves nothing.
    #[must_use]
    pub fn temporary(account: AccountId, random: [u8; ACCESS_KEY_ID_RANDOM_BYTES]) -> Self {
        let random = random.iter().fold(0, |all: u128, byte| (all << 5) | u128::from(byte & 31));
        let id = (1 << 79) | (u128::from(account.number()) << 39) | (random & ((1 << 39) - 1));
        let place = |place: u32| u8::try_from((id >> (75 - 5 * place)) & 31).unwrap_or(0);
        let characters: Vec<u8> = (0..16).map(place).collect();
        let id = random_id::<USUAL_KEY_ID_BYTES>(TEMPORARY_PREFIX, &characters);
        Self(id.as_str().as_bytes().into())
    }

    /// The account that a session's id tells; `None` for ids of other forms.
    #[must_use]
    pub fn account_of_temporary(&self) -> Option<AccountId> {
        let characters =
            self.as_str().strip_prefix(TEMPORARY_PREFIX).filter(|rest| rest.len() == 16)?;
        let value = |byte: u8| ID_ALPHABET.iter().position(|known| *known == byte);
        let id = characters
            .bytes()
            .try_fold(0, |all: u128, byte| Some((all << 5) | u128::try_from(value(byte)?).ok()?))?;
        format!("{:012}", (id >> 39) & ((1 << 40) - 1)).parse().ok()
    }

    /// Whether this id belongs to a session: it is nowhere stored, and comes with a session token.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.0.starts_with(TEMPORARY_PREFIX.as_bytes())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default() // It is ASCII.
    }
}

impl FromStr for AccessKeyId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if (1..=128).contains(&text.len()) && text.bytes().all(legal) {
            return Ok(Self(text.as_bytes().into()));
        }
        Err(InvalidValue::new("The specified value for accessKeyId is invalid."))
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The secret half of an access key. Never shown by `Debug`; compared in constant time.
///
/// Invariant: 1..=128 visible ASCII characters; 40 when made by us.
#[derive(Clone)]
pub struct SecretAccessKey(Box<str>);

impl SecretAccessKey {
    /// The secret, 40 characters, that these random bytes make.
    #[must_use]
    pub fn from_random(random: [u8; SECRET_RANDOM_BYTES]) -> Self {
        Self(STANDARD.encode(random).into())
    }

    /// The secret itself: for signing, for storing, and for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretAccessKey {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue`] outside the invariant; its text does not repeat the secret.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.into()));
        }
        Err(InvalidValue::new("A secret access key has 1 to 128 visible ASCII characters."))
    }
}

impl PartialEq for SecretAccessKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretAccessKey {}

impl fmt::Debug for SecretAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretAccessKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check<T: FromStr + fmt::Debug>(legal: bool, text: &str) {
        let parsed = text.parse::<T>();
        assert_eq!(parsed.is_ok(), legal, "{text:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn an_id_has_its_form_or_is_refused() {
        check::<AccountId>(true,  "123456789012");
        check::<AccountId>(true,  "000000000000");
        check::<AccountId>(false, "12345678901");
        check::<AccountId>(false, "1234567890123");
        check::<AccountId>(false, "12345678901a");
        check::<AccountId>(false, "١٢٣٤٥٦");
        check::<UserId>(true,     "AIDAJQABLZS4A3QDU576Q");
        check::<UserId>(false,    "AROAJQABLZS4A3QDU576Q");
        check::<UserId>(false,    "AIDAJQABLZS4A3QDU5761");
        check::<UserId>(false,    "AIDAJQABLZS4A3QDU576");
        check::<RoleId>(true,     "AROAJQABLZS4A3QDU576Q");
        check::<RoleId>(false,    "AIDAJQABLZS4A3QDU576Q");
        check::<AccessKeyId>(true,  "AKIAIOSFODNN7EXAMPLE");
        check::<AccessKeyId>(true,  "lower_case_is_ok");
        check::<AccessKeyId>(true,  "test");
        check::<AccessKeyId>(false, "");
        check::<AccessKeyId>(false, "AKIAIOSFODNN7EXAM-LE");
        check::<AccessKeyId>(false, &"A".repeat(129));
        check::<SecretAccessKey>(true,  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        check::<SecretAccessKey>(true,  "test");
        check::<SecretAccessKey>(false, "");
        check::<SecretAccessKey>(false, "has a blank inside it, sadly");
    }

    #[test]
    fn a_secret_is_in_no_debug_output_and_no_error() {
        let secret = SecretAccessKey::from_random([7; SECRET_RANDOM_BYTES]);
        assert_eq!(format!("{secret:?}"), "SecretAccessKey(…)");
        let error = "s3cr3t text".parse::<SecretAccessKey>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    }

    proptest! {
        #[test]
        fn a_made_id_parses_as_itself(unique: [u8; 17], key: [u8; 16]) {
            let user = UserId::from_random(unique);
            prop_assert_eq!(user.as_str().parse::<UserId>().unwrap(), user);
            let role = RoleId::from_random(unique);
            prop_assert_eq!(role.as_str().parse::<RoleId>().unwrap(), role);
            let (long, short) = (AccessKeyId::long_term(key), AccessKeyId::temporary(crate::samples::account(), key));
            prop_assert_eq!((long.as_str().len(), short.as_str().len()), (20, 20));
            prop_assert!(long.as_str().starts_with("AKIA") && !long.is_temporary());
            prop_assert!(short.is_temporary());
            prop_assert_eq!(short.account_of_temporary(), Some(crate::samples::account()));
            prop_assert_eq!(long.account_of_temporary(), None);
            prop_assert_eq!(long.as_str().parse::<AccessKeyId>().unwrap(), long);
        }

        #[test]
        fn a_made_secret_has_forty_characters_and_parses_as_itself(random: [u8; 30]) {
            let secret = SecretAccessKey::from_random(random);
            prop_assert_eq!(secret.expose().len(), 40);
            prop_assert_eq!(secret.expose().parse::<SecretAccessKey>().unwrap(), secret);
        }

        #[test]
        fn every_random_bit_that_counts_shows(
            left in proptest::array::uniform17(0u8..32),
            right in proptest::array::uniform17(0u8..32),
        ) {
            let same = UserId::from_random(left) == UserId::from_random(right);
            prop_assert_eq!(same, left == right);
        }
    }
}
