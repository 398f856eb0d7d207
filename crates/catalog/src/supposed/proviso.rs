//! What decides about a supposed call beside the documents, as it does about a real one.

use std::fmt;

use portcullis_iam::{PolicyType, Principal};
use portcullis_identity::AccountId;
use portcullis_model::{Authorization, SERVICES};

use super::Supposed;
use crate::Snapshot;

/// What an answer about a supposed call goes by, beside the documents that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proviso {
    /// The policies of the caller's account are not looked at.
    TakenToAllow(AccountId),
    /// The caller's account is closed.
    Closed(AccountId),
    /// No policy on the resource lets in callers from outside of its account.
    WithinAccount,
}

impl Proviso {
    /// Whether it keeps the caller out whatever is allowed; if not, it is an assumption.
    #[must_use]
    pub fn bars(self) -> bool {
        match self {
            Self::TakenToAllow(_) => false,
            Self::Closed(_) | Self::WithinAccount => true,
        }
    }

    /// Whether a grant in a policy of this type can change the answer.
    pub(super) fn lets_help(self, kind: PolicyType) -> bool {
        match self {
            Self::TakenToAllow(_) => true,
            Self::Closed(_) => false,
            Self::WithinAccount => kind != PolicyType::Resource,
        }
    }

    pub(super) fn of(
        snapshot: &Snapshot,
        supposed: &Supposed,
        principal: &Principal,
        owner: AccountId,
        action: &str,
    ) -> Option<Self> {
        match *supposed {
            Supposed::Foreign(account) if snapshot.organizations.is_closed(account) => {
                Some(Self::Closed(account))
            }
            _ if principal.account() != Some(owner.as_str()) && stays_within_account(action) => {
                Some(Self::WithinAccount)
            }
            Supposed::Foreign(account) => Some(Self::TakenToAllow(account)),
            Supposed::Known(_) | Supposed::Service => None,
        }
    }
}

/// For a person.
impl fmt::Display for Proviso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakenToAllow(account) => {
                write!(f, "The policies of the account {account} are taken to allow the call.")
            }
            Self::Closed(account) => {
                write!(f, "The account {account} is closed: nobody in it may do anything.")
            }
            Self::WithinAccount => {
                f.write_str("No resource-based policy can grant this action to another account.")
            }
        }
    }
}

/// Whether no resource policy can grant an action to callers outside of the resource's account: all
/// operations that demand it are such. Source: `Authorization::cross_account`.
pub(super) fn stays_within_account(action: &str) -> bool {
    let operations = SERVICES.iter().flat_map(|service| service.operations);
    let rows = operations.filter_map(|operation| operation.authorization.as_ref());
    let mut rows = rows.filter(|row| row.action.eq_ignore_ascii_case(action)).peekable();
    rows.peek().is_some() && rows.all(|Authorization { cross_account, .. }| !cross_account)
}

#[cfg(test)]
mod tests {
    use super::stays_within_account;

    #[test]
    #[rustfmt::skip]
    fn what_operations_demand_is_granted_across_accounts_or_not() {
        for (action, within) in [
            ("lambda:InvokeFunction",    false),
            ("lambda:GetLayerVersion",   false),
            ("sts:AssumeRole",           false),
            ("lambda:InvokeFunctionUrl", false), // No operation of an API.
            ("s3:GetObject",             false),
            ("lambda:AddPermission",     true),
            ("LAMBDA:addpermission",     true),
            ("iam:GetUser",              true),
        ] {
            assert_eq!(stays_within_account(action), within, "{action}");
        }
    }
}
