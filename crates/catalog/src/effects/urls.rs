//! Function URLs: create, show, list, update, delete. A URL lives as long as its function or alias.
//!
//! Making or changing one expects the function, and the alias, to be the same as was looked at: so
//! that it cannot pass by their deletion.

use std::sync::Arc;

use portcullis_lambda::{
    AliasName, FunctionUrl, LambdaError, Lookup, Missing, NotFound, Qualifier, Target, UrlChange,
    UrlId, UrlInput,
};
use portcullis_model::lambda::operation::{
    CreateFunctionUrlConfig, DeleteFunctionUrlConfig, GetFunctionUrlConfig, ListFunctionUrlConfigs,
    UpdateFunctionUrlConfig,
};

use super::Page;
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot, Versioned,
    address::Address,
};

impl Catalog {
    /// Makes the URL of a function or alias. `id` is one that nobody had before.
    ///
    /// # Errors
    /// The missing function or alias; those of [`FunctionUrl::create`].
    pub async fn create_url(
        &self,
        permit: Permit<CreateFunctionUrlConfig, FunctionResource>,
        input: &UrlInput,
        id: &UrlId,
        now: jiff::Timestamp,
    ) -> Result<FunctionUrl, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        self.transact(target.function.as_str(), |snapshot| {
            let view = snapshot.find(&target, Lookup::UrlTarget)?;
            let alias = alias_of(&target);
            let taken = view.urls.contains_key(&alias.cloned());
            let (id, input) = (id.clone(), input.clone());
            let url = FunctionUrl::create(&target.function, alias, input, taken, id, now)?;
            let address = Address::Url(target.function.clone(), alias.cloned());
            let plan = while_it_exists(Plan::answer(url.clone()), view, alias);
            Ok(plan.absent(&address).put(&address, &url))
        })
        .await
    }

    /// Changes the URL of a function or alias.
    ///
    /// # Errors
    /// The missing function, alias or URL; those of [`FunctionUrl::update`].
    pub async fn update_url(
        &self,
        permit: Permit<UpdateFunctionUrlConfig, FunctionResource>,
        change: &UrlChange,
        now: jiff::Timestamp,
    ) -> Result<FunctionUrl, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        self.transact(target.function.as_str(), |snapshot| {
            snapshot.find(&target, Lookup::UrlTarget)?;
            let (address, old) = snapshot.find_url(&target)?;
            let url = old.update(change.clone(), now)?;
            let plan = Plan::answer(url.clone()).unchanged(&address, old.modified);
            Ok(plan.put(&address, &url))
        })
        .await
    }

    /// Removes the URL of a function or alias; its statements stay.
    ///
    /// # Errors
    /// The missing function, alias or URL, which read the same.
    pub async fn delete_url(
        &self,
        permit: Permit<DeleteFunctionUrlConfig, FunctionResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        self.transact(target.function.as_str(), |snapshot| {
            let (address, old) = snapshot.find_url(&target)?;
            Ok(Plan::answer(()).unchanged(&address, old.modified).delete(&address))
        })
        .await
    }
}

impl Snapshot {
    /// The URL of a function or alias.
    ///
    /// # Errors
    /// The missing function, alias or URL, which read the same.
    pub fn get_url(
        &self,
        permit: Permit<GetFunctionUrlConfig, FunctionResource>,
    ) -> Result<Arc<FunctionUrl>, LambdaError> {
        let target = permit.consume().into_target();
        Ok(self.find_url(&target)?.1.shared())
    }

    /// The URLs of a function: its own first, then those of aliases by name, after the name `after`;
    /// `$LATEST` is before all aliases.
    ///
    /// # Errors
    /// The missing function.
    pub fn list_urls(
        &self,
        permit: Permit<ListFunctionUrlConfigs, FunctionResource>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<FunctionUrl>>, LambdaError> {
        let arn = permit.consume().into_target().function;
        let view = self.find_function(&arn, Lookup::UrlTarget)?;
        let later = view.urls.values().filter(|url| {
            after.is_none_or(|after| url.alias().is_some_and(|alias| alias.as_str() > after))
        });
        Ok(Page::take(later.map(Versioned::shared), limit))
    }

    fn find_url(&self, target: &Target) -> Result<(Address, &Versioned<FunctionUrl>), LambdaError> {
        let view = self.find(target, Lookup::Url)?;
        let alias = alias_of(target).cloned();
        let missing = || NotFound::of(Lookup::Url, target, Missing::Qualifier);
        let url = view.urls.get(&alias).ok_or_else(missing)?;
        Ok((Address::Url(target.function.clone(), alias), url))
    }
}

/// The alias of a target: these operations take no other qualifier.
fn alias_of(target: &Target) -> Option<&AliasName> {
    match target.qualifier.as_ref() {
        Some(Qualifier::Alias(name)) => Some(name),
        _ => None,
    }
}

/// The plan, as long as the function and the alias are those that were looked at.
fn while_it_exists<T>(plan: Plan<T>, view: &FunctionView, alias: Option<&AliasName>) -> Plan<T> {
    let function = view.arn().clone();
    let plan = plan.incarnation(&Address::Function(function.clone()), view.head.created);
    match alias.and_then(|name| view.aliases.get(name).map(|alias| (name, alias))) {
        Some((name, alias)) => {
            plan.incarnation(&Address::Alias(function, name.clone()), alias.created)
        }
        None => plan,
    }
}
