//! A function: its head, `$LATEST`, the rules that change it, and the versions that it publishes.

use jiff::Timestamp;

use crate::settings::Description;
use crate::{
    Alias, Architecture, CodePackage, CodeSigningConfigArn, Configuration, ConfigurationChange,
    Conflict, Deployment, Failure, Fresh, FunctionArn, InvalidParameter, InvalidValue, LambdaError,
    Lifecycle, Qualifier, RecursiveLoop, ReservedConcurrency, RevisionId, RuntimeUpdates,
    StaleRevision, Tags, Target, VersionNumber,
};

/// What a [`Function`] consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionParts {
    /// Its ARN, unqualified.
    pub arn: FunctionArn,
    /// `$LATEST`.
    pub latest: Deployment,
    /// Its tags.
    pub tags: Tags,
    /// When it was created.
    pub created: Timestamp,
    /// The number that the next version gets.
    pub next_version: VersionNumber,
    /// The version that `$LATEST` was published as, if it was not changed since. The version may
    /// have been deleted.
    pub published_as: Option<VersionNumber>,
    /// The calls that are reserved for it, and its limit.
    pub reserved: Option<ReservedConcurrency>,
    /// Whether it may be part of a loop of calls.
    pub recursive_loop: RecursiveLoop,
    /// Who may have signed its code, where that is asked for.
    pub code_signing: Option<CodeSigningConfigArn>,
}

/// A function. Every rule gives the function as it is afterwards, or refuses and changes nothing.
///
/// Invariant: its name is a legal one; `published_as` is before `next_version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function(FunctionParts);

/// A published version: immutable but for becoming ready, and for the updates of its runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedVersion {
    /// The function.
    pub function: FunctionArn,
    /// Its number.
    pub number: VersionNumber,
    /// Its configuration, code and state.
    pub deployment: Deployment,
}

/// What `PublishVersion` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishRequest {
    /// The version's own description; that of `$LATEST` by default.
    pub description: Option<String>,
    /// The digest that the code must have, in base64.
    pub code_sha256: Option<String>,
    /// The revision that `$LATEST` must have.
    pub expected: Option<String>,
}

/// What `PublishVersion` comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publication {
    /// Nothing changed since the last version: that one is the answer, as it is.
    Unchanged,
    /// A new version, and the function as it is afterwards.
    New(Box<(Function, PublishedVersion)>),
}

impl Function {
    /// A new function, `Pending`.
    ///
    /// # Errors
    /// Those of [`Configuration::create`] and [`FunctionArn::creatable_name`];
    /// [`InvalidParameter::CodeAndLayersTooLarge`](crate::InvalidParameter::CodeAndLayersTooLarge).
    pub fn create(
        arn: FunctionArn,
        change: ConfigurationChange,
        code: CodePackage,
        tags: Tags,
        fresh: Fresh,
    ) -> Result<Self, LambdaError> {
        arn.creatable_name()?;
        let configuration = Configuration::create(&arn, change)?;
        configuration.layers().check_size(code)?;
        let latest = Deployment {
            configuration,
            code,
            lifecycle: Lifecycle::Pending,
            last_modified: fresh.now,
            revision: fresh.revision,
            generation: fresh.revision,
            runtime_updates: RuntimeUpdates::default(),
        };
        let next_version = VersionNumber::FIRST;
        let created = fresh.now;
        let (published_as, reserved) = (None, None);
        let (recursive_loop, code_signing) = (RecursiveLoop::default(), None);
        Ok(Self(FunctionParts {
            arn,
            latest,
            tags,
            created,
            next_version,
            published_as,
            reserved,
            recursive_loop,
            code_signing,
        }))
    }

    /// A function from its parts, as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] when the invariant does not hold.
    pub fn restore(parts: FunctionParts) -> Result<Self, InvalidValue> {
        let named = parts.arn.creatable_name().is_ok();
        let ordered = parts.published_as.is_none_or(|version| version < parts.next_version);
        if named && ordered {
            return Ok(Self(parts));
        }
        Err(InvalidValue::new("function", parts.arn.as_str(), "a legal name, versions in order"))
    }

