//! Functions: create, show, list, update, delete, and the end of a deployment.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::AccountId;
use portcullis_lambda::{
    Alias, AliasVersion, Architecture, CodePackage, CodeSigningConfigArn, ConfigurationChange,
    Conflict, DeadLetters, DeleteScope, Deployment, Failure as DeploymentFailure, Fresh, Function,
    FunctionArn, InvalidParameter, LambdaError, Lookup, Missing, NotFound, PublishedVersion,
    Qualifier, Region, RoleArn, Tags, Target, VersionNumber, WantedLayers,
};
use portcullis_model::lambda::operation::{
    CreateFunction, DeleteFunction, GetFunction, GetFunctionConfiguration, ListFunctions,
    UpdateFunctionCode, UpdateFunctionConfiguration,
};

use super::{code_signing::used_again, fresh_revision, layers::while_layers_exist};
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, Permit, Plan, Snapshot, WholeAccount,
    address::Address,
};

/// Everything that a new function begins with. The code is stored already.
#[derive(Clone, Debug)]
pub struct NewFunction {
    /// The settings given; the rest has defaults.
    pub configuration: ConfigurationChange,
    /// The code package.
    pub code: CodePackage,
    /// Its layers.
    pub layers: Option<WantedLayers>,
    /// Its tags.
    pub tags: Tags,
    /// Who may have signed its code.
    pub code_signing: Option<CodeSigningConfigArn>,
    /// Whether version 1 is published at once.
    pub publish: bool,
}

/// What a target resolves to: the function, and the version that runs. It exists.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// As the request addressed it.
    pub target: Target,
    /// The function with all that belongs to it.
    pub function: Arc<FunctionView>,
    published: Option<Arc<PublishedVersion>>,
}

impl Resolved {
    /// The code and configuration of the version.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        match &self.published {
            Some(version) => &version.deployment,
            None => self.function.head.latest(),
        }
    }

    /// A function as lists show it: `$LATEST` under the bare ARN.
    fn head(function: &Arc<FunctionView>) -> Self {
        Self { target: function.target(None), function: function.clone(), published: None }
    }

    /// Its place in a list, to continue after: `NAME:VERSION`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.function.arn().name(), self.version())
    }

    /// Its place among the versions of its function: `$LATEST` first.
    pub(super) fn rank(&self) -> u64 {
        self.published.as_ref().map_or(0, |version| version.number.get())
    }

    /// The version behind the target: `$LATEST` or a number.
    #[must_use]
    pub fn version(&self) -> Qualifier {
        let number = self.published.as_ref().map(|version| version.number);
        number.map_or(Qualifier::Latest, Qualifier::Version)
    }
}

/// One page of a list: the entries, and whether more follow.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// At most as many as asked for.
    pub entries: Vec<T>,
    /// Whether there is another page.
    pub more: bool,
}

impl<T> Page<T> {
    /// The first `limit` of `all`.
    pub(super) fn take(mut all: impl Iterator<Item = T>, limit: usize) -> Self {
        let entries: Vec<T> = all.by_ref().take(limit).collect();
        let more = all.next().is_some();
        Self { entries, more }
    }
}

/// Whose preparation has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleScope {
    /// `$LATEST`.
    Latest,
    /// A version that was published while its code was being prepared.
    Version(VersionNumber),
}

