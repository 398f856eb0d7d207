//! What a role's session is marked with for good: session tags and a source identity. The next role
//! that the session becomes inherits some of it. Source: IAM user guide, "Pass session tags in AWS
//! STS", "Monitor and control actions taken with assumed roles".

use crate::caller::Caller;
use crate::error::{IdentityError, InvalidValue};
use crate::names::SourceIdentity;
use crate::tags::{Tag, Tags};

/// Most bytes of session tags, keys and values: what AWS's packed limit comes to here, where nothing
/// is packed.
pub const SESSION_TAG_BYTES_MAX: usize = 2_048;

/// The tags of a session, and which of them the next session in a chain inherits.
///
/// Invariant: every transitive key is that of a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTags {
    tags: Tags,
    transitive: Vec<Box<str>>,
}

impl SessionTags {
    /// # Errors
    /// [`IdentityError::TransitiveKeyMissing`] for a transitive key that no tag has.
    pub fn new(
        tags: Tags,
        transitive: impl IntoIterator<Item = Box<str>>,
    ) -> Result<Self, IdentityError> {
        let transitive: Vec<Box<str>> = transitive.into_iter().collect();
        if transitive.iter().any(|key| tags.value(key).is_none()) {
            return Err(IdentityError::TransitiveKeyMissing);
        }
        Ok(Self { tags, transitive })
    }

    /// All of them.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The keys of those that are inherited, as they were given.
    pub fn transitive(&self) -> impl Iterator<Item = &str> {
        self.transitive.iter().map(AsRef::as_ref)
    }

    fn inherited(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(|tag| self.transitive.iter().any(|key| tag.has_key(key)))
    }

    /// These, with what they inherit from the session that asks for them.
    fn after(self, earlier: &Self) -> Result<Self, IdentityError> {
        if earlier.inherited().any(|tag| self.tags.value(tag.key()).is_some()) {
            return Err(IdentityError::TransitiveKeyConflict);
        }
        let inherited: Vec<&Tag> = earlier.inherited().collect();
        let keys = inherited.iter().map(|tag| tag.key().into());
        let transitive = self.transitive.iter().cloned().chain(keys).collect();
        let tags = self.tags.iter().chain(inherited).cloned().collect();
        Ok(Self { tags: Tags::new(tags)?, transitive })
    }

    fn bytes(&self) -> usize {
        self.tags.iter().map(|tag| tag.key().len() + tag.value().len()).sum()
    }
}

/// What a session is marked with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionMarks {
    /// Its tags: `aws:PrincipalTag/…`, before those of its role.
    pub tags: SessionTags,
    /// Who it is for, in the words of whoever began the chain: `aws:SourceIdentity`.
    pub source_identity: Option<SourceIdentity>,
}

impl SessionMarks {
    /// The marks of the session that `caller` asks for with these: with what it inherits.
    ///
    /// # Errors
    /// [`IdentityError::TransitiveKeyConflict`] for a tag that is inherited; another source identity
    /// than the caller's own, which stays, in words of ours; [`IdentityError::TagsExceeded`].
    pub fn asked_by(self, caller: &Caller) -> Result<Self, IdentityError> {
        let Caller::RoleSession { session, .. } = caller else { return Ok(self) };
        let earlier = &session.claims().marks;
        let source_identity = match (self.source_identity, &earlier.source_identity) {
            (Some(asked), Some(kept)) if asked != *kept => {
                let text = format!("The source identity of the calling session, {kept}, stays.");
                return Err(InvalidValue::new(text).into());
            }
            (asked, kept) => asked.or_else(|| kept.clone()),
        };
        Ok(Self { tags: self.tags.after(&earlier.tags)?, source_identity })
    }

    /// How much of their limit the tags take, in percent.
    #[must_use]
    pub fn percent_of_limit(&self) -> usize {
        self.tags.bytes().saturating_mul(100).div_ceil(SESSION_TAG_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)], transitive: &[&str]) -> Result<SessionTags, IdentityError> {
        let tags = pairs.iter().map(|(key, value)| Tag::new(key, value).unwrap()).collect();
        SessionTags::new(Tags::new(tags)?, transitive.iter().map(|key| (*key).into()))
    }

    #[track_caller]
    fn check(earlier: &SessionTags, next: &[(&str, &str)], want: Result<&[(&str, &str)], &str>) {
        let after = tags(next, &[]).unwrap().after(earlier);
        let got = after
            .as_ref()
            .map(|tags| tags.tags.iter().map(|tag| (tag.key(), tag.value())).collect::<Vec<_>>());
        assert_eq!(got.map_err(IdentityError::code), want.map(<[_]>::to_vec), "{next:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn what_is_transitive_is_inherited_and_cannot_be_replaced() {
        let earlier = tags(&[("Team", "red"), ("Cost", "1"), ("Own", "x")], &["team", "Cost"]).unwrap();
        check(&earlier, &[],                Ok(&[("Team", "red"), ("Cost", "1")]));
        check(&earlier, &[("Own", "y")],    Ok(&[("Own", "y"), ("Team", "red"), ("Cost", "1")]));
        check(&earlier, &[("TEAM", "red")], Err("InvalidParameterValue"));
        let third = tags(&[], &[]).unwrap().after(&earlier).unwrap();
        check(&third,   &[],                Ok(&[("Team", "red"), ("Cost", "1")]));
    }

    #[test]
    fn a_transitive_key_is_that_of_a_tag() {
        assert!(tags(&[("Team", "red")], &["TEAM"]).is_ok());
        let error = tags(&[("Team", "red")], &["Cost"]).unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValue");
    }
}