    /// Everything that the function is.
    #[must_use]
    pub fn parts(&self) -> &FunctionParts {
        &self.0
    }

    /// Its ARN, unqualified.
    #[must_use]
    pub fn arn(&self) -> &FunctionArn {
        &self.0.arn
    }

    /// `$LATEST`.
    #[must_use]
    pub fn latest(&self) -> &Deployment {
        &self.0.latest
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.0.tags
    }

    /// The version that [`Function::publish`] would answer again, if it still exists.
    #[must_use]
    pub fn published_as(&self) -> Option<VersionNumber> {
        self.0.published_as
    }

    /// `$LATEST` with new code, and what that is for if the request says so. Counts as a change even
    /// if the bytes are the same (`[snap] aws-lambda.md §6.5`).
    ///
    /// # Errors
    /// As [`Function::check_update`].
    pub fn update_code(
        &self,
        code: CodePackage,
        architecture: Option<Architecture>,
        expected: Option<&str>,
        fresh: Fresh,
    ) -> Result<Self, LambdaError> {
        let configuration = self.check_code_update(code, architecture, expected)?;
        Ok(self.updated(configuration, code, fresh))
    }

    /// What a dry run of [`Function::update_code`] shows: the code that would be, in a function that
    /// otherwise stays what it is, with its revision and its states.
    ///
    /// # Errors
    /// Those of [`Function::update_code`].
    pub fn rehearse_code(
        &self,
        code: CodePackage,
        architecture: Option<Architecture>,
        expected: Option<&str>,
    ) -> Result<Self, LambdaError> {
        let configuration = self.check_code_update(code, architecture, expected)?;
        let latest = Deployment { configuration, code, ..self.0.latest.clone() };
        Ok(Self(FunctionParts { latest, ..self.0.clone() }))
    }

    /// The configuration with which new code would be accepted now.
    fn check_code_update(
        &self,
        code: CodePackage,
        architecture: Option<Architecture>,
        expected: Option<&str>,
    ) -> Result<Configuration, LambdaError> {
        self.check_update(expected)?;
        let configuration = self.0.latest.configuration.built_for(architecture);
        configuration.layers().check_size(code)?;
        Ok(configuration)
    }

    /// `$LATEST` with changed settings.
    ///
    /// # Errors
    /// As [`Function::check_update`], then [`Configuration::changed`].
    pub fn update_configuration(
        &self,
        change: ConfigurationChange,
        expected: Option<&str>,
        fresh: Fresh,
    ) -> Result<Self, LambdaError> {
        self.check_update(expected)?;
        let configuration = self.0.latest.configuration.changed(change)?;
        configuration.layers().check_size(self.0.latest.code)?;
        Ok(self.updated(configuration, self.0.latest.code, fresh))
    }

    /// Whether an update would be accepted now: the state first, then the revision.
    ///
    /// # Errors
    /// [`Conflict::UpdateInProgress`], [`Conflict::State`], [`StaleRevision::Function`].
    pub fn check_update(&self, expected: Option<&str>) -> Result<(), LambdaError> {
        match self.0.latest.lifecycle {
            Lifecycle::Pending => return Err(Conflict::State("Pending").into()),
            Lifecycle::Updating => {
                let target = Target::unqualified(self.0.arn.clone());
                return Err(Conflict::UpdateInProgress(target).into());
            }
            Lifecycle::Active | Lifecycle::Failed(_) | Lifecycle::UpdateFailed(_) => {}
        }
        check_revision(self.0.latest.revision, expected)
    }

    /// An update that was accepted and is being made ready.
    fn updated(&self, configuration: Configuration, code: CodePackage, fresh: Fresh) -> Self {
        let Deployment { configuration: old, runtime_updates, .. } = &self.0.latest;
        let runtime_updates = runtime_updates.moved(old.runtime(), configuration.runtime());
        let latest = Deployment {
            configuration,
            code,
            lifecycle: Lifecycle::Updating,
            last_modified: fresh.now,
            revision: fresh.revision,
            generation: fresh.revision,
            runtime_updates,
        };
        Self(FunctionParts { latest, published_as: None, ..self.0.clone() })
    }

