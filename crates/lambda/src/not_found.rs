//! What each operation says when something is not there.
//!
//! The texts differ per operation for the same cause (`[snap] aws-lambda.md §4.6`), so they are
//! one table here and nobody writes them elsewhere.

use crate::{FunctionArn, LayerVersionArn, Target};

/// The operation that looks something up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// `GetFunction`, `GetFunctionConfiguration`.
    GetFunction,
    /// `Invoke`.
    Invoke,
    /// `AddPermission`.
    AddPermission,
    /// `GetPolicy`.
    GetPolicy,
    /// `RemovePermission`.
    RemovePermission,
    /// `CreateAlias`; the target is qualified by the alias' `FunctionVersion`.
    CreateAlias,
    /// `GetAlias`; the target is qualified by the alias.
    GetAlias,
    /// `UpdateAlias`; the target is qualified by the alias, or by the version it shall get.
    UpdateAlias,
    /// `CreateFunctionUrlConfig`, `UpdateFunctionUrlConfig`, `ListFunctionUrlConfigs`: the function
    /// or alias.
    UrlTarget,
    /// `GetFunctionUrlConfig`, `DeleteFunctionUrlConfig`; and `UpdateFunctionUrlConfig` when only
    /// the URL is missing.
    Url,
    /// `PutFunctionConcurrency`.
    PutConcurrency,
    /// `PutFunctionEventInvokeConfig`, `UpdateFunctionEventInvokeConfig`,
    /// `ListFunctionEventInvokeConfigs`: the function, version or alias.
    EventInvokeTarget,
    /// `GetFunctionEventInvokeConfig`, `DeleteFunctionEventInvokeConfig`; and
    /// `UpdateFunctionEventInvokeConfig` when only the configuration is missing.
    EventInvokeConfig,
    /// `PutProvisionedConcurrencyConfig`, `GetProvisionedConcurrencyConfig`,
    /// `DeleteProvisionedConcurrencyConfig`: the function, version or alias.
    Provisioned,
    /// Operations on the function as a whole: `DeleteFunction`, `DeleteAlias`, the updates,
    /// `PublishVersion`, the lists, tags.
    Function,
}

/// Which part of the target is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The function itself.
    Function,
    /// The function is there, its version or alias is not.
    Qualifier,
}

/// A thing that is not there. `Display` is the whole text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// Most operations.
    #[error("Function not found: {0}")]
    Function(Target),
    /// The policy and alias operations, for an alias.
    #[error("Cannot find alias arn: {0}")]
    AliasArn(Target),
    /// `UpdateAlias`.
    #[error("Alias not found: {0}")]
    Alias(Target),
    /// `GetPolicy` and the operations on function URLs, for everything.
    #[error("The resource you requested does not exist.")]
    Resource,
    /// The operations on function URLs, for a function or alias.
    #[error("Function does not exist")]
    UrlTarget,
    /// The operations that set how events are handled, for a function, version or alias.
    #[error("The function doesn't exist.")]
    EventInvokeTarget,
    /// The operations on how events are handled, for what is not configured or not there.
    #[error("The function {0} doesn't have an EventInvokeConfig")]
    EventInvokeConfig(Target),
    /// `RemovePermission`, when the function is missing.
    #[error("No policy found for: {0}")]
    PolicyFor(Target),
    /// The operations on the policy of a layer version, when that is missing (`[snap] §3.3`).
    #[error("Layer version {0} does not exist.")]
    LayerVersion(LayerVersionArn),
    /// `RemovePermission`, when the resource has no policy.
    #[error("No policy is associated with the given resource.")]
    NoPolicy,
    /// `RemovePermission`, when the policy has no such statement.
    #[error("Statement {0} is not found in resource policy.")]
    Statement(Box<str>),
    /// The tag operations, for an event source mapping (`[snap] §4.6`); carries its ARN.
    #[error("Event source mapping not found: {0}")]
    EventSourceMapping(Box<str>),
    /// The tag operations, for a capacity provider (`[snap] §4.6`); carries its ARN.
    #[error("Capacity provider not found: {0}")]
    CapacityProvider(Box<str>),
    /// Any operation, by an ARN of another region (`[snap] §4.5`).
    #[error("Functions from '{region}' are not reachable in this region ('{endpoint}')")]
    WrongRegion {
        /// The region in the ARN.
        region: Box<str>,
        /// The region of this endpoint.
        endpoint: Box<str>,
    },
}

