//! Whether Lambda may run functions as a role: it assumes the role itself, no request asks for it.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_iam::{MapContext, Request, decide};
use portcullis_identity::{Caller, ServiceIdentity, ServiceName, Source};

use super::{Keys, Supposed, SupposedCall};
use crate::{Resource as _, RoleResource, Snapshot, TrustingRole};

impl Snapshot {
    /// Whether Lambda may assume the role that `role_arn` names, to run functions as it.
    ///
    /// Never one that is service-linked: it is the service's own, and what an organization forbids an
    /// account holds neither for it (iam.md §7.1) nor for the account's code that would run as it.
    #[must_use]
    pub(crate) fn trusts_lambda(&self, role_arn: &str) -> bool {
        let known = self.role_of_arn(role_arn).filter(|role| !role.stored.is_service_linked());
        let role = known.and_then(|_| RoleResource::of_arn(role_arn));
        role.is_some_and(|role| self.lets_lambda_in(&TrustingRole(role)))
    }

    /// Whether the role's trust policy lets Lambda in, and no resource control policy keeps it out.
    fn lets_lambda_in(&self, role: &TrustingRole) -> bool {
        let caller = lambda();
        let (principal, none) = (caller.principal().clone(), MapContext::new());
        let supposed = Supposed::Known(caller);
        let Ok(pools) = self.pools_of(&supposed, role) else { return false };
        let call = SupposedCall {
            principal: principal.as_str(),
            action: "sts:AssumeRole",
            resource: role.arn(),
            given: &none,
            usual: &none,
            time: Timestamp::UNIX_EPOCH,
        };
        let keys = Keys::new(self, &call, role, &supposed, &principal);
        let request = Request {
            principal: &principal,
            action: call.action,
            resource: call.resource,
            resource_account: role.account(),
            context: &keys,
        };
        pools.ask(role.rule(), |policies| decide(&request, policies)).is_allowed()
    }
}

/// Lambda itself.
fn lambda() -> Caller {
    #[expect(clippy::expect_used, reason = "the name of a service")]
    let name: ServiceName = "lambda.amazonaws.com".parse().expect("a service name");
    Caller::service(Arc::new(ServiceIdentity::new(name)), Source::default())
}
