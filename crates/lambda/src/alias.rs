//! Aliases: names for versions, with an optional share of the traffic for a second one.

use crate::function::check_revision;
use crate::settings::Description;
use crate::{
    AliasName, Conflict, FunctionArn, InvalidParameter, InvalidValue, LambdaError, Lookup, Missing,
    NotFound, Qualifier, RevisionId, Target, VersionNumber,
};

/// The version that an alias stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasVersion {
    /// `$LATEST`; then there is no routing.
    Latest,
    /// A published version.
    Number(VersionNumber),
}

impl AliasVersion {
    /// The number, unless it is `$LATEST`.
    #[must_use]
    pub fn number(self) -> Option<VersionNumber> {
        match self {
            Self::Latest => None,
            Self::Number(number) => Some(number),
        }
    }

    /// The version as a qualifier.
    #[must_use]
    pub fn qualifier(self) -> Qualifier {
        match self {
            Self::Latest => Qualifier::Latest,
            Self::Number(number) => Qualifier::Version(number),
        }
    }
}

/// The share of the calls that goes to a second version.
///
/// Invariant: the weight is from 0.0 to 1.0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routing {
    version: VersionNumber,
    weight: f64,
}

impl Routing {
    /// Checks a weight.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not from 0.0 to 1.0.
    pub fn new(version: VersionNumber, weight: f64) -> Result<Self, InvalidValue> {
        if (0.0..=1.0).contains(&weight) {
            return Ok(Self { version, weight });
        }
        Err(InvalidValue::new("version weight", &weight.to_string(), "0.0 to 1.0"))
    }

    /// The second version.
    #[must_use]
    pub fn version(&self) -> VersionNumber {
        self.version
    }

    /// Its share, 0.0 to 1.0.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }
}

/// What `CreateAlias` asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct AliasInput {
    /// `Name`
    pub name: AliasName,
    /// `FunctionVersion`
    pub function_version: Qualifier,
    /// `Description`
    pub description: Option<String>,
    /// `RoutingConfig.AdditionalVersionWeights`, keys as they came.
    pub weights: Option<Vec<(String, f64)>>,
}

/// What `UpdateAlias` asks for; `None` leaves as it is, empty weights clear.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AliasChange {
    /// `FunctionVersion`
    pub function_version: Option<Qualifier>,
    /// `Description`
    pub description: Option<String>,
    /// `RoutingConfig.AdditionalVersionWeights`, keys as they came.
    pub weights: Option<Vec<(String, f64)>>,
    /// `RevisionId`
    pub expected: Option<String>,
}

/// An alias of a function.
///
/// Invariant: routing goes with a numbered version only, and to another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    function: FunctionArn,
    name: AliasName,
    version: AliasVersion,
    description: Description,
    routing: Option<Routing>,
    revision: RevisionId,
}

/// The versions of one function that exist, as a rule about aliases needs to know them.
struct Versions<'a> {
    function: &'a FunctionArn,
    exists: &'a dyn Fn(VersionNumber) -> bool,
    lookup: Lookup,
}

impl Versions<'_> {
    /// The version of this qualifier, if it exists.
    fn resolve(&self, qualifier: &Qualifier) -> Result<AliasVersion, LambdaError> {
        match qualifier {
            Qualifier::Latest => Ok(AliasVersion::Latest),
            Qualifier::Version(number) if (self.exists)(*number) => {
                Ok(AliasVersion::Number(*number))
            }
            missing => {
                let target = Target::qualified(self.function.clone(), missing.clone());
                Err(NotFound::of(self.lookup, &target, Missing::Qualifier).into())
            }
        }
    }

    /// The routing that the weights ask for beside `own`; none when they are empty
    /// (`[snap] aws-lambda.md §6.6`).
    fn routing(
        &self,
        own: AliasVersion,
        weights: &[(String, f64)],
    ) -> Result<Option<Routing>, LambdaError> {
        let (key, weight) = match weights {
            [] => return Ok(None),
            [(key, weight)] => (key, *weight),
            _ => return Err(InvalidParameter::TooManyWeights.into()),
        };
        let other = Qualifier::parse(key);
        check_routing(own, &other)?;
        match self.resolve(&other)? {
            AliasVersion::Latest => Err(LambdaError::WeightedLatest),
            AliasVersion::Number(number) => Ok(Some(Routing::new(number, weight)?)),
        }
    }
}

/// That calls can be shared between `own` and `other`.
fn check_routing(own: AliasVersion, other: &Qualifier) -> Result<(), LambdaError> {
    match (own, other) {
        (AliasVersion::Latest, _) => Err(LambdaError::WeightedLatest),
        (AliasVersion::Number(own), Qualifier::Version(other)) if own == *other => {
            Err(InvalidParameter::OwnVersionWeight(own).into())
        }
        (AliasVersion::Number(_), _) => Ok(()),
    }
}

