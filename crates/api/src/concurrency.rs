//! How many calls run at once: the limit of each account, and what functions have reserved of it.
//!
//! A function with a reservation has that many calls to itself and no more; the others of the
//! account share the rest. Source: `aws-lambda.md §5.4`, `§6.3`, `§8.3`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use portcullis_catalog::{FunctionView, Snapshot};
use portcullis_lambda::AccountConcurrency;

use crate::error::ApiError;

/// The reasons of `aws-lambda.md §5.4`.
pub(crate) const ACCOUNT_LIMIT: &str = "ConcurrentInvocationLimitExceeded";
pub(crate) const RESERVED_LIMIT: &str = "ReservedFunctionConcurrentInvocationLimitExceeded";

/// The calls that run.
#[derive(Default)]
pub(crate) struct Concurrency {
    limit: AccountConcurrency,
    running: Arc<Running>,
}

/// Running calls by what they count against: a function's ARN, or an account.
type Running = Mutex<HashMap<Box<str>, u32>>;

/// A running call, in the counts until it is dropped.
pub(crate) struct Turn {
    running: Arc<Running>,
    /// The function, and the account unless the call is of a function with a reservation.
    counted: (Box<str>, Option<Box<str>>),
}

impl Concurrency {
    pub(crate) fn new(limit: AccountConcurrency) -> Self {
        Self { limit, running: Arc::default() }
    }

    /// What every account has.
    pub(crate) fn limit(&self) -> AccountConcurrency {
        self.limit
    }

    /// Counts one more call of `function` that no worker is kept ready for.
    ///
    /// # Errors
    /// [`ApiError::Throttled`] when the function, or its account, is at its limit.
    pub(crate) fn enter(
        &self,
        snapshot: &Snapshot,
        function: &FunctionView,
    ) -> Result<Turn, ApiError> {
        let (arn, reserved) = (function.arn(), function.head.reserved());
        let mut running = lock(&self.running);
        let at = |key: &str| running.get(key).copied().unwrap_or_default();
        let account = match reserved {
            // What is provisioned is set aside, whether it runs or not.
            Some(reserved)
                if function.provisioned_calls() + u64::from(at(arn.as_str()))
                    >= reserved.get().into() =>
            {
                return Err(ApiError::Throttled { reason: RESERVED_LIMIT });
            }
            Some(_) => None,
            None if at(arn.account()) >= self.limit.unreserved(snapshot.reserved(arn)) => {
                return Err(ApiError::Throttled { reason: ACCOUNT_LIMIT });
            }
            None => Some(arn.account().into()),
        };
        let counted = (arn.as_str().into(), account);
        for key in keys(&counted) {
            *running.entry(key.clone()).or_default() += 1;
        }
        Ok(Turn { running: self.running.clone(), counted })
    }
}

fn lock(running: &Running) -> MutexGuard<'_, HashMap<Box<str>, u32>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keys((function, account): &(Box<str>, Option<Box<str>>)) -> impl Iterator<Item = &Box<str>> {
    [function].into_iter().chain(account)
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        for key in keys(&self.counted) {
            // What runs nothing takes no memory.
            if let Some(count) = running.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    running.remove(key);
                }
            }
        }
    }
}
