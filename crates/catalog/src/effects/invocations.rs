//! What an invocation runs: the version behind the permitted target.

use portcullis_lambda::{LambdaError, Lookup};
use portcullis_model::lambda::operation::Invoke;

use super::Resolved;
use crate::{FunctionResource, Permit, Snapshot};

impl Snapshot {
    /// The version that this call runs. Where an alias routes by weight, `chance` (0 to 1, a new
    /// one each call) decides.
    ///
    /// # Errors
    /// What is missing; a version that is not ready, or failed.
    pub fn invocation(
        &self,
        permit: Permit<Invoke, FunctionResource>,
        chance: f64,
    ) -> Result<Resolved, LambdaError> {
        let target = permit.consume().into_target();
        let resolved = self.resolve(target, Lookup::Invoke, |alias| alias.pick(chance))?;
        resolved.deployment().check_invocable()?;
        Ok(resolved)
    }
}
