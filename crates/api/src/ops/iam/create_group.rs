//! IAM `CreateGroup`: a group of the caller's account.

use portcullis_catalog::GroupResource;
use portcullis_model::iam::{
    operation::CreateGroup,
    types::{CreateGroupInput, CreateGroupOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

pub(crate) async fn create_group(
    cx: &RequestCx<'_>,
    input: CreateGroupInput,
) -> Result<Answer<CreateGroupOutput>, ApiError> {
    let path = iam::parsed_or_none(input.path.as_deref())?.unwrap_or_default();
    let name = iam::parsed(&input.group_name)?;
    let resource = GroupResource::under(cx.state.partition, cx.account(), path, name);
    let permit = cx.authorize::<CreateGroup, _>(resource, &Parameters::default())?;
    let group = cx.state.catalog.create_group(permit, cx.now()).await?;
    Ok(Answer::Output(CreateGroupOutput { group: iam::group(&group, cx.state.partition) }))
}
