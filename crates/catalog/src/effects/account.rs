//! The account as a whole: its alias, its numbers, everything that is in it.

use std::sync::Arc;

use portcullis_identity::{
    AccountAliasName, AccountId, IdentityError, KeyOwner, create_account_alias,
    delete_account_alias,
};
use portcullis_model::iam::operation::{
    CreateAccountAlias, DeleteAccountAlias, GetAccountAuthorizationDetails, GetAccountSummary,
    ListAccountAliases,
};

use super::{Page, managed_policies::ShownPolicy};
use crate::{
    Catalog, CatalogError, Failure, GroupView, Permit, Plan, RoleView, Snapshot, UserView,
    WholeAccount, address::Address,
};

impl Catalog {
    /// Gives the permitted account the alias `name`, instead of the one that it has. The account's
    /// own value is written as it is, so that two aliases at once conflict.
    ///
    /// # Errors
    /// Those of [`create_account_alias`].
    pub async fn create_account_alias(
        &self,
        permit: Permit<CreateAccountAlias, WholeAccount>,
        name: &AccountAliasName,
    ) -> Result<(), Failure<IdentityError>> {
        let account = permit.consume().0;
        let (owner, address) = (Address::Account(account), Address::AccountAlias(name.clone()));
        self.transact(&owner.to_string(), |snapshot| {
            let stored = snapshot.account(account).ok_or(CatalogError::Unreadable)?;
            let taken = snapshot.account_alias(name).map(|alias| &**alias);
            let alias = create_account_alias(account, taken, name.clone())?;
            let plan = Plan::answer(()).unchanged(&owner, stored.modified).put(&owner, &**stored);
            let plan = plan.absent(&address).put(&address, &alias);
            Ok(match snapshot.alias_of(account) {
                Some(old) => plan.delete(&Address::AccountAlias(old.name.clone())),
                None => plan,
            })
        })
        .await
    }

    /// Takes the alias `name` from the permitted account.
    ///
    /// # Errors
    /// Those of [`delete_account_alias`].
    pub async fn delete_account_alias(
        &self,
        permit: Permit<DeleteAccountAlias, WholeAccount>,
        name: &AccountAliasName,
    ) -> Result<(), Failure<IdentityError>> {
        let account = permit.consume().0;
        let address = Address::AccountAlias(name.clone());
        self.transact(&Address::Account(account).to_string(), |snapshot| {
            let found = snapshot.account_alias(name);
            delete_account_alias(account, found.map(|alias| &**alias), name)?;
            let seen = found.ok_or(CatalogError::Unreadable)?.modified;
            Ok(Plan::answer(()).unchanged(&address, seen).delete(&address))
        })
        .await
    }
}

/// How much of everything an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountNumbers {
    /// Its users.
    pub users: usize,
    /// Its groups.
    pub groups: usize,
    /// Its roles.
    pub roles: usize,
    /// Its own managed policies.
    pub policies: usize,
    /// Their versions.
    pub policy_versions: usize,
    /// Its OpenID Connect providers.
    pub providers: usize,
    /// Whether root has access keys.
    pub root_keys: bool,
}

/// One thing that an account has, or AWS's policy that it uses.
#[derive(Clone, Debug)]
pub enum AccountDetail {
    /// A user.
    User(Arc<UserView>),
    /// A group.
    Group(Arc<GroupView>),
    /// A role.
    Role(Arc<RoleView>),
    /// A managed policy of its own.
    OwnPolicy(ShownPolicy),
    /// A managed policy of AWS.
    AwsPolicy(ShownPolicy),
}

impl AccountDetail {
    /// Its place in the list of everything, to continue after.
    #[must_use]
    pub fn place(&self) -> String {
        let (kind, name) = match self {
            Self::User(view) => (0, view.stored.name.folded()),
            Self::Group(view) => (1, view.stored.name.folded()),
            Self::Role(view) => (2, view.stored.name.folded()),
            Self::OwnPolicy(policy) => (3, policy.view.stored.name.folded()),
            Self::AwsPolicy(policy) => (4, policy.view.stored.name.folded()),
        };
        format!("{kind}/{name}")
    }
}

impl Snapshot {
    /// The alias of the permitted account.
    #[must_use]
    pub fn list_account_aliases(
        &self,
        permit: Permit<ListAccountAliases, WholeAccount>,
    ) -> Option<AccountAliasName> {
        self.alias_of(permit.consume().0).map(|alias| alias.name.clone())
    }

    /// The numbers of the permitted account.
    #[must_use]
    pub fn get_account_summary(
        &self,
        permit: Permit<GetAccountSummary, WholeAccount>,
    ) -> AccountNumbers {
        let account = permit.consume().0;
        AccountNumbers {
            users: self.users(account, "").count(),
            groups: self.groups(account, "").count(),
            roles: self.roles(account, "").count(),
            policies: self.managed.of_account(account).count(),
            policy_versions: self.managed.of_account(account).map(|one| one.versions.len()).sum(),
            providers: self.oidc_providers(account).count(),
            root_keys: self.access_keys_of(&KeyOwner::Root(account)).next().is_some(),
        }
    }

    /// Everything of the permitted account that is `wanted`, in the order of the places, after the
    /// place `after`; `""` is before all.
    #[must_use]
    pub fn get_account_authorization_details(
        &self,
        permit: Permit<GetAccountAuthorizationDetails, WholeAccount>,
        wanted: impl Fn(&AccountDetail) -> bool,
        after: &str,
        limit: usize,
    ) -> Page<AccountDetail> {
        let all = self.everything(permit.consume().0);
        let later = all.filter(|detail| detail.place().as_str() > after);
        Page::take(later.filter(wanted), limit)
    }

    fn everything(&self, account: AccountId) -> impl Iterator<Item = AccountDetail> {
        let users = self.users(account, "").cloned().map(AccountDetail::User);
        let groups = self.groups(account, "").cloned().map(AccountDetail::Group);
        let roles = self.roles(account, "").cloned().map(AccountDetail::Role);
        let own = self.managed.of_account(account).map(move |view| self.shown(account, view));
        let aws = self.managed.of_aws().map(move |view| self.shown(account, view));
        let used = aws.filter(|policy| !policy.usage.is_none());
        let policies = own.map(AccountDetail::OwnPolicy).chain(used.map(AccountDetail::AwsPolicy));
        users.chain(groups).chain(roles).chain(policies)
    }

    /// The groups of a user, by folded name, for the details of the user.
    #[must_use]
    pub fn groups_of_user(&self, user: &UserView) -> Vec<Arc<GroupView>> {
        self.groups_of(&user.stored.groups)
    }
}
