//! Provisioned concurrency: put, show, list, delete, per version and alias.
//!
//! Each change writes the function's head again as it is, as changes of aliases do: so two that
//! would overlap cannot pass by each other.

use std::sync::Arc;

use portcullis_lambda::{
    AccountConcurrency, Alias, InvalidParameter, LambdaError, Lookup, ProvisionedCalls,
    ProvisionedConcurrency, Qualifier, Target, VersionNumber, check_provisioned, published_only,
};
use portcullis_model::lambda::operation::{
    DeleteProvisionedConcurrencyConfig, GetProvisionedConcurrencyConfig,
    ListProvisionedConcurrencyConfigs, PutProvisionedConcurrencyConfig,
};

use super::{
    Page, Resolved,
    concurrency::in_turn,
    functions::{every_version, put_head},
};
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot, address::Address,
};

impl Catalog {
    /// Sets how many workers of a version, or of the one that an alias points to, are kept ready.
    ///
    /// # Errors
    /// [`InvalidParameter::ProvisionedLatest`], the missing function, version or alias; a version
    /// that has workers already; those of [`check_provisioned`].
    pub async fn put_provisioned_concurrency(
        &self,
        permit: Permit<PutProvisionedConcurrencyConfig, FunctionResource>,
        requested: ProvisionedCalls,
        limit: AccountConcurrency,
        now: jiff::Timestamp,
    ) -> Result<ProvisionedConcurrency, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let function = target.function.clone();
        let qualifier = published_only(&target, InvalidParameter::ProvisionedLatest)?.clone();
        let config = ProvisionedConcurrency { function, qualifier, requested, modified: now };
        let address = Address::Provisioned(config.function.clone(), config.qualifier.clone());
        self.transact(target.function.as_str(), |snapshot| {
            let view = snapshot.find(&target, Lookup::Provisioned)?;
            check_place(view, &config.qualifier)?;
            let own = view.provisioned.get(&config.qualifier);
            let own = own.map_or(0, |own| u64::from(own.requested.get()));
            let all = view.provisioned_calls() - own + u64::from(requested.get());
            let others = snapshot.reserved(&target.function).saturating_sub(view.claimed_calls());
            check_provisioned(all, view.head.reserved(), limit, others)?;
            let plan = put_head(Plan::answer(config.clone()), view, &view.head);
            Ok(in_turn(plan.put(&address, &config), snapshot, view))
        })
        .await
    }

    /// Lets the workers of a version or alias go; that there are none is fine.
    ///
    /// # Errors
    /// [`InvalidParameter::NotPublished`], the missing function, version or alias.
    pub async fn delete_provisioned_concurrency(
        &self,
        permit: Permit<DeleteProvisionedConcurrencyConfig, FunctionResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let qualifier = published_only(&target, InvalidParameter::NotPublished)?;
        let address = Address::Provisioned(target.function.clone(), qualifier.clone());
        self.transact(target.function.as_str(), |snapshot| {
            let view = snapshot.find(&target, Lookup::Provisioned)?;
            let plan = Plan::answer(());
            let Some(old) = view.provisioned.get(qualifier) else { return Ok(plan) };
            Ok(plan.unchanged(&address, old.modified).delete(&address))
        })
        .await
    }
}

impl Snapshot {
    /// What is provisioned for a version or alias.
    ///
    /// # Errors
    /// [`InvalidParameter::NotPublished`], the missing function, version or alias;
    /// [`LambdaError::ProvisionedMissing`].
    pub fn get_provisioned_concurrency(
        &self,
        permit: Permit<GetProvisionedConcurrencyConfig, FunctionResource>,
    ) -> Result<Arc<ProvisionedConcurrency>, LambdaError> {
        let target = permit.consume().into_target();
        let qualifier = published_only(&target, InvalidParameter::NotPublished)?;
        let view = self.find(&target, Lookup::Provisioned)?;
        let config = view.provisioned.get(qualifier).ok_or(LambdaError::ProvisionedMissing)?;
        Ok(config.shared())
    }

    /// What is provisioned of a function, versions before aliases, after the qualifier `after`.
    ///
    /// # Errors
    /// The missing function.
    pub fn list_provisioned_concurrency(
        &self,
        permit: Permit<ListProvisionedConcurrencyConfigs, FunctionResource>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<ProvisionedConcurrency>>, LambdaError> {
        let arn = permit.consume().into_target().function;
        let view = self.find_function(&arn, Lookup::Function)?;
        let after = after.map(Qualifier::parse);
        let later = view.provisioned.iter().filter(|(place, _)| Some(*place) > after.as_ref());
        Ok(Page::take(later.map(|(_, config)| config.shared()), limit))
    }

    /// Every version of which workers shall be kept ready, and what asks for them. No answer to
    /// anybody: who put it had the permit.
    pub fn provisioned_versions(
        &self,
    ) -> impl Iterator<Item = (Resolved, Arc<ProvisionedConcurrency>)> {
        self.provisioned_functions().flat_map(|view| {
            every_version(view).filter_map(|version| {
                let Qualifier::Version(number) = version.version() else { return None };
                let mut configs = view.provisioned.iter();
                let config = configs.find(|(place, _)| view.number_of(place) == Some(number))?;
                Some((version, config.1.shared()))
            })
        })
    }

    /// The version that a configuration counts for now; none when its alias points to `$LATEST`.
    #[must_use]
    pub fn provisioned_version(&self, config: &ProvisionedConcurrency) -> Option<Target> {
        let number = self.function(&config.function)?.number_of(&config.qualifier)?;
        Some(Target::qualified(config.function.clone(), Qualifier::Version(number)))
    }
}

/// Whether workers may be kept ready for the version or alias `qualifier`.
fn check_place(view: &FunctionView, qualifier: &Qualifier) -> Result<(), LambdaError> {
    match qualifier {
        Qualifier::Alias(name) => {
            view.aliases.get(name).map_or(Ok(()), |alias| check_alias(view, alias))
        }
        Qualifier::Version(number) if has_others(view, qualifier, *number) => {
            Err(InvalidParameter::ProvisionedByAlias.into())
        }
        _ => Ok(()),
    }
}

/// Whether workers may be kept ready for an alias, as it is or as it would be.
pub(super) fn check_alias(view: &FunctionView, alias: &Alias) -> Result<(), LambdaError> {
    if alias.routing().is_some() {
        return Err(InvalidParameter::ProvisionedRouting.into());
    }
    let number = alias.version().number().ok_or(InvalidParameter::ProvisionedLatest)?;
    if has_others(view, &Qualifier::Alias(alias.name().clone()), number) {
        return Err(InvalidParameter::ProvisionedVersion.into());
    }
    Ok(())
}

/// Whether workers of the version are kept ready by something else than `qualifier`.
fn has_others(view: &FunctionView, qualifier: &Qualifier, number: VersionNumber) -> bool {
    let mut others = view.provisioned.keys().filter(|place| *place != qualifier);
    others.any(|place| view.number_of(place) == Some(number))
}
