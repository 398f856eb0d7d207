//! Organizations `DescribeCreateAccountStatus`: what came of a request for an account.

use portcullis_model::organizations::{
    operation::DescribeCreateAccountStatus,
    types::{DescribeCreateAccountStatusInput, DescribeCreateAccountStatusOutput},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::organizations::{self, parsed},
};

pub(crate) async fn describe_create_account_status(
    cx: &RequestCx<'_>,
    input: DescribeCreateAccountStatusInput,
) -> Result<Answer<DescribeCreateAccountStatusOutput>, ApiError> {
    let permit = cx.organization::<DescribeCreateAccountStatus>()?;
    let id = parsed(&input.create_account_request_id)?;
    let request = cx.snapshot.describe_create_account_status(permit, &id)?;
    let status = organizations::create_account_status(&id, &request);
    Ok(Answer::Output(DescribeCreateAccountStatusOutput { create_account_status: Some(status) }))
}
