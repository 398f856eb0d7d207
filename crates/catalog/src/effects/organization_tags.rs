//! Tags of what organizations are made of: add, remove, list.

use portcullis_identity::{
    AccountId, Tag, Tags,
    organization::{Organization, OrganizationError, TaggableId},
};
use portcullis_model::organizations::operation::{ListTagsForResource, TagResource, UntagResource};

use super::{Page, organizations::replace};
use crate::{Catalog, Failure, OrganizationResource, OrganizationView, Permit, Snapshot};

type Tagged = OrganizationResource<TaggableId>;

impl Catalog {
    /// Adds tags to what is permitted, or gives those that are there new values.
    ///
    /// # Errors
    /// Those of [`Organization::tag`].
    pub async fn tag_organization_resource(
        &self,
        permit: Permit<TagResource, Tagged>,
        tags: &Tags,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.change_tags_in_organization(account, &id, |old| old.tag(&id, tags)).await
    }

    /// Removes tags from what is permitted by key; keys that are not there are fine.
    ///
    /// # Errors
    /// Those of [`Organization::untag`].
    pub async fn untag_organization_resource(
        &self,
        permit: Permit<UntagResource, Tagged>,
        keys: &[String],
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.change_tags_in_organization(account, &id, |old| old.untag(&id, keys)).await
    }

    async fn change_tags_in_organization(
        &self,
        account: AccountId,
        id: &TaggableId,
        change: impl Fn(&Organization) -> Result<Organization, OrganizationError>,
    ) -> Result<(), Failure<OrganizationError>> {
        self.transact_organization(account, |snapshot, view| {
            snapshot.check_tagged(view, id)?;
            Ok(replace(view, &change(&view.stored)?))
        })
        .await
    }
}

impl Snapshot {
    /// The tags of what is permitted, in their order, from the one at `from` on.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`].
    pub fn list_organization_tags(
        &self,
        permit: Permit<ListTagsForResource, Tagged>,
        after: &str,
        limit: usize,
    ) -> Result<Page<Tag>, OrganizationError> {
        let (account, id) = permit.consume().into_parts();
        let view = self.managed_by(account)?;
        self.check_tagged(view, &id)?;
        let mut tags: Vec<_> = view.stored.tags_of(&id)?.iter().cloned().collect();
        tags.sort_by(|one, other| one.key().cmp(other.key()));
        Ok(Page::take(tags.into_iter().filter(|tag| tag.key() > after), limit))
    }

    /// Whether the policy that has tags, or shall have, is there; others the organization knows.
    fn check_tagged(
        &self,
        view: &OrganizationView,
        id: &TaggableId,
    ) -> Result<(), OrganizationError> {
        let TaggableId::Policy(policy) = id else { return Ok(()) };
        let found = self.organizations.policy(&view.stored.id, policy);
        found.map(drop).ok_or(OrganizationError::TargetNotFound)
    }
}
