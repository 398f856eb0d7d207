//! Accounts: who owns users, roles and functions.

use jiff::Timestamp;

use crate::ids::AccountId;

/// An account that exists here. Its root user exists with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its 12 digits.
    pub id: AccountId,
    /// When it was made.
    pub created: Timestamp,
}
