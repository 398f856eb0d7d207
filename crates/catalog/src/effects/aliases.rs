//! Aliases: create, show, list, update, delete.
//!
//! Creating or changing one writes the function's head again as it is: so it cannot pass by a
//! deletion of the version that it points to.

use std::sync::Arc;

use portcullis_lambda::{
    Alias, AliasChange, AliasInput, AliasName, FunctionArn, LambdaError, Lookup, Missing, NotFound,
    Qualifier, Target, VersionNumber,
};
use portcullis_model::lambda::operation::{
    CreateAlias, DeleteAlias, GetAlias, ListAliases, UpdateAlias,
};

use super::{Page, fresh_revision, functions::put_head, provisioned::check_alias};
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot, Versioned,
    address::Address,
};

impl Catalog {
    /// Creates an alias.
    ///
    /// # Errors
    /// Those of [`Alias::create`]; the missing function is told as the missing version.
    pub async fn create_alias(
        &self,
        permit: Permit<CreateAlias, FunctionResource>,
        input: &AliasInput,
    ) -> Result<Alias, Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        let revision = fresh_revision();
        let address = Address::Alias(arn.clone(), input.name.clone());
        self.transact(arn.as_str(), |snapshot| {
            let version = Target::qualified(arn.clone(), input.function_version.clone());
            let missing = || NotFound::of(Lookup::CreateAlias, &version, Missing::Function);
            let view = snapshot.function(&arn).ok_or_else(missing).map_err(LambdaError::from)?;
            let taken = view.aliases.contains_key(&input.name);
            let exists = |number: VersionNumber| view.versions.contains_key(&number);
            let alias = Alias::create(&arn, input.clone(), &exists, taken, revision)?;
            let plan = put_head(Plan::answer(alias.clone()), view, &view.head);
            Ok(plan.absent(&address).put(&address, &alias))
        })
        .await
    }

    /// Changes an alias.
    ///
    /// # Errors
    /// Those of [`Alias::update`], and the missing alias.
    pub async fn update_alias(
        &self,
        permit: Permit<UpdateAlias, FunctionResource>,
        name: &AliasName,
        change: &AliasChange,
    ) -> Result<Alias, Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        let revision = fresh_revision();
        let address = Address::Alias(arn.clone(), name.clone());
        self.transact(arn.as_str(), |snapshot| {
            let (view, old) = snapshot.find_alias(&arn, name, Lookup::UpdateAlias)?;
            let exists = |number: VersionNumber| view.versions.contains_key(&number);
            let alias = old.update(change.clone(), &exists, revision)?;
            if view.provisioned.contains_key(&Qualifier::Alias(name.clone())) {
                check_alias(view, &alias)?;
            }
            let plan = put_head(Plan::answer(alias.clone()), view, &view.head);
            Ok(plan.unchanged(&address, old.modified).put(&address, &alias))
        })
        .await
    }

    /// Removes an alias, its policy, its URL and what is provisioned for it; one that is not there is
    /// fine. That the URL was there is remembered: its host goes on to refuse as it did
    /// (`[snap] aws-lambda.md §7.1, §7.3`).
    ///
    /// # Errors
    /// The missing function.
    pub async fn delete_alias(
        &self,
        permit: Permit<DeleteAlias, FunctionResource>,
        name: &AliasName,
    ) -> Result<(), Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        let address = Address::Alias(arn.clone(), name.clone());
        let policy = Address::Policy(arn.clone(), Some(Qualifier::Alias(name.clone())));
        let url = Address::Url(arn.clone(), Some(name.clone()));
        let events = Address::EventInvoke(arn.clone(), Qualifier::Alias(name.clone()));
        let provisioned = Address::Provisioned(arn.clone(), Qualifier::Alias(name.clone()));
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_function(&arn, Lookup::Function)?;
            let plan = Plan::answer(());
            let Some(alias) = view.aliases.get(name) else { return Ok(plan) };
            let plan = plan.unchanged(&address, alias.modified).delete(&address);
            let plan = match view.urls.get(&Some(name.clone())) {
                Some(old) => plan.put(&Address::FormerUrl(arn.clone(), old.id().clone()), &**old),
                None => plan,
            };
            Ok(plan.delete(&policy).delete(&url).delete(&events).delete(&provisioned))
        })
        .await
    }
}

impl Snapshot {
    /// An alias.
    ///
    /// # Errors
    /// The missing alias; a missing function reads the same.
    pub fn get_alias(
        &self,
        permit: Permit<GetAlias, FunctionResource>,
        name: &AliasName,
    ) -> Result<Arc<Alias>, LambdaError> {
        let arn = permit.consume().into_target().function;
        let (_, alias) = self.find_alias(&arn, name, Lookup::GetAlias)?;
        Ok(alias.shared())
    }

    /// The aliases after `after`, by name; only those of `version` if given.
    ///
    /// # Errors
    /// The missing function.
    pub fn list_aliases(
        &self,
        permit: Permit<ListAliases, FunctionResource>,
        version: Option<&Qualifier>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<Alias>>, LambdaError> {
        let arn = permit.consume().into_target().function;
        let view = self.find_function(&arn, Lookup::Function)?;
        let later = view.aliases.values().filter(|alias| {
            after.is_none_or(|after| alias.name().as_str() > after)
                && version.is_none_or(|version| alias.version().qualifier() == *version)
        });
        Ok(Page::take(later.map(Versioned::shared), limit))
    }

    fn find_alias(
        &self,
        arn: &FunctionArn,
        name: &AliasName,
        lookup: Lookup,
    ) -> Result<(&Arc<FunctionView>, &Versioned<Alias>), LambdaError> {
        let target = Target::qualified(arn.clone(), Qualifier::Alias(name.clone()));
        let missing = |missing| NotFound::of(lookup, &target, missing);
        let view = self.function(arn).ok_or_else(|| missing(Missing::Function))?;
        Ok((view, view.aliases.get(name).ok_or_else(|| missing(Missing::Qualifier))?))
    }
}
