//! `GET /2016-08-19/account-settings` → 200: what the account may have and has.

use portcullis_lambda::UNZIPPED_BYTES_MAX;
use portcullis_model::lambda::{
    operation::GetAccountSettings,
    types::{AccountLimit, AccountUsage, GetAccountSettingsInput, GetAccountSettingsOutput},
};

use super::shared::ZIP_BYTES_MAX;
use crate::{answer::Answer, context::RequestCx, error::ApiError};

/// AWS's quota of 75 GB for all code packages of an account. Not enforced here.
const CODE_BYTES_MAX: i64 = 80_530_636_800;

pub(crate) async fn get_account_settings(
    cx: &RequestCx<'_>,
    _input: GetAccountSettingsInput,
) -> Result<Answer<GetAccountSettingsOutput>, ApiError> {
    let permit = cx.whole_account::<GetAccountSettings>()?;
    let usage = cx.snapshot.account_usage(permit, &cx.state.region);
    let limit = cx.state.execution.concurrency.limit();
    Ok(Answer::Output(GetAccountSettingsOutput {
        account_limit: Some(AccountLimit {
            total_code_size: Some(CODE_BYTES_MAX),
            code_size_unzipped: i64::try_from(UNZIPPED_BYTES_MAX).ok(),
            code_size_zipped: i64::try_from(ZIP_BYTES_MAX).ok(),
            concurrent_executions: i32::try_from(limit.get()).ok(),
            unreserved_concurrent_executions: i32::try_from(limit.unreserved(usage.reserved)).ok(),
        }),
        account_usage: Some(AccountUsage {
            total_code_size: i64::try_from(usage.code_bytes).ok(),
            function_count: i64::try_from(usage.functions).ok(),
        }),
    }))
}