impl Catalog {
    /// Creates the function, `Pending` until [`settle`](Self::settle) says otherwise.
    ///
    /// # Errors
    /// [`Conflict::FunctionExists`], [`InvalidParameter::RoleNotAssumable`], those of a code-signing
    /// configuration, and the domain's own.
    pub async fn create_function(
        &self,
        permit: Permit<CreateFunction, FunctionResource>,
        new: NewFunction,
        now: Timestamp,
    ) -> Result<(Arc<Function>, Option<PublishedVersion>), Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        let fresh = Fresh { now, revision: fresh_revision() };
        let version = Fresh { now, revision: fresh_revision() };
        let address = Address::Function(arn.clone());
        self.transact(arn.as_str(), |snapshot| {
            if snapshot.function(&arn).is_some() {
                let taken = Conflict::FunctionExists(arn.name().into());
                return Err(LambdaError::from(taken).into());
            }
            let NewFunction { configuration, code, layers, tags, code_signing, publish } =
                new.clone();
            check_role(snapshot, &arn, configuration.role(), now)?;
            check_dead_letters(snapshot, &arn, configuration.dead_letters())?;
            snapshot.check_deployment(&arn, code_signing.as_ref())?;
            let signing = code_signing.as_ref().map(|arn| snapshot.find_to_use(arn)).transpose()?;
            let configuration = configuration.using(snapshot.find_layers(layers.as_ref())?);
            let function = Function::create(arn.clone(), configuration, code, tags, fresh)?;
            let (function, published) =
                publish_if(publish, function.signed_by(code_signing), version);
            let plan = Plan::answer((Arc::new(function.clone()), published.clone()));
            let plan = signing.into_iter().fold(plan, used_again);
            let plan = while_layers_exist(plan, snapshot, layers.as_ref());
            Ok(put_version(plan.absent(&address).put(&address, &function), published.as_ref()))
        })
        .await
    }

    /// Replaces the code of `$LATEST`, and what it is for if `architecture` says so; with `publish`,
    /// as a new version too.
    ///
    /// # Errors
    /// Those of [`Function::update_code`], the missing function, and those of its code-signing
    /// configuration.
    pub async fn update_function_code(
        &self,
        permit: Permit<UpdateFunctionCode, FunctionResource>,
        code: CodePackage,
        architecture: Option<Architecture>,
        publish: bool,
        expected: Option<&str>,
        now: Timestamp,
    ) -> Result<(Arc<Function>, Option<PublishedVersion>), Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        let fresh = Fresh { now, revision: fresh_revision() };
        let version = Fresh { now, revision: fresh_revision() };
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_function(&arn, Lookup::Function)?;
            let function = view.head.update_code(code, architecture, expected, fresh)?;
            snapshot.check_deployment(&arn, function.code_signing())?;
            let (function, published) = publish_if(publish, function, version);
            let plan = Plan::answer((Arc::new(function.clone()), published.clone()));
            Ok(put_version(put_head(plan, view, &function), published.as_ref()))
        })
        .await
    }

    /// Changes the configuration of `$LATEST`.
    ///
    /// # Errors
    /// The missing function, its layers; those of [`Function::update_configuration`], the role, and
    /// of code-signing where there are layers.
    pub async fn update_function_configuration(
        &self,
        permit: Permit<UpdateFunctionConfiguration, FunctionResource>,
        change: ConfigurationChange,
        layers: Option<&WantedLayers>,
        expected: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<Function>, Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        let fresh = Fresh { now, revision: fresh_revision() };
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_function(&arn, Lookup::Function)?;
            let change = change.clone().using(snapshot.find_layers(layers)?);
            let role = change.role().cloned();
            check_dead_letters(snapshot, &arn, change.dead_letters())?;
            let function = view.head.update_configuration(change, expected, fresh)?;
            check_role(snapshot, &arn, role.as_ref(), now)?;
            if layers.is_some_and(|layers| layers.iter().next().is_some()) {
                snapshot.check_deployment(&arn, function.code_signing())?;
            }
            let plan = Plan::answer(Arc::new(function.clone()));
            let plan = while_layers_exist(plan, snapshot, layers);
            Ok(put_head(plan, view, &function))
        })
        .await
    }

    /// Deletes the function with everything that belongs to it, or one version with its policy.
    ///
    /// # Errors
    /// The missing function; `$LATEST` and aliases are refused; a version that an alias uses.
    pub async fn delete_function(
        &self,
        permit: Permit<DeleteFunction, FunctionResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        let scope = DeleteScope::of(&target)?;
        self.transact(target.function.as_str(), |snapshot| {
            let view = snapshot.find_function(&target.function, Lookup::Function)?;
            let number = match scope {
                DeleteScope::Function => return Ok(delete_all(view)),
                DeleteScope::Version(number) => Some(number),
                DeleteScope::Nothing => None,
            };
            match number.and_then(|number| view.versions.get(&number)) {
                None => Ok(Plan::answer(())),
                Some(version) => {
                    version.check_deletion(view.aliases.values().map(|alias| &**alias))?;
                    Ok(delete_version(view, version.number))
                }
            }
        })
        .await
    }

    /// Ends the preparation of a version: `Pending` and `InProgress` become what `outcome` says.
    ///
    /// The server does this by itself when the code is ready, on nobody's behalf: no permit. A
    /// function that is gone, or settled already, is left alone.
    ///
    /// # Errors
    /// [`Failure::Catalog`] when it cannot be written; a restart settles it then.
    pub async fn settle(
        &self,
        arn: &FunctionArn,
        scope: SettleScope,
        outcome: &Result<(), DeploymentFailure>,
    ) -> Result<(), Failure<LambdaError>> {
        let revision = fresh_revision();
        self.transact(arn.as_str(), |snapshot| {
            let nothing = Plan::answer(());
            let Some(view) = snapshot.function(arn) else { return Ok(nothing) };
            match scope {
                SettleScope::Latest => Ok(match view.head.settle(outcome.clone(), revision) {
                    Some(function) => put_head(nothing, view, &function),
                    None => nothing,
                }),
                SettleScope::Version(number) => {
                    let Some(version) = view.versions.get(&number) else { return Ok(nothing) };
                    let address = Address::Version(arn.clone(), number);
                    Ok(match version.settle(outcome.clone()) {
                        Some(settled) => {
                            nothing.unchanged(&address, version.modified).put(&address, &settled)
                        }
                        None => nothing,
                    })
                }
            }
        })
        .await
    }
}

