//! IAM `ListInstanceProfiles`: the instance profiles of an account: there are none here.

use portcullis_model::iam::{
    operation::ListInstanceProfiles,
    types::{ListInstanceProfilesInput, ListInstanceProfilesOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn list_instance_profiles(
    cx: &RequestCx<'_>,
    input: ListInstanceProfilesInput,
) -> Result<Answer<ListInstanceProfilesOutput>, ApiError> {
    cx.snapshot.account_has_nothing(
        cx.list_under::<ListInstanceProfiles>("instance-profile", input.path_prefix.as_deref())?,
    );
    iam::no_marker(input.marker.as_deref())?;
    Ok(Answer::Output(ListInstanceProfilesOutput {
        instance_profiles: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    }))
}
