//! IAM `UpdateRole`: another description or longest session; what is not given stays.

use portcullis_model::iam::{
    operation::UpdateRole,
    types::{UpdateRoleInput, UpdateRoleOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn update_role(
    cx: &RequestCx<'_>,
    input: UpdateRoleInput,
) -> Result<Answer<UpdateRoleOutput>, ApiError> {
    let permit = cx.role::<UpdateRole>(&input.role_name)?;
    iam::unsupported(&[
        (input.max_signin_session_duration.is_some(), "MaxSigninSessionDuration"),
        (input.reset_max_signin_session_duration.is_some(), "ResetMaxSigninSessionDuration"),
    ])?;
    let description = iam::parsed_or_none(input.description.as_deref())?;
    let duration = iam::max_session_duration(input.max_session_duration)?;
    cx.state.catalog.update_role(permit, description, duration).await?;
    Ok(Answer::Output(UpdateRoleOutput {}))
}
