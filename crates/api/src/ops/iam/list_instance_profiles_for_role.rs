//! IAM `ListInstanceProfilesForRole`: the instance profiles that a role is in: there are none here.

use portcullis_model::iam::{
    operation::ListInstanceProfilesForRole,
    types::{ListInstanceProfilesForRoleInput, ListInstanceProfilesForRoleOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn list_instance_profiles_for_role(
    cx: &RequestCx<'_>,
    input: ListInstanceProfilesForRoleInput,
) -> Result<Answer<ListInstanceProfilesForRoleOutput>, ApiError> {
    let permit = cx.role::<ListInstanceProfilesForRole>(&input.role_name)?;
    cx.snapshot.has_no_instance_profile(permit)?;
    iam::no_marker(input.marker.as_deref())?;
    Ok(Answer::Output(ListInstanceProfilesForRoleOutput {
        instance_profiles: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    }))
}
