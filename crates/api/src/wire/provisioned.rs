//! Provisioned concurrency on the wire.

use jiff::Timestamp;
use portcullis_lambda::{ProvisionedCalls, ProvisionedConcurrency};
use portcullis_model::lambda::types::{
    GetProvisionedConcurrencyConfigOutput, ProvisionedConcurrencyConfigListItem,
    ProvisionedConcurrencyStatusEnum, PutProvisionedConcurrencyConfigOutput,
};

use crate::provisioned::{Provisioning, Status};

/// A configuration as the answer to its own request shows it: nothing is ready yet.
pub(crate) fn begun(config: &ProvisionedConcurrency) -> PutProvisionedConcurrencyConfigOutput {
    PutProvisionedConcurrencyConfigOutput {
        requested_provisioned_concurrent_executions: calls(config.requested),
        available_provisioned_concurrent_executions: Some(0),
        allocated_provisioned_concurrent_executions: Some(0),
        status: Some(ProvisionedConcurrencyStatusEnum::InProgress),
        status_reason: None,
        last_modified: Some(time(config.modified)),
    }
}

/// A configuration, and how far it is with it.
pub(crate) fn shown(
    config: &ProvisionedConcurrency,
    progress: Provisioning,
) -> GetProvisionedConcurrencyConfigOutput {
    let (status, status_reason) = status(progress.status);
    GetProvisionedConcurrencyConfigOutput {
        requested_provisioned_concurrent_executions: calls(config.requested),
        available_provisioned_concurrent_executions: i32::try_from(progress.available).ok(),
        allocated_provisioned_concurrent_executions: i32::try_from(progress.allocated).ok(),
        status: Some(status),
        status_reason,
        last_modified: Some(time(config.modified)),
    }
}

/// The same as an entry of a list.
pub(crate) fn entry(
    config: &ProvisionedConcurrency,
    progress: Provisioning,
) -> ProvisionedConcurrencyConfigListItem {
    let shown = shown(config, progress);
    ProvisionedConcurrencyConfigListItem {
        function_arn: Some(config.target().to_string()),
        requested_provisioned_concurrent_executions: shown
            .requested_provisioned_concurrent_executions,
        available_provisioned_concurrent_executions: shown
            .available_provisioned_concurrent_executions,
        allocated_provisioned_concurrent_executions: shown
            .allocated_provisioned_concurrent_executions,
        status: shown.status,
        status_reason: shown.status_reason,
        last_modified: shown.last_modified,
    }
}

fn calls(calls: ProvisionedCalls) -> Option<i32> {
    i32::try_from(calls.get()).ok()
}

fn status(status: Status) -> (ProvisionedConcurrencyStatusEnum, Option<String>) {
    match status {
        Status::InProgress => (ProvisionedConcurrencyStatusEnum::InProgress, None),
        Status::Ready => (ProvisionedConcurrencyStatusEnum::Ready, None),
        Status::Failed(reason) => (ProvisionedConcurrencyStatusEnum::Failed, Some(reason.into())),
    }
}

/// `[doc]`: whole seconds, unlike a function's.
fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}
