//! The Lambda domain: names, functions, versions, aliases, tags and resource policies, as pure
//! values and the rules between them.
//!
//! A rule takes the current value and what is asked, and gives the new value or a
//! [`LambdaError`] whose `Display` is the text that AWS sends. Time and fresh identifiers come in
//! as arguments ([`Fresh`]); what exists elsewhere (a version, another alias) comes in as an
//! argument too.
//!
//! Never here: I/O, clocks, randomness, HTTP status codes, the storage format.
#![forbid(unsafe_code)]

mod alias;
mod arn;
mod code_signing;
mod concurrency;
mod configuration;
mod dead_letter;
mod deployment;
mod error;
mod event;
mod event_invoke;
mod event_source;
mod function;
mod grant;
mod invalid;
mod layer;
mod layer_use;
mod lint;
mod names;
mod not_found;
mod policy;
mod provisioned;
mod qualifier;
mod recursion;
mod reference;
mod remedy;
mod revision;
mod runtime;
mod runtime_updates;
mod s3_object;
mod setting_arn;
mod settings;
mod tags;
mod url;

pub use alias::{Alias, AliasChange, AliasInput, AliasVersion, Routing};
pub use arn::{FunctionArn, Partition, Region, Target};
pub use code_signing::{CodeSigningConfig, CodeSigningInput, UntrustedArtifact};
pub use concurrency::{AccountConcurrency, ReservedConcurrency};
pub use configuration::{Configuration, ConfigurationChange, ConfigurationInput};
pub use dead_letter::DeadLetters;
pub use deployment::{
    CodePackage, CodeSha256, Deployment, Failure, FailureCode, Lifecycle, UNZIPPED_BYTES_MAX,
};
pub use error::{Conflict, InvalidParameter, LambdaError, StaleRevision};
pub use event::{
    Condition, EVENT_BYTES_MAX, EventAnswer, Next, Patience, QueuedEvent, RetryDelays,
};
pub use event_invoke::{
    Destinations, DestinationsInput, EventAgeSeconds, EventInvokeConfig, EventInvokeInput,
    RetryAttempts, event_qualifier,
};
pub use event_source::{
    EventSourceMapping, EventSourceRefusal, MappingExists, MappingInput, MappingState, NOT_POLLED,
    Setting, Settings, SourceKind,
};
pub use function::{
    DeleteScope, Function, FunctionParts, Publication, PublishRequest, PublishedVersion,
};
pub use grant::{Grant, GrantInput, GrantPrincipal, LayerGrant, LayerGrantInput, UrlAuthType};
pub use invalid::InvalidValue;
pub use layer::{
    CompatibleRuntime, Layer, LayerArn, LayerFilter, LayerInput, LayerName, LayerNotes,
    LayerVersion, LayerVersionArn, LicenseInfo,
};
pub use layer_use::{LAYERS_MAX, Layers, UsedLayer, WantedLayers};
pub use lint::{
    CONFUSED_DEPUTY, Facts, LAMBDA_ACTIONS, LAMBDA_KEYS, LAMBDA_RULES, lint, lint_grant,
};
pub use names::{AccountId, AliasName, FunctionName, StatementId, VersionNumber};
pub use not_found::{Lookup, Missing, NotFound};
pub use policy::{
    PolicyHead, PolicyVersion, RESOURCE_POLICY_BYTES_MAX, ResourcePolicy, Statement,
    applies_to_functions,
};
pub use provisioned::{
    ProvisionedCalls, ProvisionedConcurrency, check_provisioned, published_only,
};
pub use qualifier::Qualifier;
pub use recursion::RecursiveLoop;
pub use reference::{Endpoint, FunctionReference, Resolution};
pub use remedy::{AddPermissionCommand, NARROWING, NoCommand};
pub use revision::{Fresh, RevisionId};
pub use runtime::Runtime;
pub use runtime_updates::RuntimeUpdates;
pub use s3_object::{ObjectDenied, S3Object, is_bucket};
pub use setting_arn::{CodeSigningConfigArn, EventSourceMappingArn};
pub use settings::{
    ApplicationLogLevel, Architecture, ENVIRONMENT_BYTES_MAX, Environment,
    EphemeralStorageMegabytes, Handler, LogFormat, LogLevels, LoggingInput, MemoryMegabytes,
    RoleArn, SystemLogLevel, TimeoutSeconds, TracingMode, VpcInput,
};
pub use tags::{TAGS_MAX, Tags};
pub use url::{
    Cors, CorsHeader, CorsInput, FunctionUrl, InvokeMode, Preflight, UrlChange, UrlDomain, UrlId,
    UrlInput,
};
