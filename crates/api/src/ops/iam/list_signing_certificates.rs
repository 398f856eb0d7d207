//! IAM `ListSigningCertificates`: the signing certificates of a user: nobody has one here.

use portcullis_model::iam::{
    operation::ListSigningCertificates,
    types::{ListSigningCertificatesInput, ListSigningCertificatesOutput},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam};

pub(crate) async fn list_signing_certificates(
    cx: &RequestCx<'_>,
    input: ListSigningCertificatesInput,
) -> Result<Answer<ListSigningCertificatesOutput>, ApiError> {
    let permit = cx.key_holder::<ListSigningCertificates>(input.user_name.as_deref())?;
    cx.snapshot.has_nothing(permit)?;
    iam::no_marker(input.marker.as_deref())?;
    Ok(Answer::Output(ListSigningCertificatesOutput {
        certificates: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    }))
}
