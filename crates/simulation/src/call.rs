//! A supposed call, checked: who, which action, on which resource, with which condition keys.

use std::borrow::Cow;

use portcullis_iam::{Arn, Principal, Request};

use crate::context::CallContext;
use crate::error::CaseError;

/// One call.
///
/// Invariant: `action` is `service:Name` without wildcards; `resource` is `*` or an ARN;
/// `resource_account` is 12 digits.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    principal: Principal,
    action: Cow<'a, str>,
    resource: Cow<'a, str>,
    resource_account: Cow<'a, str>,
    context: CallContext<'a>,
}

impl<'a> Call<'a> {
    /// A call of `action` by `principal` (an ARN, a service name, or `anonymous`) on `resource`, an
    /// ARN or `*`, that `resource_account` owns.
    ///
    /// A federated user is taken to be the session of the user of its own name: the form has no
    /// other way to say whose it is.
    ///
    /// # Errors
    /// [`CaseError`] naming the field that is none of these. A resource or an action that no call
    /// can have would be decided by what covers everything, hence is refused.
    pub fn new(
        principal: &str,
        action: impl Into<Cow<'a, str>>,
        resource: impl Into<Cow<'a, str>>,
        resource_account: impl Into<Cow<'a, str>>,
        context: CallContext<'a>,
    ) -> Result<Self, CaseError> {
        let (action, resource) = (action.into(), resource.into());
        let resource_account = resource_account.into();
        check_asked(&action, &resource, &resource_account)?;
        let principal = caller(principal)?;
        Ok(Self { principal, action, resource, resource_account, context })
    }

    /// The call as `iam` takes it.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: &self.resource_account,
            context: &self.context,
        }
    }
}

/// What every question is about, whoever calls: see [`Call::new`].
pub(crate) fn check_asked(action: &str, resource: &str, owner: &str) -> Result<(), CaseError> {
    if !is_action(action) {
        return Err(CaseError::new("action", "has to be service:Name, without wildcards"));
    }
    if resource != "*" && Arn::split(resource).is_none() {
        return Err(CaseError::new("resource.arn", "has to be \"*\" or an ARN of six fields"));
    }
    if !is_account(owner) {
        return Err(CaseError::new("resource.accountId", "has to be an account id: 12 digits"));
    }
    Ok(())
}

fn caller(text: &str) -> Result<Principal, CaseError> {
    let invalid = |error| CaseError::new("principal", format!("{error}"));
    let principal = Principal::parse(text).map_err(invalid)?;
    match text.split_once(":federated-user/") {
        None => Ok(principal),
        Some((head, name)) => {
            let parent = format!("{}:user/{name}", head.replacen(":sts:", ":iam:", 1));
            principal.with_parent(&parent).map_err(invalid)
        }
    }
}

fn is_action(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split_once(':').is_some_and(|(service, name)| part(service) && part(name))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
