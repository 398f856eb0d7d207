//! Code-signing configurations: make, show, change, delete, list; and give them to functions.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::AccountId;
use portcullis_lambda::{
    CodeSigningConfig, CodeSigningConfigArn, CodeSigningInput, FunctionArn, LambdaError, Lookup,
    Region, Tags, UntrustedArtifact,
};
use portcullis_model::lambda::operation::{
    CreateCodeSigningConfig, DeleteCodeSigningConfig, DeleteFunctionCodeSigningConfig,
    GetCodeSigningConfig, GetFunctionCodeSigningConfig, ListCodeSigningConfigs,
    ListFunctionsByCodeSigningConfig, PutFunctionCodeSigningConfig, UpdateCodeSigningConfig,
};

use super::{Page, functions::put_head};
use crate::{
    Catalog, CodeSigningConfigResource, Failure, FunctionResource, Permit, Plan, Snapshot,
    Versioned, WholeAccount, address::Address,
};

impl Catalog {
    /// Makes a configuration, whose ARN has digits of `random`.
    ///
    /// # Errors
    /// Those of [`CodeSigningConfig::create`].
    pub async fn create_code_signing_config(
        &self,
        permit: Permit<CreateCodeSigningConfig, WholeAccount>,
        (region, random): (&Region, uuid::Uuid),
        (input, tags): (CodeSigningInput, Tags),
        now: Timestamp,
    ) -> Result<CodeSigningConfig, Failure<LambdaError>> {
        let account = permit.consume().0.as_str().parse().map_err(LambdaError::from)?;
        let arn = CodeSigningConfigArn::new(region, &account, random);
        let config = CodeSigningConfig::create(arn.clone(), input, tags, now)?;
        let address = Address::CodeSigningConfig(arn.clone());
        self.transact(arn.as_str(), |_| {
            Ok(Plan::answer(config.clone()).absent(&address).put(&address, &config))
        })
        .await
    }

    /// Changes a configuration; its functions' next code is judged by what it is then.
    ///
    /// # Errors
    /// The missing configuration; those of [`CodeSigningConfig::updated`].
    pub async fn update_code_signing_config(
        &self,
        permit: Permit<UpdateCodeSigningConfig, CodeSigningConfigResource>,
        input: &CodeSigningInput,
        now: Timestamp,
    ) -> Result<CodeSigningConfig, Failure<LambdaError>> {
        let arn = permit.consume().0;
        self.transact(arn.as_str(), |snapshot| {
            let old = snapshot.find_code_signing(&arn)?;
            let config = old.updated(input.clone(), now)?;
            Ok(put_config(Plan::answer(config.clone()), old, &config))
        })
        .await
    }

    /// Deletes a configuration that no function has.
    ///
    /// # Errors
    /// The missing configuration; those of [`CodeSigningConfig::check_deletion`].
    pub async fn delete_code_signing_config(
        &self,
        permit: Permit<DeleteCodeSigningConfig, CodeSigningConfigResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let arn = permit.consume().0;
        self.transact(arn.as_str(), |snapshot| {
            let old = snapshot.find_code_signing(&arn)?;
            old.check_deletion(snapshot.code_signing.functions(&arn, "").next().is_some())?;
            let address = Address::CodeSigningConfig(arn.clone());
            Ok(Plan::answer(()).unchanged(&address, old.modified).delete(&address))
        })
        .await
    }

    /// Gives a function a configuration; it counts from the next code on.
    ///
    /// # Errors
    /// [`LambdaError::CodeSigningConfigMissing`], then the missing function.
    pub async fn put_function_code_signing_config(
        &self,
        permit: Permit<PutFunctionCodeSigningConfig, FunctionResource>,
        config: Permit<PutFunctionCodeSigningConfig, CodeSigningConfigResource>,
    ) -> Result<(FunctionArn, CodeSigningConfigArn), Failure<LambdaError>> {
        let (function, config) = (permit.consume().into_target().function, config.consume().0);
        self.transact(function.as_str(), |snapshot| {
            let used = snapshot.find_to_use(&config)?;
            let view = snapshot.find_function(&function, Lookup::Function)?;
            let plan = used_again(Plan::answer((function.clone(), config.clone())), used);
            Ok(put_head(plan, view, &view.head.signed_by(Some(config.clone()))))
        })
        .await
    }

    /// Takes its configuration from a function, if it has one.
    ///
    /// # Errors
    /// The missing function.
    pub async fn delete_function_code_signing_config(
        &self,
        permit: Permit<DeleteFunctionCodeSigningConfig, FunctionResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_function(&arn, Lookup::Function)?;
            Ok(put_head(Plan::answer(()), view, &view.head.signed_by(None)))
        })
        .await
    }
}

