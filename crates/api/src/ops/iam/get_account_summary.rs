//! IAM `GetAccountSummary`: how much of everything the caller's account has, and may have.

use portcullis_model::iam::{operation::GetAccountSummary, types::GetAccountSummaryOutput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam_account};

pub(crate) async fn get_account_summary(
    cx: &RequestCx<'_>,
    (): (),
) -> Result<Answer<GetAccountSummaryOutput>, ApiError> {
    let permit = cx.whole_account::<GetAccountSummary>()?;
    let numbers = cx.snapshot.get_account_summary(permit);
    Ok(Answer::Output(GetAccountSummaryOutput { summary_map: Some(iam_account::summary(numbers)) }))
}
