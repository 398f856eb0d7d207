//! IAM `GetServiceLinkedRoleDeletionStatus`: what has become of a deletion. It had succeeded when it
//! was answered; that is what any task of this form stands for.

use portcullis_catalog::{Permit, RoleResource};
use portcullis_identity::{IdentityError, Path, RoleName};
use portcullis_model::iam::{
    operation::GetServiceLinkedRoleDeletionStatus,
    types::{
        DeletionTaskStatusType, GetServiceLinkedRoleDeletionStatusInput,
        GetServiceLinkedRoleDeletionStatusOutput,
    },
};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn get_service_linked_role_deletion_status(
    cx: &RequestCx<'_>,
    input: GetServiceLinkedRoleDeletionStatusInput,
) -> Result<Answer<GetServiceLinkedRoleDeletionStatusOutput>, ApiError> {
    cx.snapshot.deletion_has_succeeded(permit(cx, &input.deletion_task_id)?);
    Ok(Answer::Output(GetServiceLinkedRoleDeletionStatusOutput {
        status: DeletionTaskStatusType::Succeeded,
        reason: None,
    }))
}

fn permit(
    cx: &RequestCx<'_>,
    task: &str,
) -> Result<Permit<GetServiceLinkedRoleDeletionStatus, RoleResource>, ApiError> {
    let missing = || IdentityError::NoSuchDeletionTask(task.into());
    let (path, name) = role_of(task).ok_or_else(missing)?;
    let resource = RoleResource::under(cx.state.partition, cx.account(), path, name);
    cx.authorize(resource, &Parameters::default())
}

/// The role of `task/aws-service-role/SERVICE/ROLE/UUID`.
fn role_of(task: &str) -> Option<(Path, RoleName)> {
    let ["task", "aws-service-role", service, role, id] = *task.split('/').collect::<Vec<_>>()
    else {
        return None;
    };
    uuid::Uuid::parse_str(id).ok()?;
    let path = format!("/aws-service-role/{service}/").parse().ok()?;
    Some((path, role.parse().ok()?))
}