    /// The end of the preparation that a creation or an update began; a new revision, as on AWS
    /// (`[snap] §6.4`). `None` when nothing was being prepared.
    #[must_use]
    pub fn settle(&self, outcome: Result<(), Failure>, revision: RevisionId) -> Option<Self> {
        let lifecycle = self.0.latest.lifecycle.settled(outcome)?;
        let latest = Deployment { lifecycle, revision, ..self.0.latest.clone() };
        Some(Self(FunctionParts { latest, ..self.0.clone() }))
    }

    /// `PublishVersion`. `existing` is the stored version of [`Function::published_as`], if there
    /// is one. `version` is the revision of the new version, `fresh` that of the function.
    ///
    /// # Errors
    /// As [`Function::check_update`], then [`InvalidParameter::CodeSha256`].
    pub fn publish(
        &self,
        request: PublishRequest,
        existing: Option<&PublishedVersion>,
        fresh: Fresh,
        version: RevisionId,
    ) -> Result<Publication, LambdaError> {
        self.check_update(request.expected.as_deref())?;
        self.check_code(request.code_sha256.as_deref())?;
        if existing.is_some_and(|existing| Some(existing.number) == self.0.published_as) {
            return Ok(Publication::Unchanged);
        }
        let description = request.description.map(|text| text.parse()).transpose()?;
        let published = self.number(description, fresh.now, version);
        let latest = Deployment { revision: fresh.revision, ..self.0.latest.clone() };
        Ok(Publication::New(Box::new((self.advanced(latest), published))))
    }

    /// The version that `CreateFunction` and `UpdateFunctionCode` make with `Publish=true`, in the
    /// same step: it is being prepared as `$LATEST` is, which keeps its revision.
    #[must_use]
    pub fn publish_with_update(&self, version: Fresh) -> (Self, PublishedVersion) {
        let mut published = self.number(None, version.now, version.revision);
        if published.deployment.lifecycle == Lifecycle::Updating {
            published.deployment.lifecycle = Lifecycle::Pending;
        }
        (self.advanced(self.0.latest.clone()), published)
    }

    /// `$LATEST` as the version with the next number.
    fn number(
        &self,
        description: Option<Description>,
        now: Timestamp,
        revision: RevisionId,
    ) -> PublishedVersion {
        let latest = self.0.latest.clone();
        PublishedVersion {
            function: self.0.arn.clone(),
            number: self.0.next_version,
            deployment: Deployment {
                configuration: latest.configuration.described(description),
                last_modified: now,
                revision,
                generation: revision,
                ..latest
            },
        }
    }

    /// The function after the version `next_version` was published.
    fn advanced(&self, latest: Deployment) -> Self {
        let number = self.0.next_version;
        let (next_version, published_as) = (number.next(), Some(number));
        Self(FunctionParts { latest, next_version, published_as, ..self.0.clone() })
    }

    /// Whether the code is what the publisher expects.
    fn check_code(&self, given: Option<&str>) -> Result<(), LambdaError> {
        let actual = self.0.latest.code.sha256.to_string();
        match given {
            Some(given) if given != actual => {
                let (given, actual) = (given.into(), actual.into());
                Err(InvalidParameter::CodeSha256 { given, actual }.into())
            }
            _ => Ok(()),
        }
    }

    /// The calls that are reserved for it, if any are.
    #[must_use]
    pub fn reserved(&self) -> Option<ReservedConcurrency> {
        self.0.reserved
    }

    /// With this reservation, or none. The account's limit is checked where the others' are known:
    /// [`AccountConcurrency::check_reservation`](crate::AccountConcurrency::check_reservation).
    #[must_use]
    pub fn reserving(&self, reserved: Option<ReservedConcurrency>) -> Self {
        Self(FunctionParts { reserved, ..self.0.clone() })
    }

    /// With another say about loops of calls.
    #[must_use]
    pub fn looping(&self, recursive_loop: RecursiveLoop) -> Self {
        Self(FunctionParts { recursive_loop, ..self.0.clone() })
    }