impl NotFound {
    /// What `lookup` says when `missing` of `target` is not there.
    #[must_use]
    pub fn of(lookup: Lookup, target: &Target, missing: Missing) -> Self {
        use crate::Qualifier::{Alias, Latest};
        let whole = || Target::unqualified(target.function.clone());
        let is_alias = matches!(target.qualifier, Some(Alias(_)));
        match (lookup, missing) {
            (Lookup::GetFunction | Lookup::CreateAlias, _) => Self::Function(target.clone()),
            (Lookup::Provisioned, _) => {
                let is_numeric =
                    target.qualifier.as_ref().is_some_and(crate::Qualifier::is_numeric);
                if is_numeric {
                    Self::Function(target.clone())
                } else {
                    Self::AliasArn(target.clone())
                }
            }
            (Lookup::EventInvokeTarget, _) => Self::EventInvokeTarget,
            (Lookup::EventInvokeConfig, _) => {
                let qualifier = crate::event_qualifier(target);
                Self::EventInvokeConfig(Target::qualified(target.function.clone(), qualifier))
            }
            (Lookup::Invoke | Lookup::PutConcurrency, _) => {
                let qualifier = target.qualifier.clone().unwrap_or(Latest);
                Self::Function(Target::qualified(target.function.clone(), qualifier))
            }
            (Lookup::AddPermission | Lookup::RemovePermission, Missing::Qualifier) if is_alias => {
                Self::AliasArn(target.clone())
            }
            (Lookup::AddPermission, Missing::Qualifier) => Self::Function(target.clone()),
            (Lookup::RemovePermission, Missing::Qualifier) => Self::PolicyFor(target.clone()),
            (Lookup::RemovePermission, Missing::Function) => Self::PolicyFor(whole()),
            (Lookup::GetPolicy | Lookup::Url, _) => Self::Resource,
            (Lookup::UrlTarget, _) => Self::UrlTarget,
            (Lookup::GetAlias, _) => Self::AliasArn(target.clone()),
            (Lookup::UpdateAlias, _) if is_alias => Self::Alias(target.clone()),
            (Lookup::UpdateAlias, _) => Self::Function(target.clone()),
            (Lookup::AddPermission, Missing::Function) | (Lookup::Function, _) => {
                Self::Function(whole())
            }
        }
    }

    /// The function as a whole is missing, for the operations of [`Lookup::Function`].
    #[must_use]
    pub fn function(function: FunctionArn) -> Self {
        Self::Function(Target::unqualified(function))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Qualifier;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    #[track_caller]
    fn check(lookup: Lookup, qualifier: &str, missing: Missing, want: &str) {
        let qualifier = Some(qualifier).filter(|q| !q.is_empty()).map(Qualifier::parse);
        let target = Target { function: ARN.parse().unwrap(), qualifier };
        let got = NotFound::of(lookup, &target, missing).to_string();
        assert_eq!(got, want.replace("ARN", ARN), "{lookup:?} {target} {missing:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn each_operation_has_its_own_text() {
        use Lookup as L;
        use Missing::{Function as F, Qualifier as Q};
        check(L::GetFunction,      "",     F, "Function not found: ARN");
        check(L::GetFunction,      "42",   F, "Function not found: ARN:42");
        check(L::GetFunction,      "42",   Q, "Function not found: ARN:42");
        check(L::GetFunction,      "prod", Q, "Function not found: ARN:prod");
        check(L::Invoke,           "",     F, "Function not found: ARN:$LATEST");
        check(L::Invoke,           "prod", F, "Function not found: ARN:prod");
        check(L::Invoke,           "42",   Q, "Function not found: ARN:42");
        check(L::AddPermission,    "",     F, "Function not found: ARN");
        check(L::AddPermission,    "42",   F, "Function not found: ARN");
        check(L::AddPermission,    "42",   Q, "Function not found: ARN:42");
        check(L::AddPermission,    "prod", Q, "Cannot find alias arn: ARN:prod");
        check(L::AddPermission,    "a-$-b", Q, "Function not found: ARN:a-$-b");
        check(L::GetPolicy,        "",     F, "The resource you requested does not exist.");
        check(L::GetPolicy,        "42",   Q, "The resource you requested does not exist.");
        check(L::GetPolicy,        "prod", Q, "The resource you requested does not exist.");
        check(L::RemovePermission, "",     F, "No policy found for: ARN");
        check(L::RemovePermission, "42",   Q, "No policy found for: ARN:42");
        check(L::RemovePermission, "prod", Q, "Cannot find alias arn: ARN:prod");
        check(L::GetAlias,         "prod", F, "Cannot find alias arn: ARN:prod");
        check(L::GetAlias,         "prod", Q, "Cannot find alias arn: ARN:prod");
        check(L::UpdateAlias,      "prod", F, "Alias not found: ARN:prod");
        check(L::UpdateAlias,      "prod", Q, "Alias not found: ARN:prod");
        check(L::UpdateAlias,      "42",   Q, "Function not found: ARN:42");
        check(L::CreateAlias,      "1",    F, "Function not found: ARN:1");
        check(L::CreateAlias,      "1",    Q, "Function not found: ARN:1");
        check(L::PutConcurrency,   "",     F, "Function not found: ARN:$LATEST");
        check(L::Provisioned, "prod", F, "Cannot find alias arn: ARN:prod");
        check(L::Provisioned, "prod", Q, "Cannot find alias arn: ARN:prod");
        check(L::Provisioned, "$latest", Q, "Cannot find alias arn: ARN:$latest");
        check(L::Provisioned, "1",    F, "Function not found: ARN:1");
        check(L::Provisioned, "007",  Q, "Function not found: ARN:007");
        check(L::EventInvokeTarget, "prod", Q, "The function doesn't exist.");
        check(L::EventInvokeConfig, "",    F, "The function ARN:$LATEST doesn't have an EventInvokeConfig");
        check(L::EventInvokeConfig, "1",   Q, "The function ARN:1 doesn't have an EventInvokeConfig");
        check(L::Function,         "",     F, "Function not found: ARN");
        check(L::Function,         "42",   F, "Function not found: ARN");
    }

    #[test]
    fn the_policy_texts_are_exact() {
        assert_eq!(
            NotFound::NoPolicy.to_string(),
            "No policy is associated with the given resource."
        );
        assert_eq!(
            NotFound::Statement("non-existent".into()).to_string(),
            "Statement non-existent is not found in resource policy."
        );
    }
}
