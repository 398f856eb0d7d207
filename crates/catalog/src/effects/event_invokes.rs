//! How events are handled: put, change, show, list, delete, per function, version and alias.

use std::sync::Arc;

use portcullis_lambda::{
    EventInvokeConfig, EventInvokeInput, FunctionArn, LambdaError, Lookup, Missing, NotFound,
    Qualifier, Target, event_qualifier,
};
use portcullis_model::lambda::operation::{
    DeleteFunctionEventInvokeConfig, GetFunctionEventInvokeConfig, ListFunctionEventInvokeConfigs,
    PutFunctionEventInvokeConfig, UpdateFunctionEventInvokeConfig,
};

use super::Page;
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot, Versioned,
    address::Address,
};

impl Catalog {
    /// Sets how events are handled; what was set before is gone.
    ///
    /// # Errors
    /// Those of [`EventInvokeInput::check`], the missing function, version or alias; those of
    /// [`EventInvokeConfig::put`].
    pub async fn put_event_invoke_config(
        &self,
        permit: Permit<PutFunctionEventInvokeConfig, FunctionResource>,
        input: &EventInvokeInput,
        now: jiff::Timestamp,
    ) -> Result<EventInvokeConfig, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        input.check()?;
        self.transact(target.function.as_str(), |snapshot| {
            let view = snapshot.find(&target, Lookup::EventInvokeTarget)?;
            let exists = |function: &FunctionArn| snapshot.may_exist(function, &target.function);
            let config = EventInvokeConfig::put(&target, input, exists, now)?;
            let address = Address::EventInvoke(target.function.clone(), event_qualifier(&target));
            let plan = while_it_exists(Plan::answer(config.clone()), view, &config.qualifier);
            Ok(plan.put(&address, &config))
        })
        .await
    }

    /// Changes how events are handled.
    ///
    /// # Errors
    /// As [`put_event_invoke_config`](Self::put_event_invoke_config); the missing configuration.
    pub async fn update_event_invoke_config(
        &self,
        permit: Permit<UpdateFunctionEventInvokeConfig, FunctionResource>,
        input: &EventInvokeInput,
        now: jiff::Timestamp,
    ) -> Result<EventInvokeConfig, Failure<LambdaError>> {
        let target = permit.consume().into_target();
        input.check()?;
        self.transact(target.function.as_str(), |snapshot| {
            snapshot.find_function(&target.function, Lookup::EventInvokeTarget)?;
            let (address, old) = snapshot.find_event_invoke(&target)?;
            let exists = |function: &FunctionArn| snapshot.may_exist(function, &target.function);
            let config = old.update(input, exists, now)?;
            let plan = Plan::answer(config.clone()).unchanged(&address, old.modified);
            Ok(plan.put(&address, &config))
        })
        .await
    }

    /// Forgets how events are handled; they are as by default.
    ///
    /// # Errors
    /// The missing configuration; a missing function reads the same.
    pub async fn delete_event_invoke_config(
        &self,
        permit: Permit<DeleteFunctionEventInvokeConfig, FunctionResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        self.transact(target.function.as_str(), |snapshot| {
            let (address, old) = snapshot.find_event_invoke(&target)?;
            Ok(Plan::answer(()).unchanged(&address, old.modified).delete(&address))
        })
        .await
    }
}

impl Snapshot {
    /// How events are handled.
    ///
    /// # Errors
    /// The missing configuration; a missing function reads the same.
    pub fn get_event_invoke_config(
        &self,
        permit: Permit<GetFunctionEventInvokeConfig, FunctionResource>,
    ) -> Result<Arc<EventInvokeConfig>, LambdaError> {
        Ok(self.find_event_invoke(&permit.consume().into_target())?.1.shared())
    }

    /// How events for a function, its versions and aliases are handled: `$LATEST` first, then
    /// versions, then aliases, after the qualifier `after`.
    ///
    /// # Errors
    /// The missing function.
    pub fn list_event_invoke_configs(
        &self,
        permit: Permit<ListFunctionEventInvokeConfigs, FunctionResource>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<EventInvokeConfig>>, LambdaError> {
        let arn = permit.consume().into_target().function;
        let view = self.find_function(&arn, Lookup::EventInvokeTarget)?;
        let after = after.map(Qualifier::parse);
        let later = view.event_invokes.iter().filter(|(place, _)| Some(*place) > after.as_ref());
        Ok(Page::take(later.map(|(_, config)| config.shared()), limit))
    }

    /// How events for `target` are handled, if it was set.
    #[must_use]
    pub fn event_invoke_config(&self, target: &Target) -> Option<&Versioned<EventInvokeConfig>> {
        self.function(&target.function)?.event_invokes.get(&event_qualifier(target))
    }

    fn find_event_invoke(
        &self,
        target: &Target,
    ) -> Result<(Address, &Versioned<EventInvokeConfig>), LambdaError> {
        let missing = || NotFound::of(Lookup::EventInvokeConfig, target, Missing::Qualifier);
        let config = self.event_invoke_config(target).ok_or_else(missing)?;
        Ok((Address::EventInvoke(target.function.clone(), event_qualifier(target)), config))
    }

    /// Whether `function` exists, as far as the account of `asking` may know: functions of another
    /// account are not looked up.
    pub(super) fn may_exist(&self, function: &FunctionArn, asking: &FunctionArn) -> bool {
        function.account() != asking.account() || self.function(function).is_some()
    }
}

/// The plan, as long as the function, and the version or alias, are those that were looked at.
fn while_it_exists<T>(plan: Plan<T>, view: &FunctionView, qualifier: &Qualifier) -> Plan<T> {
    let function = view.arn().clone();
    let plan = plan.incarnation(&Address::Function(function.clone()), view.head.created);
    match qualifier {
        Qualifier::Version(number) => match view.versions.get(number) {
            Some(it) => plan.incarnation(&Address::Version(function, *number), it.created),
            None => plan,
        },
        Qualifier::Alias(name) => match view.aliases.get(name) {
            Some(it) => plan.incarnation(&Address::Alias(function, name.clone()), it.created),
            None => plan,
        },
        Qualifier::Latest | Qualifier::Unresolvable(_) => plan,
    }
}
