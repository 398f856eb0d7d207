//! What supposed calls are about: the resource that an ARN names, with the policies and the condition
//! keys that the operations on it find.

use portcullis_iam::{Arn, Value};
use portcullis_identity::{AccountId, PolicyArn, PolicyOwner, organization::TaggableId};
use portcullis_lambda::{
    CodeSigningConfigArn, EventSourceMappingArn, LayerArn, LayerVersionArn, Target,
};

use super::CannotSuppose;
use crate::{
    FunctionResource, GroupResource, LayerResource, LayerVersionResource, OidcProviderResource,
    OrganizationResource, PolicyResource, Resource, RoleResource, Snapshot, TrustingRole,
    Unreadable, UserResource, WholeAccount,
    authorize::url_key,
    decisions::Documents,
    taggable::{CodeSigningConfigResource, EventSourceMappingResource},
};

/// The resource that an ARN names to `action`, if it is the account's; it need not exist. AWS's own
/// managed policies are everybody's, as to the operations on them.
pub(super) fn owned_resource(
    snapshot: &Snapshot,
    arn: &str,
    action: &str,
    owner: AccountId,
) -> Result<Box<dyn Resource>, CannotSuppose> {
    if arn == "*" {
        return Ok(Box::new(WholeAccount(owner)));
    }
    if let Ok(policy) = arn.parse::<PolicyArn>()
        && matches!(policy.owner(), PolicyOwner::Aws)
    {
        return Ok(Box::new(PolicyResource::new(policy, owner)));
    }
    if Arn::split(arn).map(|arn| arn.account().to_owned()).as_deref() != Some(owner.as_str()) {
        return Err(CannotSuppose::NotOwned(arn.into()));
    }
    let known = of_lambda(arn, action).or_else(|| of_iam(snapshot, arn, action, owner));
    let known = known.or_else(|| of_organization(snapshot, arn, owner));
    Ok(known.unwrap_or_else(|| Box::new(Other { arn: arn.into(), owner })))
}

fn some<R: Resource + 'static>(resource: R) -> Option<Box<dyn Resource>> {
    Some(Box::new(resource))
}

fn of_lambda(arn: &str, action: &str) -> Option<Box<dyn Resource>> {
    if let Ok(target) = arn.parse::<Target>() {
        let function = FunctionResource::new(target);
        let by_url = action.eq_ignore_ascii_case("lambda:InvokeFunctionUrl");
        return if by_url { some(ByUrl(function)) } else { some(function) };
    }
    if let Ok(version) = arn.parse::<LayerVersionArn>() {
        return some(LayerVersionResource(version));
    }
    if let Ok(layer) = arn.parse::<LayerArn>() {
        return some(LayerResource(layer));
    }
    if let Ok(config) = arn.parse::<CodeSigningConfigArn>() {
        return some(CodeSigningConfigResource(config));
    }
    some(EventSourceMappingResource::from(arn.parse::<EventSourceMappingArn>().ok()?))
}

fn of_iam(
    snapshot: &Snapshot,
    arn: &str,
    action: &str,
    owner: AccountId,
) -> Option<Box<dyn Resource>> {
    if let Some(role) = RoleResource::of_arn(arn) {
        let assumes = action.to_ascii_lowercase().starts_with("sts:assumerole");
        return if assumes { some(TrustingRole(role)) } else { some(role) };
    }
    if let Some(user) = UserResource::of_arn(arn) {
        return some(user);
    }
    if let Some(group) = GroupResource::of_arn(arn) {
        return some(group);
    }
    if let Ok(policy) = arn.parse() {
        return some(PolicyResource::new(policy, owner));
    }
    some(OidcProviderResource::of_arn(snapshot.partition(), arn).ok()?)
}

fn of_organization(snapshot: &Snapshot, arn: &str, owner: AccountId) -> Option<Box<dyn Resource>> {
    let part: TaggableId = arn.rsplit('/').next()?.parse().ok()?;
    let resource = OrganizationResource::new(snapshot, owner, part);
    if resource.arn() == arn { some(resource) } else { None }
}

/// A function as calls through its URL find it: with what is known of the URL, if it has one.
struct ByUrl(FunctionResource);

impl Resource for ByUrl {
    fn arn(&self) -> &str {
        self.0.arn()
    }

    fn account(&self) -> &str {
        self.0.account()
    }

    fn policies(&self, snapshot: &Snapshot) -> Result<Documents, Unreadable> {
        self.0.policies(snapshot)
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let url = snapshot.url_of(self.0.target());
        url.and_then(|url| url_key(url, key)).or_else(|| self.0.condition_key(snapshot, key))
    }
}

/// A resource without policies of its own.
struct Other {
    arn: Box<str>,
    owner: AccountId,
}

impl Resource for Other {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.owner.as_str()
    }
}
