//! IAM `ListSSHPublicKeys`: the SSH keys of a user: nobody has one here.

use portcullis_model::iam::{
    operation::ListSSHPublicKeys,
    types::{ListSSHPublicKeysInput, ListSSHPublicKeysOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn list_ssh_public_keys(
    cx: &RequestCx<'_>,
    input: ListSSHPublicKeysInput,
) -> Result<Answer<ListSSHPublicKeysOutput>, ApiError> {
    let permit = cx.key_holder::<ListSSHPublicKeys>(input.user_name.as_deref())?;
    cx.snapshot.has_nothing(permit)?;
    iam::no_marker(input.marker.as_deref())?;
    Ok(Answer::Output(ListSSHPublicKeysOutput {
        ssh_public_keys: Some(Vec::new()),
        is_truncated: Some(false),
        marker: None,
    }))
}
