//! Provisioned concurrency: how many workers of a version are kept ready, and who may ask for it.
//!
//! Source: `aws-lambda.md §6.7`. A version has one configuration at the most: its own, or that of an
//! alias that points to it.

use jiff::Timestamp;

use crate::{
    AccountConcurrency, FunctionArn, InvalidParameter, InvalidValue, LambdaError, Qualifier,
    ReservedConcurrency, Target,
};

/// Workers of a version that are kept ready: 1 to 2147483647.
///
/// Source: `[model]` shape `PositiveInteger`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProvisionedCalls(u32);

impl ProvisionedCalls {
    /// Checks a number of workers.
    ///
    /// # Errors
    /// [`InvalidValue`] outside 1 to 2147483647.
    pub fn new(calls: i64) -> Result<Self, InvalidValue> {
        let legal = i32::try_from(calls).ok().and_then(|calls| u32::try_from(calls).ok());
        let refusal = || {
            let given = calls.to_string();
            InvalidValue::new("provisioned concurrency", &given, "1 to 2147483647 calls")
        };
        legal.filter(|calls| *calls > 0).map(Self).ok_or_else(refusal)
    }

    /// The workers.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// What is kept ready for a version, or for the one that an alias points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionedConcurrency {
    /// The function.
    pub function: FunctionArn,
    /// A version or an alias.
    pub qualifier: Qualifier,
    /// How many workers.
    pub requested: ProvisionedCalls,
    /// When it was asked for.
    pub modified: Timestamp,
}

impl ProvisionedConcurrency {
    /// What it is of, as lists name it.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::qualified(self.function.clone(), self.qualifier.clone())
    }
}

/// Whether `target` names a version or an alias, one that exists or not. Comes before any look-up.
///
/// # Errors
/// `refusal`, for `$LATEST` and for the bare function.
pub fn published_only(
    target: &Target,
    refusal: InvalidParameter,
) -> Result<&Qualifier, LambdaError> {
    match &target.qualifier {
        None | Some(Qualifier::Latest) => Err(refusal.into()),
        Some(published) => Ok(published),
    }
}

/// Whether a function may have `provisioned` workers of all its versions together, where it has
/// `reserved` calls, and where the account's other functions have reserved `others`.
///
/// # Errors
/// [`InvalidParameter::ProvisionedOverReserved`]; [`LambdaError::ProvisionedOverAccount`] and
/// [`LambdaError::ProvisionedTooLarge`] for a function that shares what nobody has reserved.
pub fn check_provisioned(
    provisioned: u64,
    reserved: Option<ReservedConcurrency>,
    limit: AccountConcurrency,
    others: u64,
) -> Result<(), LambdaError> {
    match reserved {
        Some(reserved) if provisioned > reserved.get().into() => {
            Err(InvalidParameter::ProvisionedOverReserved.into())
        }
        Some(_) => Ok(()),
        None if provisioned > limit.get().into() => {
            Err(LambdaError::ProvisionedOverAccount { limit: limit.get() })
        }
        None if !limit.can_spare(provisioned, others) => {
            Err(LambdaError::ProvisionedTooLarge { minimum: limit.unreserved_min() })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(provisioned: u64, reserved: Option<i64>, others: u64, want: &Result<(), LambdaError>) {
        let reserved = reserved.map(|calls| ReservedConcurrency::new(calls).unwrap());
        let limit = "300".parse().unwrap();
        assert_eq!(check_provisioned(provisioned, reserved, limit, others), *want);
    }

    #[test]
    fn what_is_provisioned_is_of_what_is_reserved_or_shared() {
        let over_reserved = || Err(InvalidParameter::ProvisionedOverReserved.into());
        check(2, Some(2), 5000, &Ok(()));
        check(3, Some(2), 0, &over_reserved());
        check(1, Some(0), 0, &over_reserved());
        check(200, None, 0, &Ok(()));
        check(201, None, 0, &Err(LambdaError::ProvisionedTooLarge { minimum: 100 }));
        check(1, None, 200, &Err(LambdaError::ProvisionedTooLarge { minimum: 100 }));
        check(300, None, 0, &Err(LambdaError::ProvisionedTooLarge { minimum: 100 }));
        check(301, None, 0, &Err(LambdaError::ProvisionedOverAccount { limit: 300 }));
    }

    #[test]
    fn at_least_one_worker_is_provisioned() {
        let legal = [0, 1, i64::from(i32::MAX), 1 << 31].map(|n| ProvisionedCalls::new(n).is_ok());
        assert_eq!(legal, [false, true, true, false]);
    }

    #[test]
    fn only_what_is_published_is_provisioned() {
        let function: FunctionArn =
            "arn:aws:lambda:us-east-1:123456789012:function:f".parse().unwrap();
        let of = |qualifier: &str| Target::qualified(function.clone(), Qualifier::parse(qualifier));
        let refusal = InvalidParameter::ProvisionedLatest;
        for target in [of("$LATEST"), Target::unqualified(function.clone())] {
            let got = published_only(&target, refusal.clone()).unwrap_err();
            assert_eq!(got, refusal.clone().into());
        }
        for target in [of("1"), of("prod"), of("$latest")] {
            assert!(published_only(&target, refusal.clone()).is_ok(), "{target}");
        }
    }
}
