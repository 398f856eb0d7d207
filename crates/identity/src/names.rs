//! Names that people choose: users, groups, roles, policies, sessions, and the paths before them.

use std::fmt;
use std::str::FromStr;

use crate::error::InvalidValue;

/// `[\w+=,.@-]`, where `\w` is ASCII as everywhere in IAM.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

/// Checks one name; IAM speaks of characters in its own words, of lengths in the API model's.
fn check_name(member: &str, min: usize, max: usize, text: &str) -> Result<(), InvalidValue> {
    if !text.bytes().all(is_name_byte) {
        return Err(InvalidValue::new(format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric \
             characters and/or the following: +=,.@_-"
        )));
    }
    if text.len() < min {
        let rule = format!("Member must have length greater than or equal to {min}");
        return Err(InvalidValue::constraint(member, text, &rule));
    }
    if text.len() > max {
        let rule = format!("Member must have length less than or equal to {max}");
        return Err(InvalidValue::constraint(member, text, &rule));
    }
    Ok(())
}

/// The common form of a validated text.
macro_rules! text_type {
    ($type:ident) => {
        impl $type {
            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// A name type: its member in messages, its least and greatest length.
macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $member:literal, $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Box<str>);

        text_type!($type);

        impl FromStr for $type {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                check_name($member, $min, $max, text)?;
                Ok(Self(text.into()))
            }
        }
    };
}

name_type! {
    /// Names a user within its account: 1..=64 of `[\w+=,.@-]`.
    UserName, "userName", 1..=64
}

name_type! {
    /// Names a group within its account: 1..=128 of `[\w+=,.@-]`.
    GroupName, "groupName", 1..=128
}

name_type! {
    /// Names a role within its account: 1..=64 of `[\w+=,.@-]`.
    RoleName, "roleName", 1..=64
}

name_type! {
    /// Names an inline policy within its user, group or role, where case counts, or a managed one
    /// within its account: 1..=128 of `[\w+=,.@-]`.
    PolicyName, "policyName", 1..=128
}

name_type! {
    /// Names a session of a role: 2..=64 of `[\w+=,.@-]`; not unique.
    SessionName, "roleSessionName", 2..=64
}

name_type! {
    /// For whom a session of a role is: 2..=64 of `[\w+=,.@-]`. Source: STS model,
    /// `sourceIdentityType`.
    SourceIdentity, "sourceIdentity", 2..=64
}

impl SessionName {
    /// The name of the sessions that a function runs as: the function's. One of a single character
    /// is too short for a session; it is called `lambda-F`, our own choice.
    ///
    /// # Errors
    /// [`InvalidValue`] for what no function is called.
    pub fn of_function(function: &str) -> Result<Self, InvalidValue> {
        function.parse().or_else(|_| format!("lambda-{function}").parse())
    }
}

name_type! {
    /// Names a federated user: 2..=32 of `[\w+=,.@-]`; not unique. Source: STS model, `userNameType`.
    FederatedUserName, "name", 2..=32
}

/// Names an account beside its number, in every account of the partition: 3..=63 of lower-case
/// letters, digits and single hyphens, none at either end. Source: IAM model, `accountAliasType`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountAliasName(Box<str>);

text_type!(AccountAliasName);

impl FromStr for AccountAliasName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let hyphens = text.starts_with('-') || text.ends_with('-') || text.contains("--");
        if (3..=63).contains(&text.len()) && text.bytes().all(legal) && !hyphens {
            return Ok(Self(text.into()));
        }
        let rule = "Member must satisfy regular expression pattern: \
                    ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$";
        Err(InvalidValue::constraint("accountAlias", text, rule))
    }
}

/// Uniqueness ignores case; ARNs and look-ups do not.
macro_rules! case_insensitive {
    ($type:ident) => {
        impl $type {
            /// The form under which names that differ only by case are one: a storage key.
            ///
            /// Source: IAM user guide, "Names are not distinguished by case."
            #[must_use]
            pub fn folded(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }
    };
}

case_insensitive!(UserName);
case_insensitive!(GroupName);
case_insensitive!(PolicyName);
case_insensitive!(RoleName);

/// The folder-like part of an ARN before the name: `/`, or `/…/`.
///
/// Invariant: 1..=512 of `!`..=`~`, beginning and ending with `/`, no empty part, and nothing that
/// the policy language would read as a wildcard or a variable (`*`, `?`, `${`): such an ARN could
/// not be named in a policy. Source: IAM model, `pathType`, which has only the first two rules; the
/// live service refuses more, by the text of its error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Box<str>);

text_type!(Path);

impl Default for Path {
    /// `/`, the path of everything that was made without one.
    fn default() -> Self {
        Self("/".into())
    }
}

impl FromStr for Path {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.len() > 512 {
            let rule = "Member must have length less than or equal to 512";
            return Err(InvalidValue::constraint("path", text, rule));
        }
        if text == "/" || is_framed(text) {
            return Ok(Self(text.into()));
        }
        Err(InvalidValue::new(
            "The specified value for path is invalid. It must begin and end with / and contain \
             only alphanumeric characters and/or / characters.",
        ))
    }
}

