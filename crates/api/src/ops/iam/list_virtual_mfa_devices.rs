//! IAM `ListVirtualMFADevices`: the second factors of an account: there are none here.

use portcullis_model::iam::{
    operation::ListVirtualMFADevices,
    types::{ListVirtualMFADevicesInput, ListVirtualMFADevicesOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn list_virtual_mfa_devices(
    cx: &RequestCx<'_>,
    input: ListVirtualMFADevicesInput,
) -> Result<Answer<ListVirtualMFADevicesOutput>, ApiError> {
    cx.snapshot.account_has_nothing(cx.list_under::<ListVirtualMFADevices>("mfa", None)?);
    iam::no_marker(input.marker.as_deref())?;
    Ok(Answer::Output(ListVirtualMFADevicesOutput {
        virtual_mfa_devices: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    }))
}
