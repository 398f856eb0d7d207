//! Tags on users, roles and managed policies.

use crate::error::{IdentityError, InvalidValue};

/// Most tags that one user, role or policy may have. Source: IAM quotas.
const TAGS_MAX: usize = 50;

/// One tag. Invariant: key of 1..=128, value of 0..=256 characters of letters, digits, blanks and
/// `_.:/=+-@`; the key does not begin with `aws:`. Source: IAM model, `tagKeyType`, `tagValueType`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    key: Box<str>,
    value: Box<str>,
}

impl Tag {
    /// # Errors
    /// [`InvalidValue`] outside the invariant.
    pub fn new(key: &str, value: &str) -> Result<Self, InvalidValue> {
        check_text("tagKey", key, 1, 128)?;
        check_text("tagValue", value, 0, 256)?;
        if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(InvalidValue::new("Tag keys beginning with aws: are reserved."));
        }
        Ok(Self { key: key.into(), value: value.into() })
    }

    /// The key as it was given; uniqueness and conditions ignore its case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether the key is `key`, ignoring case. Source: iam.md §5.1. As condition keys do: the last
    /// letter of a word may have a lower case of its own.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
            || (!(self.key.is_ascii() && key.is_ascii())
                && self.key.to_lowercase() == key.to_lowercase())
    }
}

fn check_text(member: &str, text: &str, min: usize, max: usize) -> Result<(), InvalidValue> {
    let legal = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    if (min..=max).contains(&text.chars().count()) && text.chars().all(legal) {
        return Ok(());
    }
    Err(InvalidValue::constraint(
        member,
        text,
        &format!(
            "Member must have length between {min} and {max} and satisfy regular expression \
             pattern: [\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*"
        ),
    ))
}

/// What has tags that can be changed.
pub trait Tagged: Clone {
    /// Whether its owner may change it.
    ///
    /// # Errors
    /// [`IdentityError::Unmodifiable`] for a service-linked role.
    fn check_taggable(&self) -> Result<(), IdentityError> {
        Ok(())
    }

    /// Its tags.
    fn tags(&self) -> &Tags;

    /// Its tags, to be changed by the rules of this crate.
    fn tags_mut(&mut self) -> &mut Tags;
}

/// `value` with these tags; a key that is there already, whatever its case, gets the new value.
///
/// # Errors
/// [`IdentityError::TagsExceeded`], [`IdentityError::Unmodifiable`].
pub fn tag<T: Tagged>(value: &T, tags: &Tags) -> Result<T, IdentityError> {
    value.check_taggable()?;
    let kept = value.tags().iter().filter(|old| tags.value(&old.key).is_none());
    let mut tagged = value.clone();
    *tagged.tags_mut() = Tags::new(kept.chain(tags.iter()).cloned().collect())?;
    Ok(tagged)
}

/// `value` without the tags of these keys, whatever their case; a key that is not there is fine.
#[must_use]
pub fn untag<T: Tagged>(value: &T, keys: &[String]) -> T {
    let kept = value.tags().iter().filter(|tag| !keys.iter().any(|key| tag.has_key(key)));
    let mut untagged = value.clone();
    *untagged.tags_mut() = Tags(kept.cloned().collect());
    untagged
}

/// The tags of one user, role or policy, in the order given.
///
/// Invariant: at most 50, no two keys alike when case is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// No tags.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// # Errors
    /// [`IdentityError::TagsExceeded`], [`IdentityError::DuplicateTagKeys`].
    pub fn new(tags: Vec<Tag>) -> Result<Self, IdentityError> {
        if tags.len() > TAGS_MAX {
            return Err(IdentityError::TagsExceeded);
        }
        let repeats = |(index, tag): (usize, &Tag)| {
            tags.iter().take(index).any(|earlier| earlier.has_key(&tag.key))
        };
        if tags.iter().enumerate().any(repeats) {
            return Err(IdentityError::DuplicateTagKeys);
        }
        Ok(Self(tags))
    }

    /// The value of the tag `key`, ignoring the key's case.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|tag| tag.has_key(key)).map(Tag::value)
    }

    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Result<Tags, IdentityError> {
        let tags: Result<Vec<_>, _> = pairs.iter().map(|(k, v)| Tag::new(k, v)).collect();
        Tags::new(tags?)
    }

    #[test]
    fn a_tag_is_found_whatever_the_case_of_its_key() {
        let tags = tags(&[("Team", "Red"), ("Équipe", "bleue"), ("ΟΔΟΣ", "1")]).unwrap();
        let found = ["team", "TEAM", "équipe", "οδος", "tea"].map(|key| tags.value(key));
        assert_eq!(found, [Some("Red"), Some("Red"), Some("bleue"), Some("1"), None]);
    }

    #[test]
    fn a_tag_is_given_once_whatever_the_case_of_its_key() {
        let keys = |user: &crate::User| {
            let pairs = user.tags.iter().map(|tag| format!("{}={}", tag.key(), tag.value()));
            pairs.collect::<Vec<_>>().join(" ")
        };
        let alice = crate::samples::user();
        assert_eq!(keys(&alice), "Team=Red");
        let more = tag(&alice, &tags(&[("TEAM", "Blue"), ("Cost", "1")]).unwrap()).unwrap();
        assert_eq!(keys(&more), "TEAM=Blue Cost=1");
        let fewer = untag(&more, &["team".into(), "none".into()]);
        assert_eq!(keys(&fewer), "Cost=1");
        let many: Vec<_> = (0..50).map(|n| (format!("k{n}"), "v")).collect();
        let many: Vec<_> = many.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let many = tags(&many).unwrap();
        assert_eq!(tag(&alice, &many), Err(IdentityError::TagsExceeded));
        assert!(tag(&untag(&alice, &["Team".into()]), &many).is_ok());
    }

    #[test]
    fn tags_outside_their_limits_are_refused() {
        let long = "k".repeat(129);
        let many: Vec<_> = (0..51).map(|n| (format!("k{n}"), "v")).collect();
        let many: Vec<_> = many.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let codes = [
            tags(&[("a", "1"), ("A", "2")]),
            tags(&many),
            tags(&[("", "v")]),
            tags(&[(long.as_str(), "v")]),
            tags(&[("AWS:x", "v")]),
            tags(&[("a<b>", "v")]),
        ]
        .map(|result| result.unwrap_err().code());
        let validation = "ValidationError";
        assert_eq!(
            codes,
            ["InvalidInput", "LimitExceeded", validation, validation, validation, validation]
        );
        assert!(tags(many.get(..50).unwrap()).is_ok());
    }
}