impl Snapshot {
    /// The function, version or alias with its code.
    ///
    /// # Errors
    /// [`NotFound::Function`] with the target as addressed.
    pub fn get_function(
        &self,
        permit: Permit<GetFunction, FunctionResource>,
    ) -> Result<Resolved, LambdaError> {
        self.resolve(permit.consume().into_target(), Lookup::GetFunction, Alias::version)
    }

    /// What `UpdateFunctionCode` would make of the function, of which nothing is kept.
    ///
    /// # Errors
    /// Those of [`Catalog::update_function_code`].
    pub fn rehearse_function_code(
        &self,
        permit: Permit<UpdateFunctionCode, FunctionResource>,
        code: CodePackage,
        architecture: Option<Architecture>,
        expected: Option<&str>,
    ) -> Result<Function, LambdaError> {
        let arn = permit.consume().into_target().function;
        let view = self.find_function(&arn, Lookup::Function)?;
        let function = view.head.rehearse_code(code, architecture, expected)?;
        self.check_deployment(&arn, function.code_signing())?;
        Ok(function)
    }

    /// The configuration of a function, version or alias.
    ///
    /// # Errors
    /// [`NotFound::Function`] with the target as addressed.
    pub fn get_function_configuration(
        &self,
        permit: Permit<GetFunctionConfiguration, FunctionResource>,
    ) -> Result<Resolved, LambdaError> {
        self.resolve(permit.consume().into_target(), Lookup::GetFunction, Alias::version)
    }

    /// The functions of the permitted account in `region`, by name; with `all_versions`, every
    /// version of each, `$LATEST` first. `after` is the place of the last entry seen, as
    /// [`Resolved::place`] gives it.
    #[must_use]
    pub fn list_functions(
        &self,
        permit: Permit<ListFunctions, WholeAccount>,
        region: &Region,
        all_versions: bool,
        after: Option<&str>,
        limit: usize,
    ) -> Page<Resolved> {
        let prefix = function_prefix(region, permit.consume().0);
        let place = after.map(|place| place.split_once(':').unwrap_or((place, "")));
        let from = place.map(|(name, _)| format!("{prefix}{name}"));
        let seen = place.map(|(name, version)| (name, rank(version)));
        let functions = self.functions(&prefix, from.as_deref());
        if !all_versions {
            let new =
                functions.filter(|view| seen.is_none_or(|(name, _)| view.arn().name() > name));
            return Page::take(new.map(Resolved::head), limit);
        }
        let versions = functions.flat_map(every_version);
        let new = versions.filter(|entry| {
            let place = (entry.function.arn().name(), entry.rank());
            seen.is_none_or(|seen| place > seen)
        });
        Page::take(new, limit)
    }

    /// The version behind `target`; where an alias has several, the one that `pick` takes.
    pub(super) fn resolve(
        &self,
        target: Target,
        lookup: Lookup,
        pick: impl FnOnce(&Alias) -> AliasVersion,
    ) -> Result<Resolved, LambdaError> {
        let function = self.find(&target, lookup)?.clone();
        let missing = || NotFound::of(lookup, &target, Missing::Qualifier);
        let number = match &target.qualifier {
            Some(Qualifier::Version(number)) => Some(*number),
            Some(Qualifier::Alias(name)) => {
                let alias = function.aliases.get(name).ok_or_else(missing)?;
                pick(alias).number()
            }
            _ => None,
        };
        let published = number.map(|number| function.versions.get(&number).ok_or_else(missing));
        let published = published.transpose()?.map(crate::Versioned::shared);
        Ok(Resolved { target, function, published })
    }

