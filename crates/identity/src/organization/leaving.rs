//! How accounts leave their organization, and how they are closed in it.

use jiff::{SignedDuration, Timestamp};

use super::{Organization, OrganizationError, TargetId};
use crate::ids::AccountId;

/// How long it counts that an account was closed. Source: the quotas of AWS Organizations.
const CLOSING_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Organization {
    /// `self` without `account`, which goes on alone and is limited by nothing here any more.
    ///
    /// # Errors
    /// [`OrganizationError::AccountNotFound`], [`OrganizationError::ManagementCannotLeave`], the
    /// constraint on closed accounts.
    pub fn remove_account(&self, account: AccountId) -> Result<Self, OrganizationError> {
        let member = self.members.get(&account).ok_or(OrganizationError::AccountNotFound)?;
        if account == self.management {
            return Err(OrganizationError::ManagementCannotLeave);
        }
        if member.closed.is_some() {
            // AWS's closed accounts stay for 90 days and then cease to exist; ours stay, so that
            // nothing opens them again.
            let text = "You can't remove an account that is closed from the organization.";
            return Err(OrganizationError::constraint("ACCOUNT_CANNOT_LEAVE_ORGANIZATION", text));
        }
        let mut new = self.clone();
        new.members.remove(&account);
        new.forget(&TargetId::Account(account));
        Ok(new)
    }

    /// `self` with `account` closed: nobody in it may do anything, for good.
    ///
    /// # Errors
    /// [`OrganizationError::AccountNotFound`], [`OrganizationError::AccountAlreadyClosed`], the
    /// constraints.
    pub fn close_account(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Self, OrganizationError> {
        let mut new = self.clone();
        let member = new.members.get_mut(&account).ok_or(OrganizationError::AccountNotFound)?;
        if account == self.management {
            let text = "You can't close the management account of an organization.";
            return Err(OrganizationError::constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", text));
        }
        if member.closed.is_some() {
            return Err(OrganizationError::AccountAlreadyClosed);
        }
        if self.closed_lately(now) >= self.closings_max() {
            let text = "You have exceeded the number of accounts that you can close in 30 days.";
            return Err(OrganizationError::constraint("CLOSE_ACCOUNT_QUOTA_EXCEEDED", text));
        }
        member.closed = Some(now);
        Ok(new)
    }

    fn closed_lately(&self, now: Timestamp) -> usize {
        let closings = self.members.values().filter_map(|member| member.closed);
        closings.filter(|then| now.duration_since(*then) < CLOSING_WINDOW).count()
    }

    /// Most accounts to close in 30 days: a tenth of them, but 10 at least and 1,000 at most. Source:
    /// the quotas of AWS Organizations.
    fn closings_max(&self) -> usize {
        (self.members.len() / 10).clamp(10, 1_000)
    }
}
