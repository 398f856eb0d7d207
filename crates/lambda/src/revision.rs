//! Revision ids, and the fresh values that a rule may not make up itself.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::InvalidValue;

/// Identifies one state of a function, version, alias or policy, for optimistic concurrency.
///
/// Source: `[snap] aws-lambda.md §1.9, §6.4`: a uuid, new at each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionId(Uuid);

impl RevisionId {
    /// Makes a revision of a uuid that nobody used before.
    #[must_use]
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Whether the caller's text is this revision, in its one form (lower case, hyphens).
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut buffer = Uuid::encode_buffer();
        *self.0.hyphenated().encode_lower(&mut buffer) == *text
    }
}

impl FromStr for RevisionId {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("revision id", text, "a uuid");
        Uuid::parse_str(text).map(Self).map_err(|_| refusal())
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// What a change needs and a pure rule cannot make: the time, and a revision nobody used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The time of the change.
    pub now: Timestamp,
    /// The revision of the changed value.
    pub revision: RevisionId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_matches_its_own_text_only() {
        let revision = RevisionId::new(Uuid::from_u128(0xABCD));
        assert!(revision.matches("00000000-0000-0000-0000-00000000abcd"));
        for other in [
            "",
            "wrong",
            "00000000-0000-0000-0000-00000000ABCD",
            "0000000000000000000000000000abcd",
        ] {
            assert!(!revision.matches(other), "{other}");
        }
        assert_eq!(revision.to_string().parse(), Ok(revision));
        assert!("wrong".parse::<RevisionId>().is_err());
    }
}