    /// The version that a call found earlier, as it is now.
    ///
    /// # Errors
    /// [`NotFound`] in the words of `Invoke`: it was deleted since, whatever has its name today.
    pub fn version_now(&self, found: &Resolved) -> Result<Resolved, LambdaError> {
        let (target, created) = (&found.target, found.function.head.created);
        let missing = |what| NotFound::of(Lookup::Invoke, target, what);
        let function = self.find(target, Lookup::Invoke)?.clone();
        if function.head.created != created {
            return Err(missing(Missing::Function).into());
        }
        let number = found.published.as_ref().map(|version| version.number);
        let published = number.map(|number| {
            function.versions.get(&number).ok_or_else(|| missing(Missing::Qualifier))
        });
        let published = published.transpose()?.map(crate::Versioned::shared);
        Ok(Resolved { target: target.clone(), function, published })
    }
}

/// `$LATEST` and the published versions, each under its qualified ARN.
pub(super) fn every_version(function: &Arc<FunctionView>) -> impl Iterator<Item = Resolved> {
    let entry = |qualifier: Qualifier, published| Resolved {
        target: function.target(Some(qualifier)),
        function: function.clone(),
        published,
    };
    let numbered = function
        .versions
        .values()
        .map(move |version| entry(Qualifier::Version(version.number), Some(version.shared())));
    [entry(Qualifier::Latest, None)].into_iter().chain(numbered)
}

/// The rank that the text of a version stands for.
pub(super) fn rank(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

/// What the ARNs of an account's functions in a region begin with.
pub(super) fn function_prefix(region: &Region, account: AccountId) -> String {
    format!("arn:{}:lambda:{region}:{account}:function:", region.partition().as_str())
}

/// The role must be one of the function's own account, and let Lambda assume it.
fn check_role(
    snapshot: &Snapshot,
    arn: &FunctionArn,
    role: Option<&RoleArn>,
    now: Timestamp,
) -> Result<(), LambdaError> {
    let Some(role) = role else { return Ok(()) };
    if role.account() == arn.account() && snapshot.trusts_lambda(role.as_str(), arn, now) {
        return Ok(());
    }
    Err(InvalidParameter::RoleNotAssumable.into())
}

fn publish_if(
    publish: bool,
    function: Function,
    version: Fresh,
) -> (Function, Option<PublishedVersion>) {
    if !publish {
        return (function, None);
    }
    let (function, published) = function.publish_with_update(version);
    (function, Some(published))
}

/// Whether a function may send its dead letters where a request says.
fn check_dead_letters(
    snapshot: &Snapshot,
    function: &FunctionArn,
    letters: Option<&DeadLetters>,
) -> Result<(), LambdaError> {
    let exists = |target: &FunctionArn| snapshot.may_exist(target, function);
    letters.map_or(Ok(()), |letters| letters.check(function, exists))
}

/// Replaces the head that the rule saw.
pub(super) fn put_head<T>(plan: Plan<T>, view: &FunctionView, function: &Function) -> Plan<T> {
    let address = Address::Function(view.arn().clone());
    plan.unchanged(&address, view.head.modified).put(&address, function)
}

/// Adds a version that must be new.
pub(super) fn put_version<T>(plan: Plan<T>, version: Option<&PublishedVersion>) -> Plan<T> {
    let Some(version) = version else { return plan };
    let address = Address::Version(version.function.clone(), version.number);
    plan.absent(&address).put(&address, version)
}

fn delete_all(view: &FunctionView) -> Plan<()> {
    let address = Address::Function(view.arn().clone());
    Plan::answer(()).incarnation(&address, view.head.created).delete_with_children(&address)
}

/// Removes one version, its policy, how its events are handled, and what is provisioned. The head is
/// written again as it is, so that an alias that is made to point here at the same time loses the
/// race or wins it whole.
fn delete_version(view: &FunctionView, number: VersionNumber) -> Plan<()> {
    let arn = view.arn().clone();
    let policy = Address::Policy(arn.clone(), Some(Qualifier::Version(number)));
    let events = Address::EventInvoke(arn.clone(), Qualifier::Version(number));
    let provisioned = Address::Provisioned(arn.clone(), Qualifier::Version(number));
    let plan = put_head(Plan::answer(()), view, &view.head).delete(&provisioned);
    plan.delete(&Address::Version(arn, number)).delete(&policy).delete(&events)
}
