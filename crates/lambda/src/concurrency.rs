//! How many calls may run at once: what a function reserves, and what is left for the others.
//!
//! Source: `aws-lambda.md §6.3`, `§6.7`, `§8.3`.

use crate::{InvalidValue, LambdaError};

/// What must stay for functions without a reservation: `[doc]`, 100, or all of a smaller account.
const UNRESERVED_MIN: u32 = 100;

/// Calls of one function that run at once, reserved for it and its limit: 0 (none runs) to
/// 2147483647.
///
/// Source: `[model]` shape `ReservedConcurrentExecutions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReservedConcurrency(u32);

impl ReservedConcurrency {
    /// Checks a reservation.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is negative, or over 2147483647.
    pub fn new(calls: i64) -> Result<Self, InvalidValue> {
        let legal = i32::try_from(calls).ok().and_then(|calls| u32::try_from(calls).ok());
        let refusal = || {
            InvalidValue::new("reserved concurrency", &calls.to_string(), "0 to 2147483647 calls")
        };
        legal.map(Self).ok_or_else(refusal)
    }

    /// The calls.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Calls of all functions of one account that run at once: at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountConcurrency(u32);

impl Default for AccountConcurrency {
    /// 1000 (`[doc]`).
    fn default() -> Self {
        Self(1000)
    }
}

impl AccountConcurrency {
    /// The calls.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// What functions without a reservation share, where `reserved` calls are reserved.
    #[must_use]
    pub fn unreserved(self, reserved: u64) -> u32 {
        u32::try_from(reserved).map_or(0, |reserved| self.0.saturating_sub(reserved))
    }

    /// Whether a function may reserve `asked` calls where the others have reserved `others`.
    ///
    /// # Errors
    /// [`LambdaError::ReservationTooLarge`] when too little would be left for the rest.
    pub fn check_reservation(
        self,
        asked: ReservedConcurrency,
        others: u64,
    ) -> Result<(), LambdaError> {
        // Reserving nothing takes nothing: a limit that was lowered below what is reserved must not
        // keep a function from being switched off.
        if asked.get() == 0 || self.can_spare(asked.get().into(), others) {
            return Ok(());
        }
        Err(LambdaError::ReservationTooLarge { minimum: self.unreserved_min() })
    }

    /// What must stay for functions without a reservation.
    pub(crate) fn unreserved_min(self) -> u32 {
        UNRESERVED_MIN.min(self.0)
    }

    /// Whether enough stays when one function takes `asked` calls for itself, and others `others`.
    pub(crate) fn can_spare(self, asked: u64, others: u64) -> bool {
        let taken = others.saturating_add(asked);
        taken.saturating_add(self.unreserved_min().into()) <= u64::from(self.0)
    }
}

impl std::str::FromStr for AccountConcurrency {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let legal = text.parse().ok().filter(|calls| (1..=i32::MAX.unsigned_abs()).contains(calls));
        let refusal = || InvalidValue::new("account concurrency", text, "1 to 2147483647 calls");
        legal.map(Self).ok_or_else(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(limit: &str, asked: i64, others: u64, want: Result<(), u32>) {
        let limit: AccountConcurrency = limit.parse().unwrap();
        let got = limit.check_reservation(ReservedConcurrency::new(asked).unwrap(), others);
        assert_eq!(got, want.map_err(|minimum| LambdaError::ReservationTooLarge { minimum }));
    }

    #[test]
    fn a_hundred_calls_stay_unreserved() {
        check("1000", 900, 0, Ok(()));
        check("1000", 901, 0, Err(100));
        check("1000", 1, 899, Ok(()));
        check("1000", 1, 900, Err(100));
        check("1000", 0, 2000, Ok(()));
        check("1000", 2_147_483_647, u64::MAX, Err(100));
        check("10", 1, 0, Err(10));
    }

    #[test]
    fn a_reservation_is_no_negative_number() {
        assert!(ReservedConcurrency::new(-1).is_err());
        assert!(ReservedConcurrency::new(1 << 31).is_err());
        assert_eq!(ReservedConcurrency::new(0).unwrap().get(), 0);
    }

    #[test]
    fn the_others_share_what_nobody_reserved() {
        assert_eq!(AccountConcurrency::default().unreserved(300), 700);
        assert_eq!(AccountConcurrency::default().unreserved(u64::MAX), 0);
        assert!("0".parse::<AccountConcurrency>().is_err());
    }
}
