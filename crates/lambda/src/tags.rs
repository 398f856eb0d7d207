//! Tags of a function.

use std::collections::{BTreeMap, BTreeSet};

use crate::{InvalidParameter, LambdaError, Target};

/// Most tags that a function may have (`[snap] aws-lambda.md §6.7`).
pub const TAGS_MAX: usize = 50;

/// The tags of a function, by key, in the order of the keys.
///
/// Invariant: at most [`TAGS_MAX`]; keys of 1 to 128 characters that do not begin with `aws:` in
/// any case; values of at most 256 characters; no two keys that differ only by case. The last is our
/// own: condition keys ignore case, so that such a pair would give `aws:ResourceTag/KEY` two values,
/// and a Deny on it would never hold (iam.md §5.1, §5.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Checks the tags of a request.
    ///
    /// # Errors
    /// [`InvalidParameter::TooManyTags`], [`InvalidParameter::ReservedTagKey`],
    /// [`InvalidParameter::TagLength`], [`InvalidParameter::AmbiguousTagKey`].
    pub fn new(tags: BTreeMap<String, String>) -> Result<Self, LambdaError> {
        if tags.len() > TAGS_MAX {
            return Err(InvalidParameter::TooManyTags.into());
        }
        tags.iter().try_for_each(|(key, value)| check_tag(key, value))?;
        let mut seen = BTreeSet::new();
        if !tags.keys().all(|key| seen.insert(key.to_lowercase())) {
            return Err(InvalidParameter::AmbiguousTagKey.into());
        }
        Ok(Self(tags))
    }

    /// These tags with `added` over them.
    fn with(&self, added: &Self) -> Result<Self, LambdaError> {
        let mut tags = self.0.clone();
        tags.extend(added.0.clone());
        Self::new(tags)
    }

    /// `TagResource`: these tags with `added` over them.
    ///
    /// # Errors
    /// [`InvalidParameter::EmptyTags`] for an empty map, and those of [`Tags::new`].
    pub fn adding(&self, added: BTreeMap<String, String>) -> Result<Self, LambdaError> {
        if added.is_empty() {
            return Err(InvalidParameter::EmptyTags.into());
        }
        self.with(&Self::new(added)?)
    }

    /// These tags without `keys`; unknown keys are fine.
    #[must_use]
    pub fn without(&self, keys: &[String]) -> Self {
        let kept = self.0.iter().filter(|(key, _)| !keys.contains(key));
        Self(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// The tags, in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses the ARN of a version, an alias or `$LATEST`: only functions have tags.
    ///
    /// # Errors
    /// [`InvalidParameter::QualifiedTags`].
    pub fn check_target(target: &Target) -> Result<(), LambdaError> {
        match target.qualifier {
            None => Ok(()),
            Some(_) => Err(InvalidParameter::QualifiedTags.into()),
        }
    }
}

/// The rules of one tag.
fn check_tag(key: &str, value: &str) -> Result<(), LambdaError> {
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(InvalidParameter::ReservedTagKey.into());
    }
    if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
        return Err(InvalidParameter::TagLength.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize) -> BTreeMap<String, String> {
        (0..count).map(|n| (format!("key{n:03}"), "value".into())).collect()
    }

    #[track_caller]
    fn check(key: &str, value: &str, refusal: Option<InvalidParameter>) {
        let got = Tags::new(BTreeMap::from([(key.into(), value.into())]));
        assert_eq!(got.err(), refusal.map(Into::into), "{key}={value}");
    }

    #[test]
    fn a_tag_has_bounds_and_no_reserved_prefix() {
        check("stage", "", None);
        check("aw", "aws:fine", None);
        check("ключ", "значение", None);
        check(&"k".repeat(128), &"v".repeat(256), None);
        check("aws:created", "x", Some(InvalidParameter::ReservedTagKey));
        check("AWS:created", "x", Some(InvalidParameter::ReservedTagKey));
        check("", "x", Some(InvalidParameter::TagLength));
        check(&"k".repeat(129), "x", Some(InvalidParameter::TagLength));
        check("k", &"v".repeat(257), Some(InvalidParameter::TagLength));
    }

    #[test]
    fn a_function_has_at_most_50_tags_also_in_steps() {
        assert_eq!(Tags::new(numbered(51)), Err(InvalidParameter::TooManyTags.into()));
        let full = Tags::new(numbered(50)).unwrap();
        assert_eq!(full.with(&full), Ok(full.clone()), "the same keys again");
        let one = Tags::new(BTreeMap::from([("other".into(), String::new())])).unwrap();
        assert_eq!(full.with(&one), Err(InvalidParameter::TooManyTags.into()));
    }

    #[test]
    fn no_two_keys_differ_only_by_case_also_in_steps() {
        let tags = |keys: &[&str]| {
            Tags::new(keys.iter().map(|key| ((*key).to_owned(), "v".to_owned())).collect())
        };
        let refused = InvalidParameter::AmbiguousTagKey;
        assert_eq!(tags(&["team", "Team"]), Err(refused.clone().into()));
        assert_eq!(tags(&["größe", "GRÖßE"]), Err(refused.clone().into()));
        let old = tags(&["team"]).unwrap();
        assert_eq!(old.with(&tags(&["TEAM"]).unwrap()), Err(refused.into()));
        assert_eq!(old.with(&old), Ok(old.clone()), "a new value for the same key");
    }

    #[test]
    fn removing_unknown_keys_changes_nothing() {
        let tags = Tags::new(numbered(2)).unwrap();
        assert_eq!(tags.without(&["nothing".into()]), tags);
        assert_eq!(
            tags.without(&["key000".into()]).iter().collect::<Vec<_>>(),
            [("key001", "value")]
        );
    }
}
