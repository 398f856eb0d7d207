//! Whether Lambda may run functions as a role: it assumes the role itself, no request asks for it.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_iam::{Context, MapContext, Request, Value, decide};
use portcullis_identity::{Caller, ServiceIdentity, ServiceName, Source};
use portcullis_lambda::FunctionArn;

use super::{Keys, Supposed, SupposedCall};
use crate::{Resource as _, RoleResource, Snapshot, TrustingRole};

impl Snapshot {
    /// Whether Lambda may assume the role that `role_arn` names, to run functions as it.
    ///
    /// Never one that is service-linked: it is the service's own, and what an organization forbids an
    /// account holds neither for it (iam.md §7.1) nor for the account's code that would run as it.
    #[must_use]
    pub(crate) fn trusts_lambda(
        &self,
        role_arn: &str,
        function: &FunctionArn,
        now: Timestamp,
    ) -> bool {
        let known = self.role_of_arn(role_arn).filter(|role| !role.stored.is_service_linked());
        let role = known.and_then(|_| RoleResource::of_arn(role_arn));
        let assuming = Assuming { region: function.region(), now };
        role.is_some_and(|role| self.lets_lambda_in(&TrustingRole(role), &assuming))
    }

    /// Whether the role's trust policy lets Lambda in, and no resource control policy keeps it out.
    fn lets_lambda_in(&self, role: &TrustingRole, assuming: &Assuming<'_>) -> bool {
        let caller = lambda();
        let (principal, none) = (caller.principal().clone(), MapContext::new());
        let supposed = Supposed::Known(caller);
        let Ok(pools) = self.pools_of(&supposed, role) else { return false };
        let call = SupposedCall {
            principal: principal.as_str(),
            action: "sts:AssumeRole",
            resource: role.arn(),
            given: &none,
            usual: assuming,
            time: assuming.now,
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

/// What is known of a request that nobody sends, to run a function of a region: nothing of a network,
/// on which nobody could have listened.
struct Assuming<'a> {
    region: &'a str,
    now: Timestamp,
}

impl Context for Assuming<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        match key {
            "aws:securetransport" => Some(Value::Single("true".into())),
            "aws:viaawsservice" => Some(Value::Single("false".into())),
            "aws:requestedregion" => Some(Value::Single(self.region.into())),
            key => time_key(key, self.now),
        }
    }
}

/// What a condition key says of the time, if it is one that does: `aws:CurrentTime` in seconds of
/// ISO 8601, and `aws:EpochTime`. `key` is in lower case.
///
/// Source: iam.md §9.5.
#[must_use]
pub fn time_key<'a>(key: &str, now: Timestamp) -> Option<Value<'a>> {
    let text = match key {
        "aws:currenttime" => now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "aws:epochtime" => now.as_second().to_string(),
        _ => return None,
    };
    Some(Value::Single(text.into()))
}

/// Lambda itself.
fn lambda() -> Caller {
    #[expect(clippy::expect_used, reason = "the name of a service")]
    let name: ServiceName = "lambda.amazonaws.com".parse().expect("a service name");
    Caller::service(Arc::new(ServiceIdentity::new(name)), Source::default())
}
