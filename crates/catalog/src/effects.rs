//! What each operation does once it is permitted: it consumes the permit, runs the domain's rule on
//! the newest snapshot, and commits what the rule gives.
//!
//! The effect acts on the resource in the permit. Reads go the same way as writes: without a permit
//! there is no answer either.

mod access_keys;
mod account;
mod aliases;
mod attachments;
mod code_signing;
mod concurrency;
mod entities;
mod event_invokes;
mod event_sources;
mod events;
mod functions;
mod groups;
mod iam_tags;
mod invocations;
mod last_uses;
mod layer_permissions;
mod layers;
mod managed_policies;
mod membership;
mod oidc_providers;
mod organization_policies;
mod organization_tags;
mod organizations;
mod permissions;
mod provisioned;
mod roles;
mod runtime_updates;
mod sessions;
mod start;
mod tags;
mod urls;
mod users;
mod versions;
mod without;

pub use account::{AccountDetail, AccountNumbers};
pub use attachments::{
    AttachPolicy, DeleteBoundary, DetachPolicy, HolderFilter, ListAttachedPolicies, PolicyHolder,
    PutBoundary,
};
pub use concurrency::AccountUsage;
pub use entities::{
    DeleteInlinePolicy, GetInlinePolicy, ListEntities, ListInlinePolicies, PutInlinePolicy,
};
pub use event_sources::MappingFilter;
pub use events::{PermittedEvent, SendsEvents};
pub use functions::{NewFunction, Page, Resolved, SettleScope};
pub use iam_tags::{ListEntityTags, TagEntity, UntagEntity};
pub use invocations::RunsFunctions;
pub use managed_policies::{PolicyFilter, PolicyUse, ShownPolicy};
pub use organization_policies::PolicyChange;
pub use permissions::ShowsPolicy;
pub use roles::{RoleSettings, UpdatesRole};
pub use sessions::{AssumesRole, SessionSettings};
pub use start::{RootKey, StartRefusal};
pub use users::{ShownUser, UserSettings};
pub use without::{ListsNothing, ListsNothingOfAccount, NamesPassword};

use portcullis_lambda::{FunctionArn, LambdaError, Lookup, Missing, NotFound, RevisionId, Target};
use std::sync::Arc;

use crate::{FunctionView, Snapshot};

/// A revision id that nobody had before.
fn fresh_revision() -> RevisionId {
    RevisionId::new(uuid::Uuid::new_v4())
}

impl Snapshot {
    /// The function of `target`, whose qualifier must exist too; the error is `lookup`'s.
    fn find(&self, target: &Target, lookup: Lookup) -> Result<&Arc<FunctionView>, LambdaError> {
        let missing = |missing| NotFound::of(lookup, target, missing);
        let function = self.function(&target.function).ok_or_else(|| missing(Missing::Function))?;
        if function.has(target.qualifier.as_ref()) {
            return Ok(function);
        }
        Err(missing(Missing::Qualifier).into())
    }

    /// The function itself, for operations that take no qualifier.
    fn find_function(
        &self,
        arn: &FunctionArn,
        lookup: Lookup,
    ) -> Result<&Arc<FunctionView>, LambdaError> {
        self.find(&Target::unqualified(arn.clone()), lookup)
    }
}
