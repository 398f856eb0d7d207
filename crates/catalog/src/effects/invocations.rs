//! What an invocation runs: the version behind the permitted target.

use portcullis_lambda::{Alias, LambdaError, Lifecycle, Lookup};
use portcullis_model::lambda::operation::{Invoke, InvokeWithResponseStream};

use super::Resolved;
use crate::{FunctionResource, Permit, Snapshot};

/// The operations that run a function while the caller waits.
pub trait RunsFunctions {}

impl RunsFunctions for Invoke {}
impl RunsFunctions for InvokeWithResponseStream {}

impl Snapshot {
    /// Whether what `resource` names is still being created.
    #[must_use]
    pub fn is_pending(&self, resource: &FunctionResource) -> bool {
        let found = self.resolve(resource.target().clone(), Lookup::Invoke, Alias::version);
        found.is_ok_and(|found| found.deployment().lifecycle == Lifecycle::Pending)
    }

    /// The version that this call runs. Where an alias routes by weight, `chance` (0 to 1, a new
    /// one each call) decides.
    ///
    /// # Errors
    /// What is missing; a version that is not ready, or failed.
    pub fn invocation<A: RunsFunctions>(
        &self,
        permit: Permit<A, FunctionResource>,
        chance: f64,
    ) -> Result<Resolved, LambdaError> {
        let target = permit.consume().into_target();
        let resolved = self.resolve(target, Lookup::Invoke, |alias| alias.pick(chance))?;
        resolved.deployment().check_invocable()?;
        Ok(resolved)
    }
}
