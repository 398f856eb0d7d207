//! The state of the service: what the store holds, as one compiled, in-memory view; who may do what
//! with it; and the effects that change it.
//!
//! - [`documents`]: the stored form of every value; [`address`]: under which key it lives.
//! - [`Snapshot`]: all values at one revision of the store, policies compiled. Readers never lock.
//! - [`Catalog`]: the current snapshot, kept by the store's watch, and transactions on it.
//! - [`authorize`](Snapshot::authorize): the one place that asks the policy engine; it makes the
//!   [`Permit`] that every effect consumes.
//! - [`decisions`]: what each decision was made of, the last ones in memory, all of them in a log.
//! - [`SupposedCall`]: what would be decided about a call that nobody made, and who may make it.
//! - [`effects`]: what an operation does once it is permitted: a domain rule and one transaction.
//!
//! Architecture invariant: nothing here knows HTTP, a status code or a wire form.
#![forbid(unsafe_code)]

pub mod address;
mod attached;
mod authorize;
mod catalog;
mod code_signing;
pub mod decisions;
pub mod documents;
pub mod effects;
mod entities;
mod event_sources;
mod groups;
mod layers;
mod managed;
mod organizations;
mod reservations;
mod resources;
mod snapshot;
mod supposed;
mod taggable;
mod uses;
mod view;
mod written;

pub use attached::AttachedPolicy;
pub use authorize::{
    Access, CONSTANT_DECISION, Denial, DenialReason, Permit, Resource, Unreadable, UrlRule,
};
pub(crate) use catalog::Plan;
pub use catalog::{Catalog, CatalogError, Changes, Failure};
pub use layers::LayerView;
pub use managed::ManagedPolicyView;
pub use organizations::{OrganizationPolicyView, OrganizationView};
pub use resources::{
    EntityName, EntityResource, FederatedUserResource, FunctionResource, GroupResource,
    Installation, KeyHolder, LayerResource, LayerVersionResource, OidcProviderResource,
    OrganizationPart, OrganizationResource, OwnerOfKey, PolicyResource, PolicySource, RoleResource,
    RootResource, S3ObjectResource, TrustingRole, UserResource, WholeAccount, WholeOrganization,
    tag_value,
};
pub use snapshot::Snapshot;
pub use supposed::{
    CannotSuppose, Evaluation, Excluded, ExcludedInline, ExcludedKind, Given, Matched,
    PolicyArnPattern, Position, Proviso, Simulation, SourceKind, SupposedCall, time_key,
};
pub use taggable::{CodeSigningConfigResource, EventSourceMappingResource, TaggableResource};
pub use uses::Uses;
pub use view::{
    AccessKeyView, EntityView, FunctionView, GroupView, LastSigningKey, PolicyView, RoleView,
    UserView, Versioned,
};
