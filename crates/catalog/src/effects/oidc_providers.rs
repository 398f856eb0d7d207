//! OpenID Connect providers: create, show, list, change, delete.

use portcullis_identity::{
    IdentityError, OidcProvider, Tag, Tags, Thumbprint, add_client_id, create_oidc_provider,
    remove_client_id, tag, untag, update_thumbprints,
};
use portcullis_model::iam::operation::{
    AddClientIDToOpenIDConnectProvider, CreateOpenIDConnectProvider, DeleteOpenIDConnectProvider,
    GetOpenIDConnectProvider, ListOpenIDConnectProviderTags, ListOpenIDConnectProviders,
    RemoveClientIDFromOpenIDConnectProvider, TagOpenIDConnectProvider, UntagOpenIDConnectProvider,
    UpdateOpenIDConnectProviderThumbprint,
};

use super::{Page, iam_tags};
use crate::{
    Catalog, Failure, OidcProviderResource, Permit, Plan, Snapshot, Versioned, WholeAccount,
};

type OnProvider<A> = Permit<A, OidcProviderResource>;

impl Catalog {
    /// Gives the account the permitted provider, made as `new` says.
    ///
    /// # Errors
    /// Those of [`create_oidc_provider`].
    pub async fn create_oidc_provider(
        &self,
        permit: OnProvider<CreateOpenIDConnectProvider>,
        new: &OidcProvider,
    ) -> Result<OidcProvider, Failure<IdentityError>> {
        let resource = permit.consume();
        let (account, issuer) = (resource.owner(), resource.issuer().clone());
        let new = &OidcProvider { account, issuer, ..new.clone() };
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let taken = resource.find(snapshot).is_ok();
            let existing = snapshot.oidc_providers(account).count();
            let provider = create_oidc_provider(new.clone(), existing, taken)?;
            Ok(Plan::answer(provider.clone()).absent(&address).put(&address, &provider))
        })
        .await
    }

    /// Removes the permitted provider; one that is not there is fine.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_oidc_provider(
        &self,
        permit: OnProvider<DeleteOpenIDConnectProvider>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let plan = Plan::answer(());
            Ok(match resource.find(snapshot) {
                Ok(found) => plan.unchanged(&address, found.modified).delete(&address),
                Err(_) => plan,
            })
        })
        .await
    }

    /// Gives the permitted provider other thumbprints.
    ///
    /// # Errors
    /// The missing provider; those of [`update_thumbprints`].
    pub async fn update_thumbprints(
        &self,
        permit: OnProvider<UpdateOpenIDConnectProviderThumbprint>,
        thumbprints: &[Thumbprint],
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |provider: &OidcProvider| update_thumbprints(provider, thumbprints.to_vec());
        self.change_oidc_provider(&permit.consume(), rule).await
    }

    /// Adds a client id to the permitted provider; one that it has is fine.
    ///
    /// # Errors
    /// The missing provider; those of [`add_client_id`].
    pub async fn add_client_id(
        &self,
        permit: OnProvider<AddClientIDToOpenIDConnectProvider>,
        id: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |provider: &OidcProvider| add_client_id(provider, id);
        self.change_oidc_provider(&permit.consume(), rule).await
    }

    /// Removes a client id from the permitted provider; one that it has not is fine.
    ///
    /// # Errors
    /// The missing provider.
    pub async fn remove_client_id(
        &self,
        permit: OnProvider<RemoveClientIDFromOpenIDConnectProvider>,
        id: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |provider: &OidcProvider| Ok(remove_client_id(provider, id));
        self.change_oidc_provider(&permit.consume(), rule).await
    }

    /// Adds tags to the permitted provider, or gives those that are there new values.
    ///
    /// # Errors
    /// The missing provider; those of [`tag`].
    pub async fn tag_oidc_provider(
        &self,
        permit: OnProvider<TagOpenIDConnectProvider>,
        tags: &Tags,
    ) -> Result<(), Failure<IdentityError>> {
        self.change_oidc_provider(&permit.consume(), |provider| tag(provider, tags)).await
    }

    /// Removes tags from the permitted provider by key; keys that are not there are fine.
    ///
    /// # Errors
    /// The missing provider.
    pub async fn untag_oidc_provider(
        &self,
        permit: OnProvider<UntagOpenIDConnectProvider>,
        keys: &[String],
    ) -> Result<(), Failure<IdentityError>> {
        self.change_oidc_provider(&permit.consume(), |provider| Ok(untag(provider, keys))).await
    }

    async fn change_oidc_provider(
        &self,
        resource: &OidcProviderResource,
        rule: impl Fn(&OidcProvider) -> Result<OidcProvider, IdentityError>,
    ) -> Result<(), Failure<IdentityError>> {
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let found = resource.find(snapshot)?;
            let plan = Plan::answer(()).unchanged(&address, found.modified);
            Ok(plan.put(&address, &rule(found)?))
        })
        .await
    }
}

impl Snapshot {
    /// The permitted provider.
    ///
    /// # Errors
    /// The missing provider.
    pub fn get_oidc_provider(
        &self,
        permit: OnProvider<GetOpenIDConnectProvider>,
    ) -> Result<Versioned<OidcProvider>, IdentityError> {
        permit.consume().find(self).cloned()
    }

    /// The provider whose tokens are to be looked at. No permit: without it nobody can say who asks.
    #[must_use]
    pub fn believed(&self, resource: &OidcProviderResource) -> Option<&OidcProvider> {
        resource.find(self).ok().map(|provider| &**provider)
    }

    /// The providers of the permitted account, by issuer.
    pub fn list_oidc_providers(
        &self,
        permit: Permit<ListOpenIDConnectProviders, WholeAccount>,
    ) -> impl Iterator<Item = &Versioned<OidcProvider>> {
        self.oidc_providers(permit.consume().0)
    }

    /// The tags of the permitted provider by key, after the key `after`; `""` is before all.
    ///
    /// # Errors
    /// The missing provider.
    pub fn list_oidc_provider_tags(
        &self,
        permit: OnProvider<ListOpenIDConnectProviderTags>,
        after: &str,
        limit: usize,
    ) -> Result<Page<Tag>, IdentityError> {
        Ok(iam_tags::page(&permit.consume().find(self)?.tags, after, limit))
    }
}
