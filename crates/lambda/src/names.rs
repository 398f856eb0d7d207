//! The names that the Lambda API takes: accounts, functions, aliases, versions, statements.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::InvalidValue;

/// Whether every byte is one of `[a-zA-Z0-9-_]`.
pub(crate) fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether the text is one or more ASCII digits.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A newtype over a shared text, with its rule as the one way in.
macro_rules! text_type {
    ($(#[$doc:meta])* $vis:vis $name:ident, $what:literal, $rule:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(std::sync::Arc<str>);

        impl $name {
            /// The text.
            #[must_use]
            $vis fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidValue;
            fn from_str(text: &str) -> Result<Self, $crate::InvalidValue> {
                let legal: fn(&str) -> bool = $legal;
                if legal(text) { Ok(Self(text.into())) } else { Err($crate::InvalidValue::new($what, text, $rule)) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_type;

text_type! {
    /// An AWS account: exactly 12 ASCII digits.
    ///
    /// Source: `[model]` pattern `\d{12}`.
    pub AccountId, "account id", "12 digits", |text| text.len() == 12 && is_digits(text)
}

text_type! {
    /// The name of a function that can exist: 1 to 64 of `[a-zA-Z0-9-_]`.
    ///
    /// Source: `[doc][snap] aws-lambda.md §4.1, §4.3`. Longer names pass the shape check of most
    /// operations and are then simply not found; see [`FunctionArn`](crate::FunctionArn).
    pub FunctionName, "function name", "1 to 64 of [a-zA-Z0-9-_]",
    |text| (1..=64).contains(&text.len()) && is_word(text)
}

text_type! {
    /// The name of an alias: 1 to 128 of `[a-zA-Z0-9-_]`, not digits alone.
    ///
    /// Source: `[snap] aws-lambda.md §6.6`, pattern `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`.
    pub AliasName, "alias name", "1 to 128 of [a-zA-Z0-9-_], not digits alone",
    |text| (1..=128).contains(&text.len()) && is_word(text) && !is_digits(text)
}

text_type! {
    /// Names one statement of a resource policy, unique within it: 1 to 100 of `[a-zA-Z0-9-_]`.
    ///
    /// Source: `[model][snap] aws-lambda.md §1.2`.
    pub StatementId, "statement id", "1 to 100 of [a-zA-Z0-9-_]",
    |text| (1..=100).contains(&text.len()) && is_word(text)
}

/// The number of a published version: 1 and up, never reused within a function.
///
/// Source: `[snap] aws-lambda.md §6.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionNumber(NonZeroU64);

impl VersionNumber {
    /// The first version of every function.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The version with this number, if it is at least 1.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number itself, at least 1.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The number that the next published version gets. Saturates, out of any real reach.
    #[must_use]
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl FromStr for VersionNumber {
    type Err = InvalidValue;

    /// Reads the canonical form only: no sign, no leading zero, so that one version has one ARN.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let number = (is_digits(text) && !text.starts_with('0')).then(|| text.parse().ok());
        let refusal = || InvalidValue::new("version number", text, "digits, from 1, no leading 0");
        number.flatten().and_then(Self::new).ok_or_else(refusal)
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr>(text: &str, legal: bool) {
        assert_eq!(text.parse::<T>().is_ok(), legal, "{text:?}");
    }

    #[test]
    fn account_ids_are_twelve_digits() {
        check::<AccountId>("123456789012", true);
        for bad in
            ["", "12345678901", "1234567890123", "12345678901x", "１23456789012", " 23456789012"]
        {
            check::<AccountId>(bad, false);
        }
    }

    #[test]
    fn function_names_are_words_of_at_most_64() {
        check::<FunctionName>("my-function_1", true);
        check::<FunctionName>(&"a".repeat(64), true);
        check::<FunctionName>(&"a".repeat(65), false);
        for bad in ["", "a.b", "a b", "a:b", "ä", "a\n"] {
            check::<FunctionName>(bad, false);
        }
    }

    #[test]
    fn alias_names_are_not_digits_alone() {
        check::<AliasName>("2024-01-02", true);
        check::<AliasName>("v1", true);
        check::<AliasName>(&"a".repeat(128), true);
        check::<AliasName>(&"a".repeat(129), false);
        for bad in ["", "42", "0", "$LATEST", "a.b"] {
            check::<AliasName>(bad, false);
        }
    }

    #[test]
    fn statement_ids_are_words_of_at_most_100() {
        check::<StatementId>(&"a".repeat(100), true);
        for bad in ["", "example.com", &"a".repeat(101)] {
            check::<StatementId>(bad, false);
        }
    }

    #[test]
    fn one_version_has_one_text() {
        check::<VersionNumber>("1", true);
        check::<VersionNumber>("18446744073709551615", true);
        for bad in ["0", "01", "+1", "-1", "", "18446744073709551616", "1 "] {
            check::<VersionNumber>(bad, false);
        }
    }
}