/// One part or more, each between slashes.
fn is_framed(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_graphic() && byte != b'*' && byte != b'?';
    let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let parts = |inner: &str| inner.split('/').all(|part| !part.is_empty());
    text.bytes().all(legal) && !text.contains("${") && inner.is_some_and(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr<Err = InvalidValue> + fmt::Debug>(text: &str, want: Result<(), &str>) {
        let got = text.parse::<T>().map(drop).map_err(|error| error.to_string());
        assert_eq!(got, want.map_err(str::to_owned), "{text:?}");
    }

    const CHARACTERS: &str = "The specified value for userName is invalid. It must contain only \
                              alphanumeric characters and/or the following: +=,.@_-";
    const PATH: &str = "The specified value for path is invalid. It must begin and end with / and \
                        contain only alphanumeric characters and/or / characters.";

    #[test]
    #[rustfmt::skip]
    fn a_name_has_its_characters_and_length_or_is_refused() {
        check::<UserName>("alice",              Ok(()));
        check::<UserName>("A.b_c+d=e,f@g-9",    Ok(()));
        check::<UserName>(&"a".repeat(64),      Ok(()));
        check::<UserName>("a/b",                Err(CHARACTERS));
        check::<UserName>("a b",                Err(CHARACTERS));
        check::<UserName>("a<b>&",              Err(CHARACTERS));
        check::<UserName>("élan",               Err(CHARACTERS));
        check::<UserName>("a\n",                Err(CHARACTERS));
        check::<UserName>("", Err("1 validation error detected: Value '' at 'userName' failed to satisfy constraint: Member must have length greater than or equal to 1"));
        check::<RoleName>(&"r".repeat(64),      Ok(()));
        check::<PolicyName>(&"p".repeat(128),   Ok(()));
        check::<SessionName>("ab",              Ok(()));
        check::<SessionName>("a", Err("1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"));
        assert!("a".repeat(65).parse::<UserName>().is_err());
        assert!("a".repeat(129).parse::<PolicyName>().is_err());
        assert!("a".repeat(65).parse::<SessionName>().is_err());
    }

    #[test]
    #[rustfmt::skip]
    fn a_path_is_parts_between_slashes() {
        check::<Path>("/",                      Ok(()));
        check::<Path>("/division/team-a/",      Ok(()));
        check::<Path>("",                       Err(PATH));
        check::<Path>("//",                     Err(PATH));
        check::<Path>("a/",                     Err(PATH));
        check::<Path>("/a",                     Err(PATH));
        check::<Path>("/a b/",                  Err(PATH));
        check::<Path>("//a/",                   Err(PATH));
        check::<Path>("/a//b/",                 Err(PATH));
        check::<Path>("/a*/",                   Err(PATH));
        check::<Path>("/${a}/",                 Err(PATH));
        check::<Path>("/{a}$:-/",               Ok(()));
        check::<Path>("/é/",                    Err(PATH));
        check::<Path>(&format!("/{}/", "a".repeat(510)), Ok(()));
        assert!(format!("/{}/", "a".repeat(511)).parse::<Path>().is_err());
    }

    #[test]
    fn an_alias_is_lower_case_without_double_hyphens() {
        let long = "a".repeat(63);
        let legal = ["abc", "a-1", &long, "ab", "-ab", "ab-", "a--b", "aBc", "a_b"];
        let legal = legal.map(|text| text.parse::<AccountAliasName>().is_ok());
        assert_eq!(legal, [true, true, true, false, false, false, false, false, false]);
        assert!("a".repeat(64).parse::<AccountAliasName>().is_err());
    }

    #[test]
    fn names_that_differ_only_by_case_fold_to_one() {
        let [left, right] = ["Alice", "aLICE"].map(|name| name.parse::<UserName>().unwrap());
        assert_ne!(left, right);
        assert_eq!(left.folded(), right.folded());
    }
}
