//! Tags of users, roles and managed policies: add, remove, list.

use portcullis_identity::{IdentityError, RoleName, Tag, Tagged, Tags, UserName, tag, untag};
use portcullis_model::Operation;
use portcullis_model::iam::operation::{
    ListPolicyTags, ListRoleTags, ListUserTags, TagPolicy, TagRole, TagUser, UntagPolicy,
    UntagRole, UntagUser,
};

use super::{
    Page,
    entities::{EntityOf, operations},
    managed_policies::{own, write},
};
use crate::{
    Catalog, EntityName, EntityResource, EntityView as _, Failure, Permit, Plan, PolicyResource,
    Snapshot,
};

operations! {
    /// Adds tags.
    TagEntity: TagUser on UserName, TagRole on RoleName
}

operations! {
    /// Removes tags.
    UntagEntity: UntagUser on UserName, UntagRole on RoleName
}

operations! {
    /// Lists tags.
    ListEntityTags: ListUserTags on UserName, ListRoleTags on RoleName
}

impl Catalog {
    /// Adds tags to the entity, or gives those that are there new values.
    ///
    /// # Errors
    /// The missing entity; those of [`tag`].
    pub async fn tag_entity<A: TagEntity>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        tags: &Tags,
    ) -> Result<(), Failure<IdentityError>>
    where
        EntityOf<A::On>: Tagged,
    {
        let rule = |_: &Snapshot, entity: &EntityOf<A::On>| tag(entity, tags);
        self.change_entity(&permit.consume(), rule).await
    }

    /// Removes tags from the entity by key; keys that are not there are fine.
    ///
    /// # Errors
    /// The missing entity.
    pub async fn untag_entity<A: UntagEntity>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        keys: &[String],
    ) -> Result<(), Failure<IdentityError>>
    where
        EntityOf<A::On>: Tagged,
    {
        let rule = |_: &Snapshot, entity: &EntityOf<A::On>| Ok(untag(entity, keys));
        self.change_entity(&permit.consume(), rule).await
    }

    /// Adds tags to the policy, or gives those that are there new values.
    ///
    /// # Errors
    /// The missing policy; one of AWS's; those of [`tag`].
    pub async fn tag_policy(
        &self,
        permit: Permit<TagPolicy, PolicyResource>,
        tags: &Tags,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(resource.policy().as_str(), |snapshot| {
            let view = own(snapshot, &resource)?;
            let policy = tag(&*view.stored, tags)?;
            Ok(write(Plan::answer(()), &resource, view, &policy))
        })
        .await
    }

    /// Removes tags from the policy by key; keys that are not there are fine.
    ///
    /// # Errors
    /// The missing policy; one of AWS's.
    pub async fn untag_policy(
        &self,
        permit: Permit<UntagPolicy, PolicyResource>,
        keys: &[String],
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(resource.policy().as_str(), |snapshot| {
            let view = own(snapshot, &resource)?;
            Ok(write(Plan::answer(()), &resource, view, &untag(&*view.stored, keys)))
        })
        .await
    }
}

impl Snapshot {
    /// The tags of the permitted entity by key, after the key `after`; `""` is before all.
    ///
    /// # Errors
    /// The missing entity.
    pub fn list_entity_tags<A: ListEntityTags>(
        &self,
        permit: Permit<A, EntityResource<A::On>>,
        after: &str,
        limit: usize,
    ) -> Result<Page<Tag>, IdentityError>
    where
        EntityOf<A::On>: Tagged,
    {
        Ok(page(permit.consume().find(self)?.stored().tags(), after, limit))
    }

    /// The tags of the permitted policy by key, after the key `after`; `""` is before all.
    ///
    /// # Errors
    /// The missing policy.
    pub fn list_policy_tags(
        &self,
        permit: Permit<ListPolicyTags, PolicyResource>,
        after: &str,
        limit: usize,
    ) -> Result<Page<Tag>, IdentityError> {
        Ok(page(&permit.consume().find(self)?.stored.tags, after, limit))
    }
}

pub(super) fn page(tags: &Tags, after: &str, limit: usize) -> Page<Tag> {
    let mut later: Vec<_> = tags.iter().filter(|tag| tag.key() > after).cloned().collect();
    later.sort_by(|left, right| left.key().cmp(right.key()));
    Page::take(later.into_iter(), limit)
}
