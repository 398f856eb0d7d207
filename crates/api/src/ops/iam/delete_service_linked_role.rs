//! IAM `DeleteServiceLinkedRole`: a service's own role goes, at once. The answer names a task, since
//! AWS takes a while.

use portcullis_model::iam::{
    operation::DeleteServiceLinkedRole,
    types::{DeleteServiceLinkedRoleInput, DeleteServiceLinkedRoleOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn delete_service_linked_role(
    cx: &RequestCx<'_>,
    input: DeleteServiceLinkedRoleInput,
) -> Result<Answer<DeleteServiceLinkedRoleOutput>, ApiError> {
    let permit = cx.role::<DeleteServiceLinkedRole>(&input.role_name)?;
    let role = cx.state.catalog.delete_service_linked_role(permit).await?;
    let deletion_task_id = format!("task{}{}/{}", role.path, role.name, uuid::Uuid::new_v4());
    Ok(Answer::Output(DeleteServiceLinkedRoleOutput { deletion_task_id }))
}
