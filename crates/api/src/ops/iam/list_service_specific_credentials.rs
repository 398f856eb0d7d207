//! IAM `ListServiceSpecificCredentials`: the passwords of a user for single services: nobody has
//! one here.

use portcullis_model::iam::{
    operation::ListServiceSpecificCredentials,
    types::{ListServiceSpecificCredentialsInput, ListServiceSpecificCredentialsOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn list_service_specific_credentials(
    cx: &RequestCx<'_>,
    input: ListServiceSpecificCredentialsInput,
) -> Result<Answer<ListServiceSpecificCredentialsOutput>, ApiError> {
    let permit = cx.key_holder::<ListServiceSpecificCredentials>(input.user_name.as_deref())?;
    cx.snapshot.has_nothing(permit)?;
    iam::no_marker(input.marker.as_deref())?;
    Ok(Answer::Output(ListServiceSpecificCredentialsOutput {
        service_specific_credentials: Some(Vec::new()),
        is_truncated: Some(false),
        marker: None,
    }))
}
