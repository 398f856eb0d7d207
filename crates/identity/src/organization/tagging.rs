//! Tags of what an organization is made of.

use super::{Organization, OrganizationError, TaggableId};
use crate::error::IdentityError;
use crate::tags::{Tag, Tags};

impl OrganizationError {
    /// Why these are no tags, as Organizations says it.
    #[must_use]
    pub fn of_tags(error: IdentityError) -> Self {
        match error {
            IdentityError::TagsExceeded => {
                let text = "You have exceeded the number of tags allowed on this resource.";
                Self::constraint("MAX_TAG_LIMIT_EXCEEDED", text)
            }
            IdentityError::DuplicateTagKeys => {
                let text =
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
                Self::Invalid { reason: "DUPLICATE_TAG_KEY", text: text.to_owned() }
            }
            other => Self::Role(other),
        }
    }
}

impl Organization {
    /// `self` with these tags on what is there; a key that it has gets the new value. Whether there
    /// is such a policy is for the caller to know.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`], the constraint.
    pub fn tag(&self, id: &TaggableId, tags: &Tags) -> Result<Self, OrganizationError> {
        let kept = self.tags_of(id)?.iter().filter(|old| tags.value(old.key()).is_none());
        let all = Tags::new(kept.chain(tags.iter()).cloned().collect());
        Ok(self.with_tags(id, all.map_err(OrganizationError::of_tags)?))
    }

    /// `self` without the tags of these keys; a key that is not there is fine.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`].
    pub fn untag(&self, id: &TaggableId, keys: &[String]) -> Result<Self, OrganizationError> {
        let goes = |tag: &&Tag| !keys.iter().any(|key| tag.has_key(key));
        let kept = Tags::new(self.tags_of(id)?.iter().filter(goes).cloned().collect());
        Ok(self.with_tags(id, kept.map_err(OrganizationError::of_tags)?))
    }

    /// The tags of what is there.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`].
    pub fn tags_of(&self, id: &TaggableId) -> Result<&Tags, OrganizationError> {
        static NONE: Tags = Tags::none();
        let is_there = match id {
            TaggableId::Root(root) => *root == self.root,
            TaggableId::Unit(unit) => self.units.contains_key(unit),
            TaggableId::Account(account) => self.members.contains_key(account),
            TaggableId::Policy(_) => true,
        };
        let found = is_there.then(|| self.tags.get(id).unwrap_or(&NONE));
        found.ok_or(OrganizationError::TargetNotFound)
    }

    /// `self` without tags on what goes.
    #[must_use]
    pub fn without_tags(&self, id: &TaggableId) -> Self {
        self.with_tags(id, Tags::default())
    }

    fn with_tags(&self, id: &TaggableId, tags: Tags) -> Self {
        let mut new = self.clone();
        if tags.iter().next().is_none() {
            new.tags.remove(id);
        } else {
            new.tags.insert(id.clone(), tags);
        }
        new
    }
}