impl Alias {
    /// `CreateAlias`. `exists` says which versions the function has, `taken` whether it has an
    /// alias of this name.
    ///
    /// # Errors
    /// [`NotFound::Function`] for a missing version, then [`Conflict::AliasExists`], then the
    /// rules of routing.
    pub fn create(
        function: &FunctionArn,
        input: AliasInput,
        exists: &dyn Fn(VersionNumber) -> bool,
        taken: bool,
        revision: RevisionId,
    ) -> Result<Self, LambdaError> {
        let versions = Versions { function, exists, lookup: Lookup::CreateAlias };
        let version = versions.resolve(&input.function_version)?;
        if taken {
            let qualifier = Qualifier::Alias(input.name);
            let target = Target::qualified(function.clone(), qualifier);
            return Err(Conflict::AliasExists(target).into());
        }
        let routing = versions.routing(version, input.weights.as_deref().unwrap_or_default())?;
        let description = input.description.unwrap_or_default().parse()?;
        let (function, name) = (function.clone(), input.name);
        Ok(Self { function, name, version, description, routing, revision })
    }

    /// `UpdateAlias`; a new revision even with equal values (`[snap] aws-lambda.md §6.4`).
    ///
    /// # Errors
    /// [`StaleRevision::Function`](crate::StaleRevision::Function), then [`NotFound::Function`],
    /// then the rules of routing, also for a routing that stays beside a changed version.
    pub fn update(
        &self,
        change: AliasChange,
        exists: &dyn Fn(VersionNumber) -> bool,
        revision: RevisionId,
    ) -> Result<Self, LambdaError> {
        check_revision(self.revision, change.expected.as_deref())?;
        let versions = Versions { function: &self.function, exists, lookup: Lookup::UpdateAlias };
        let asked = change.function_version.map(|qualifier| versions.resolve(&qualifier));
        let version = asked.transpose()?.unwrap_or(self.version);
        let routing = match &change.weights {
            Some(weights) => versions.routing(version, weights)?,
            None => self.routing,
        };
        let description = match change.description {
            Some(description) => description.parse()?,
            None => self.description.clone(),
        };
        let (function, name) = (self.function.clone(), self.name.clone());
        Self { function, name, version, description, routing, revision }.checked()
    }

    /// An alias from its parts, as they were stored.
    ///
    /// # Errors
    /// Those of the rules of routing.
    pub fn restore(
        function: FunctionArn,
        name: AliasName,
        version: AliasVersion,
        description: &str,
        routing: Option<Routing>,
        revision: RevisionId,
    ) -> Result<Self, LambdaError> {
        let description = description.parse()?;
        Self { function, name, version, description, routing, revision }.checked()
    }

    /// The alias, if the invariant holds.
    fn checked(self) -> Result<Self, LambdaError> {
        if let Some(routing) = self.routing {
            check_routing(self.version, &Qualifier::Version(routing.version))?;
        }
        Ok(self)
    }

    /// Its qualified ARN.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::qualified(self.function.clone(), Qualifier::Alias(self.name.clone()))
    }

    /// The function that it belongs to.
    #[must_use]
    pub fn function(&self) -> &FunctionArn {
        &self.function
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &AliasName {
        &self.name
    }

    /// The version that it stands for.
    #[must_use]
    pub fn version(&self) -> AliasVersion {
        self.version
    }

    /// `Description`, empty if none was given.
    #[must_use]
    pub fn description(&self) -> &str {
        self.description.as_str()
    }

    /// The second version, if there is one.
    #[must_use]
    pub fn routing(&self) -> Option<Routing> {
        self.routing
    }

    /// The `RevisionId`.
    #[must_use]
    pub fn revision(&self) -> RevisionId {
        self.revision
    }

    /// Whether calls to the alias can reach this version.
    #[must_use]
    pub fn refers_to(&self, number: VersionNumber) -> bool {
        let routed = self.routing.is_some_and(|routing| routing.version == number);
        self.version == AliasVersion::Number(number) || routed
    }

    /// The version that one call goes to. `chance` is uniform in `[0, 1)`: the second version
    /// gets the calls below its weight.
    #[must_use]
    pub fn pick(&self, chance: f64) -> AliasVersion {
        match self.routing {
            Some(routing) if chance < routing.weight => AliasVersion::Number(routing.version),
            _ => self.version,
        }
    }
}

#[cfg(test)]
mod tests;
