//! Accounts: who owns users, roles and functions.

use jiff::Timestamp;

use crate::error::IdentityError;
use crate::ids::AccountId;
use crate::names::AccountAliasName;

/// An account that exists here. Its root user exists with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its 12 digits.
    pub id: AccountId,
    /// When it was made.
    pub created: Timestamp,
}

/// A name of an account. An account has one at most; no two accounts have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountAlias {
    /// The name.
    pub name: AccountAliasName,
    /// Whose it is.
    pub account: AccountId,
}

/// Gives `account` the alias `name`; `taken` is the alias of that name.
///
/// # Errors
/// [`IdentityError::AliasExists`], also if it is this account's already.
pub fn create_account_alias(
    account: AccountId,
    taken: Option<&AccountAlias>,
    name: AccountAliasName,
) -> Result<AccountAlias, IdentityError> {
    match taken {
        Some(_) => Err(IdentityError::AliasExists(name)),
        None => Ok(AccountAlias { name, account }),
    }
}

/// Whether `account` may give up the alias `name`; `found` is the alias of that name. That of another
/// account is as unknown as one that does not exist.
///
/// # Errors
/// [`IdentityError::NoSuchAlias`].
pub fn delete_account_alias(
    account: AccountId,
    found: Option<&AccountAlias>,
    name: &AccountAliasName,
) -> Result<(), IdentityError> {
    let own = found.is_some_and(|alias| alias.account == account);
    if own { Ok(()) } else { Err(IdentityError::NoSuchAlias(name.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::account;

    #[test]
    fn an_alias_has_one_account() {
        let name: AccountAliasName = "our-company".parse().unwrap();
        let alias = create_account_alias(account(), None, name.clone()).unwrap();
        let taken = create_account_alias(account(), Some(&alias), name.clone());
        assert_eq!(taken.unwrap_err().to_string(), "The account alias our-company already exists.");
        let other = "999999999999".parse().unwrap();
        assert_eq!(delete_account_alias(account(), Some(&alias), &name), Ok(()));
        let text = "The account alias with name our-company cannot be found.";
        for (who, found) in [(account(), None), (other, Some(&alias))] {
            let error = delete_account_alias(who, found, &name).unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), ("NoSuchEntity", text));
        }
    }
}