    /// The configuration that says who may have signed its code.
    #[must_use]
    pub fn code_signing(&self) -> Option<&CodeSigningConfigArn> {
        self.0.code_signing.as_ref()
    }

    /// With this code-signing configuration, or none: it counts from the next code on.
    #[must_use]
    pub fn signed_by(&self, code_signing: Option<CodeSigningConfigArn>) -> Self {
        Self(FunctionParts { code_signing, ..self.0.clone() })
    }

    /// With other updates of the runtime of `$LATEST`. The revision stays.
    #[must_use]
    pub fn updating_runtime(&self, runtime_updates: RuntimeUpdates) -> Self {
        let latest = Deployment { runtime_updates, ..self.0.latest.clone() };
        Self(FunctionParts { latest, ..self.0.clone() })
    }

    /// The function with other tags; a new revision in any case.
    #[must_use]
    pub fn tagged(&self, tags: Tags, revision: RevisionId) -> Self {
        let latest = Deployment { revision, ..self.0.latest.clone() };
        Self(FunctionParts { tags, latest, ..self.0.clone() })
    }
}

impl PublishedVersion {
    /// Its qualified ARN.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::qualified(self.function.clone(), Qualifier::Version(self.number))
    }

    /// The end of the preparation of a version that was published while `$LATEST` was being
    /// prepared. The revision stays (`[snap] aws-lambda.md §6.4`). `None` when it was settled.
    #[must_use]
    pub fn settle(&self, outcome: Result<(), Failure>) -> Option<Self> {
        let lifecycle = self.deployment.lifecycle.settled(outcome)?;
        let deployment = Deployment { lifecycle, ..self.deployment.clone() };
        Some(Self { deployment, ..self.clone() })
    }

    /// With other updates of the runtime, which is the one thing that can be changed.
    #[must_use]
    pub fn updating_runtime(&self, runtime_updates: RuntimeUpdates) -> Self {
        let deployment = Deployment { runtime_updates, ..self.deployment.clone() };
        Self { deployment, ..self.clone() }
    }

    /// Whether it may be deleted: not while an alias of its function sends calls to it.
    ///
    /// # Errors
    /// [`Conflict::VersionInUse`], naming the aliases.
    pub fn check_deletion<'a>(
        &self,
        aliases: impl IntoIterator<Item = &'a Alias>,
    ) -> Result<(), LambdaError> {
        let users = aliases.into_iter().filter(|alias| alias.refers_to(self.number));
        let names: Vec<&str> = users.map(|alias| alias.name().as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(Conflict::VersionInUse(names.join(", ").into()).into())
    }
}

/// Compares the revision that the caller expects, if any, with that of a function, version or
/// alias.
pub(crate) fn check_revision(
    current: RevisionId,
    expected: Option<&str>,
) -> Result<(), LambdaError> {
    match expected {
        Some(expected) if !current.matches(expected) => Err(StaleRevision::Function.into()),
        _ => Ok(()),
    }
}

/// What `DeleteFunction` deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteScope {
    /// The function with everything that belongs to it.
    Function,
    /// One version; none if it does not exist (`[snap] aws-lambda.md §4.4`).
    Version(VersionNumber),
    /// Nothing: a number that no version has. The function must exist all the same.
    Nothing,
}

impl DeleteScope {
    /// Reads the target of `DeleteFunction`. Comes before any look-up.
    ///
    /// # Errors
    /// [`InvalidParameter::LatestDeletion`] and [`InvalidParameter::AliasDeletion`].
    pub fn of(target: &Target) -> Result<Self, LambdaError> {
        match &target.qualifier {
            None => Ok(Self::Function),
            Some(Qualifier::Version(number)) => Ok(Self::Version(*number)),
            Some(Qualifier::Latest) => Err(InvalidParameter::LatestDeletion.into()),
            Some(unresolvable) if unresolvable.is_numeric() => Ok(Self::Nothing),
            Some(Qualifier::Alias(_) | Qualifier::Unresolvable(_)) => {
                Err(InvalidParameter::AliasDeletion.into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
