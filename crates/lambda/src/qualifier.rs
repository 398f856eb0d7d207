//! Which version of a function is meant.

use std::fmt;

use crate::names::is_digits;
use crate::{AliasName, VersionNumber};

/// What follows the function in `name:qualifier`, or the `Qualifier` parameter.
///
/// Source: `[doc][snap] aws-lambda.md §4.4`: all digits is a version, `$LATEST` (this case only)
/// the unpublished one, everything else an alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qualifier {
    /// `$LATEST`.
    Latest,
    /// A published version.
    Version(VersionNumber),
    /// An alias.
    Alias(AliasName),
    /// A legal text that nothing can have: `$latest`, `$LATEST.PUBLISHED`, or digits that no
    /// version has (`0`, `007`, more than 64 bits). Never found.
    Unresolvable(Box<str>),
}

impl Qualifier {
    /// Classifies a qualifier. Total: a text that nothing can have is `Unresolvable`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == "$LATEST" {
            return Self::Latest;
        }
        if let Ok(version) = text.parse() {
            return Self::Version(version);
        }
        text.parse().map_or_else(|_| Self::Unresolvable(text.into()), Self::Alias)
    }

    /// Whether AWS reads it as a version number, one that can exist or not.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        match self {
            Self::Version(_) => true,
            Self::Unresolvable(text) => is_digits(text),
            Self::Latest | Self::Alias(_) => false,
        }
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("$LATEST"),
            Self::Version(version) => version.fmt(f),
            Self::Alias(alias) => alias.fmt(f),
            Self::Unresolvable(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: &str, numeric: bool) {
        let qualifier = Qualifier::parse(text);
        let got = match qualifier {
            Qualifier::Latest => "latest",
            Qualifier::Version(_) => "version",
            Qualifier::Alias(_) => "alias",
            Qualifier::Unresolvable(_) => "unresolvable",
        };
        assert_eq!((got, qualifier.is_numeric()), (kind, numeric), "{text}");
        assert_eq!(qualifier.to_string(), text, "the text is kept");
    }

    #[test]
    #[rustfmt::skip]
    fn digits_are_versions_and_other_names_are_aliases() {
        check("$LATEST",              "latest",       false);
        check("1",                    "version",      true);
        check("42",                   "version",      true);
        check("prod",                 "alias",        false);
        check("2024-01-02",           "alias",        false);
        check("LATEST",               "alias",        false);
        check("$latest",              "unresolvable", false);
        check("$LATEST.PUBLISHED",    "unresolvable", false);
        check("valid-with-$",         "unresolvable", false);
        check("0",                    "unresolvable", true);
        check("007",                  "unresolvable", true);
        check(&"9".repeat(128),       "unresolvable", true);
    }
}