impl Snapshot {
    /// A configuration.
    ///
    /// # Errors
    /// [`LambdaError::CodeSigningConfigUnknown`].
    pub fn get_code_signing_config(
        &self,
        permit: Permit<GetCodeSigningConfig, CodeSigningConfigResource>,
    ) -> Result<Arc<CodeSigningConfig>, LambdaError> {
        Ok(self.find_code_signing(&permit.consume().0)?.shared())
    }

    /// The configurations of the permitted account in `region`, by id, after the id `after`.
    #[must_use]
    pub fn list_code_signing_configs(
        &self,
        permit: Permit<ListCodeSigningConfigs, WholeAccount>,
        region: &Region,
        after: Option<&str>,
        limit: usize,
    ) -> Page<Arc<CodeSigningConfig>> {
        let prefix = config_prefix(region, permit.consume().0);
        Page::take(self.code_signing.of(&prefix, after).map(Versioned::shared), limit)
    }

    /// The ARNs of the functions that have a configuration, after the ARN `after`.
    ///
    /// # Errors
    /// [`LambdaError::CodeSigningConfigUnknown`].
    pub fn list_functions_by_code_signing_config(
        &self,
        permit: Permit<ListFunctionsByCodeSigningConfig, CodeSigningConfigResource>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<str>>, LambdaError> {
        let arn = permit.consume().0;
        self.find_code_signing(&arn)?;
        let functions = self.code_signing.functions(&arn, after.unwrap_or_default());
        Ok(Page::take(functions.cloned(), limit))
    }

    /// The configuration that a function has.
    ///
    /// # Errors
    /// The missing function.
    pub fn get_function_code_signing_config(
        &self,
        permit: Permit<GetFunctionCodeSigningConfig, FunctionResource>,
    ) -> Result<Option<(FunctionArn, CodeSigningConfigArn)>, LambdaError> {
        let arn = permit.consume().into_target().function;
        let config = self.find_function(&arn, Lookup::Function)?.head.code_signing().cloned();
        Ok(config.map(|config| (arn, config)))
    }

    /// Whether code, none of which is signed, may be deployed to `function` under `config`.
    ///
    /// # Errors
    /// [`LambdaError::CodeSigningConfigMissing`], those of [`CodeSigningConfig::check_unsigned`].
    pub(super) fn check_deployment(
        &self,
        function: &FunctionArn,
        config: Option<&CodeSigningConfigArn>,
    ) -> Result<(), LambdaError> {
        let Some(arn) = config else { return Ok(()) };
        let config = self.find_to_use(arn)?;
        config.check_unsigned(function.name())?;
        if config.untrusted() == UntrustedArtifact::Warn {
            tracing::warn!(%function, config = %arn, "code that nobody has signed is deployed");
        }
        Ok(())
    }

    /// A configuration that a function is to have.
    pub(super) fn find_to_use(
        &self,
        arn: &CodeSigningConfigArn,
    ) -> Result<&Versioned<CodeSigningConfig>, LambdaError> {
        let missing = || LambdaError::CodeSigningConfigMissing(arn.clone());
        self.code_signing.get(arn).ok_or_else(missing)
    }

    /// A configuration that is asked for itself.
    pub(super) fn find_code_signing(
        &self,
        arn: &CodeSigningConfigArn,
    ) -> Result<&Versioned<CodeSigningConfig>, LambdaError> {
        let missing = || LambdaError::CodeSigningConfigUnknown(arn.clone());
        self.code_signing.get(arn).ok_or_else(missing)
    }
}

/// Replaces the configuration that the rule saw.
pub(super) fn put_config<T>(
    plan: Plan<T>,
    old: &Versioned<CodeSigningConfig>,
    new: &CodeSigningConfig,
) -> Plan<T> {
    let address = Address::CodeSigningConfig(old.arn().clone());
    plan.unchanged(&address, old.modified).put(&address, new)
}

/// Writes a configuration again as it is, so that one that is deleted while a function gets it loses
/// the race or wins it whole.
pub(super) fn used_again<T>(plan: Plan<T>, config: &Versioned<CodeSigningConfig>) -> Plan<T> {
    put_config(plan, config, config)
}

/// What the ARNs of an account's configurations begin with.
fn config_prefix(region: &Region, account: AccountId) -> String {
    let partition = region.partition().as_str();
    format!("arn:{partition}:lambda:{region}:{account}:code-signing-config:")
}
