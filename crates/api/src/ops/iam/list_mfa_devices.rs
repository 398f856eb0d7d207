//! IAM `ListMFADevices`: the second factors of a user: nobody has one here.

use portcullis_model::iam::{
    operation::ListMFADevices,
    types::{ListMFADevicesInput, ListMFADevicesOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn list_mfa_devices(
    cx: &RequestCx<'_>,
    input: ListMFADevicesInput,
) -> Result<Answer<ListMFADevicesOutput>, ApiError> {
    let permit = cx.key_holder::<ListMFADevices>(input.user_name.as_deref())?;
    cx.snapshot.has_nothing(permit)?;
    iam::no_marker(input.marker.as_deref())?;
    Ok(Answer::Output(ListMFADevicesOutput {
        mfa_devices: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    }))
}
