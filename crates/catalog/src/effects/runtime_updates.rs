//! Runtime management, per function and version; and what is said about loops of calls.

use portcullis_lambda::{
    Deployment, LambdaError, Lookup, NotFound, Qualifier, RecursiveLoop, RuntimeUpdates, Target,
};
use portcullis_model::lambda::operation::{
    GetFunctionRecursionConfig, GetRuntimeManagementConfig, PutFunctionRecursionConfig,
    PutRuntimeManagementConfig,
};

use super::functions::put_head;
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot, address::Address,
};

impl Catalog {
    /// Says whether the function may be part of a loop of calls.
    ///
    /// # Errors
    /// The missing function.
    pub async fn put_function_recursion_config(
        &self,
        permit: Permit<PutFunctionRecursionConfig, FunctionResource>,
        asked: RecursiveLoop,
    ) -> Result<(), Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_function(&arn, Lookup::Function)?;
            Ok(put_head(Plan::answer(()), view, &view.head.looping(asked)))
        })
        .await
    }

    /// Says when `$LATEST` or a version gets a newer version of its runtime.
    ///
    /// # Errors
    /// The missing function or version, which an alias is not; those of [`RuntimeUpdates::put`].
    pub async fn put_runtime_management_config(
        &self,
        permit: Permit<PutRuntimeManagementConfig, FunctionResource>,
        mode: &str,
        version_arn: Option<&str>,
    ) -> Result<(Target, RuntimeUpdates), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let region = target.function.region().parse().map_err(LambdaError::from)?;
        self.transact(target.function.as_str(), |snapshot| {
            let (view, deployment) = snapshot.version_at(&target)?;
            let runtime = deployment.configuration.runtime();
            let updates = RuntimeUpdates::put(mode, version_arn, runtime, &region)?;
            let plan = Plan::answer((target.clone(), updates.clone()));
            Ok(put_updates(plan, view, &target, updates))
        })
        .await
    }
}

/// Writes the head or the version that `target` names.
fn put_updates<T>(
    plan: Plan<T>,
    view: &FunctionView,
    target: &Target,
    updates: RuntimeUpdates,
) -> Plan<T> {
    match published(view, target) {
        None => put_head(plan, view, &view.head.updating_runtime(updates)),
        Some(version) => {
            let address = Address::Version(target.function.clone(), version.number);
            let plan = plan.unchanged(&address, version.modified);
            plan.put(&address, &version.updating_runtime(updates))
        }
    }
}

/// The version that `target` names by its number.
fn published<'a>(
    view: &'a FunctionView,
    target: &Target,
) -> Option<&'a crate::Versioned<portcullis_lambda::PublishedVersion>> {
    match target.qualifier {
        Some(Qualifier::Version(number)) => view.versions.get(&number),
        _ => None,
    }
}

impl Snapshot {
    /// Whether the function may be part of a loop of calls.
    ///
    /// # Errors
    /// The missing function.
    pub fn get_function_recursion_config(
        &self,
        permit: Permit<GetFunctionRecursionConfig, FunctionResource>,
    ) -> Result<RecursiveLoop, LambdaError> {
        let arn = permit.consume().into_target().function;
        Ok(self.find_function(&arn, Lookup::Function)?.head.parts().recursive_loop)
    }

    /// When `$LATEST` or a version gets a newer version of its runtime.
    ///
    /// # Errors
    /// The missing function or version, which an alias is not.
    pub fn get_runtime_management_config(
        &self,
        permit: Permit<GetRuntimeManagementConfig, FunctionResource>,
    ) -> Result<(Target, RuntimeUpdates), LambdaError> {
        let target = permit.consume().into_target();
        let updates = self.version_at(&target)?.1.runtime_updates.clone();
        Ok((target, updates))
    }

    /// `$LATEST`, or the version of a number. Aliases have no runtime of their own.
    fn version_at(&self, target: &Target) -> Result<(&FunctionView, &Deployment), LambdaError> {
        if matches!(target.qualifier, Some(Qualifier::Alias(_))) {
            return Err(NotFound::Function(target.clone()).into());
        }
        let view = self.find(target, Lookup::GetFunction)?;
        let version = published(view, target).map(|version| &version.deployment);
        Ok((view, version.unwrap_or_else(|| view.head.latest())))
    }
}
