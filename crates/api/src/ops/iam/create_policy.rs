//! IAM `CreatePolicy`: a managed policy of the caller's account, its first version in force.

use portcullis_catalog::{Permit, PolicyResource};
use portcullis_identity::{NewPolicy, PolicyArn, PolicyOwner};
use portcullis_model::iam::{
    operation::CreatePolicy,
    types::{CreatePolicyInput, CreatePolicyOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn create_policy(
    cx: &RequestCx<'_>,
    input: CreatePolicyInput,
) -> Result<Answer<CreatePolicyOutput>, ApiError> {
    let new = NewPolicy {
        path: iam::parsed_or_none(input.path.as_deref())?.unwrap_or_default(),
        name: iam::parsed(&input.policy_name)?,
        document: input.policy_document.into(),
        description: input.description.map(Into::into),
        tags: iam::tags(input.tags.as_deref())?,
    };
    let permit = permit(cx, &new, input.tags.as_deref())?;
    let policy = cx.state.catalog.create_policy(permit, &new, cx.now()).await?;
    Ok(Answer::Output(CreatePolicyOutput {
        policy: Some(iam::created_policy(&policy, cx.state.partition)),
    }))
}

/// The permission to create, and to tag if there are tags.
fn permit(
    cx: &RequestCx<'_>,
    new: &NewPolicy,
    tags: Option<&[portcullis_model::iam::types::Tag]>,
) -> Result<Permit<CreatePolicy, PolicyResource>, ApiError> {
    let owner = PolicyOwner::Account(cx.account());
    let arn = PolicyArn::new(cx.state.partition, owner, &new.path, &new.name);
    let parameters = Parameters::default().creating(iam::pairs(tags));
    let permit = cx.authorize(PolicyResource::new(arn, cx.account()), &parameters)?;
    if !parameters.tags.is_empty() {
        cx.check("iam:TagPolicy", permit.resource(), &parameters)?;
    }
    Ok(permit)
}
