//! Organizations: their making and end, their tree, and their accounts.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    AccountId, Tags, generate,
    organization::{
        AccountRequest, ChildId, ContainerId, CreateAccountRequest, CreateAccountRequestId,
        FeatureSet, Member, NewOrganization, Organization, OrganizationError, OrganizationalUnitId,
        OrganizationalUnitName, TaggableId,
    },
};
use portcullis_model::organizations::operation::{
    CreateAccount, CreateOrganization, CreateOrganizationalUnit, DeleteOrganization,
    DeleteOrganizationalUnit, DescribeAccount, DescribeCreateAccountStatus, DescribeOrganization,
    DescribeOrganizationalUnit, ListAccounts, ListAccountsForParent, ListChildren,
    ListCreateAccountStatus, ListOrganizationalUnitsForParent, ListParents, ListRoots, MoveAccount,
    UpdateOrganizationalUnit,
};

use super::Page;
use crate::{
    Catalog, CatalogError, Failure, OrganizationResource, OrganizationView, Permit, Plan, Snapshot,
    WholeOrganization, address::Address,
};

type View = Arc<OrganizationView>;

impl Catalog {
    /// Makes an organization whose management account is the permitted one.
    ///
    /// # Errors
    /// [`OrganizationError::AlreadyInOrganization`].
    pub async fn create_organization(
        &self,
        permit: Permit<CreateOrganization, WholeOrganization>,
        features: FeatureSet,
        now: Timestamp,
    ) -> Result<Organization, Failure<OrganizationError>> {
        let account = permit.consume().caller();
        let (id, root) = generate::organization().map_err(CatalogError::from)?;
        let (owner, address) = (Address::Account(account), Address::Organization(id.clone()));
        self.transact(&owner.to_string(), |snapshot| {
            // The account's own value is written too, so that two organizations at once conflict.
            let stored = snapshot.account(account).ok_or(CatalogError::Unreadable)?;
            let in_one = snapshot.organizations.membership(account);
            let in_one = in_one.map_err(|_| CatalogError::Unreadable)?.is_some();
            let new = NewOrganization { id: id.clone(), root: root.clone(), features };
            let made = Organization::create(account, in_one, new, now)?;
            let plan = Plan::answer(made.clone()).unchanged(&owner, stored.modified);
            Ok(plan.put(&owner, &**stored).absent(&address).put(&address, &made))
        })
        .await
    }

    /// Ends the organization of the permitted account.
    ///
    /// # Errors
    /// Those of [`Organization::check_empty`].
    pub async fn delete_organization(
        &self,
        permit: Permit<DeleteOrganization, WholeOrganization>,
    ) -> Result<(), Failure<OrganizationError>> {
        let account = permit.consume().caller();
        self.transact_organization(account, |_, view| {
            view.stored.check_empty()?;
            let address = Address::Organization(view.stored.id.clone());
            let plan = Plan::answer(()).unchanged(&address, view.stored.modified);
            Ok(plan.delete_with_children(&address))
        })
        .await
    }

    /// Makes a unit in the permitted root or unit.
    ///
    /// # Errors
    /// Those of [`Organization::create_unit`].
    pub async fn create_organizational_unit(
        &self,
        permit: Permit<CreateOrganizationalUnit, OrganizationResource<ContainerId>>,
        name: &OrganizationalUnitName,
        tags: &Tags,
    ) -> Result<(View, OrganizationalUnitId), Failure<OrganizationError>> {
        let (account, parent) = permit.consume().into_parts();
        let root = self.load().managed_by(account)?.stored.root.clone();
        let id = generate::organizational_unit(&root).map_err(CatalogError::from)?;
        let change = |old: &Organization| {
            let new = old.create_unit(&parent, name.clone(), id.clone())?;
            new.tag(&TaggableId::Unit(id.clone()), tags)
        };
        self.change_organization(account, change).await?;
        Ok((self.load().managed_by(account)?.clone(), id))
    }

    /// Gives the permitted unit another name, if any.
    ///
    /// # Errors
    /// Those of [`Organization::rename_unit`].
    pub async fn update_organizational_unit(
        &self,
        permit: Permit<UpdateOrganizationalUnit, OrganizationResource<OrganizationalUnitId>>,
        name: Option<&OrganizationalUnitName>,
    ) -> Result<(View, OrganizationalUnitId), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        let change = |old: &Organization| {
            let name = name.map_or_else(
                || old.unit(&id).map(|unit| unit.name.clone()),
                |name| Ok(name.clone()),
            );
            old.rename_unit(&id, name?)
        };
        self.change_organization(account, change).await?;
        Ok((self.load().managed_by(account)?.clone(), id))
    }

    /// Removes the permitted unit.
    ///
    /// # Errors
    /// Those of [`Organization::delete_unit`].
    pub async fn delete_organizational_unit(
        &self,
        permit: Permit<DeleteOrganizationalUnit, OrganizationResource<OrganizationalUnitId>>,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.change_organization(account, |old| old.delete_unit(&id)).await
    }

    /// Moves the permitted account.
    ///
    /// # Errors
    /// Those of [`Organization::move_account`].
    pub async fn move_account(
        &self,
        permit: Permit<MoveAccount, OrganizationResource<AccountId>>,
        from: &ContainerId,
        to: &ContainerId,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, moved) = permit.consume().into_parts();
        self.change_organization(account, |old| old.move_account(moved, from, to)).await
    }

    /// Makes an account in the organization of the permitted one, with the role that lets that in; or
    /// remembers why there is none.
    ///
    /// # Errors
    /// Those of [`Organization::create_account`].
    pub async fn create_account(
        &self,
        permit: Permit<CreateAccount, WholeOrganization>,
        request: &AccountRequest,
        tags: &Tags,
        now: Timestamp,
    ) -> Result<(CreateAccountRequestId, CreateAccountRequest), Failure<OrganizationError>> {
        let account = permit.consume().caller();
        let new = generate::account().map_err(CatalogError::from)?;
        let id = new.request.clone();
        self.transact_organization(account, |snapshot, view| {
            let (changed, created) =
                view.stored.create_account(request.clone(), &new, snapshot.partition(), now)?;
            let answer = changed.requests.get(&id).ok_or(CatalogError::Unreadable)?.clone();
            let Some(created) = created else {
                return Ok(replace(view, &changed).map(|()| (id.clone(), answer)));
            };
            let changed = changed.tag(&TaggableId::Account(created.account.id), tags)?;
            let plan = replace(view, &changed).map(|()| (id.clone(), answer));
            let account = Address::Account(created.account.id);
            let role = Address::role(created.account.id, &created.role.name);
            let plan = plan.absent(&account).put(&account, &created.account);
            Ok(plan.absent(&role).put(&role, &created.role))
        })
        .await
    }

    pub(super) async fn change_organization(
        &self,
        account: AccountId,
        change: impl Fn(&Organization) -> Result<Organization, OrganizationError>,
    ) -> Result<(), Failure<OrganizationError>> {
        let change = |_: &Snapshot, view: &View| Ok(replace(view, &change(&view.stored)?));
        self.transact_organization(account, change).await
    }

    /// Runs a rule on the organization that `account` manages.
    pub(super) async fn transact_organization<T>(
        &self,
        account: AccountId,
        rule: impl Fn(&Snapshot, &View) -> Result<Plan<T>, Failure<OrganizationError>>,
    ) -> Result<T, Failure<OrganizationError>> {
        let aggregate = aggregate(&self.load(), account);
        self.transact(&aggregate, |snapshot| rule(snapshot, snapshot.managed_by(account)?)).await
    }
}

/// What changes of the organization of `account` read and write.
pub(super) fn aggregate(snapshot: &Snapshot, account: AccountId) -> String {
    let view = snapshot.organization_of(account);
    view.map_or_else(String::new, |view| Address::Organization(view.stored.id.clone()).to_string())
}

pub(super) fn replace(view: &OrganizationView, changed: &Organization) -> Plan<()> {
    let address = Address::Organization(changed.id.clone());
    Plan::answer(()).unchanged(&address, view.stored.modified).put(&address, changed)
}

impl From<OrganizationError> for Failure<OrganizationError> {
    fn from(error: OrganizationError) -> Self {
        Self::Rule(error)
    }
}

impl Snapshot {
    /// The organization that `account` is in.
    #[must_use]
    pub fn organization_of(&self, account: AccountId) -> Option<&View> {
        self.organizations.of(account)
    }

    /// The organization that `account` manages.
    pub(super) fn managed_by(&self, account: AccountId) -> Result<&View, OrganizationError> {
        let view = self.organization_of(account).ok_or(OrganizationError::NotInUse)?;
        // Who only belongs to it was denied before; it may have been moved since.
        Some(view)
            .filter(|view| view.stored.management == account)
            .ok_or(OrganizationError::NotInUse)
    }

    /// The organization that the permitted account is in.
    ///
    /// # Errors
    /// [`OrganizationError::NotInUse`].
    pub fn describe_organization(
        &self,
        permit: Permit<DescribeOrganization, WholeOrganization>,
    ) -> Result<View, OrganizationError> {
        let view = self.organization_of(permit.consume().caller());
        view.cloned().ok_or(OrganizationError::NotInUse)
    }

    /// The organization of the permitted account, which has one root.
    ///
    /// # Errors
    /// [`OrganizationError::NotInUse`].
    pub fn list_roots(
        &self,
        permit: Permit<ListRoots, WholeOrganization>,
    ) -> Result<View, OrganizationError> {
        self.managed_by(permit.consume().caller()).cloned()
    }

    /// The permitted account and where it is.
    ///
    /// # Errors
    /// [`OrganizationError::AccountNotFound`].
    pub fn describe_account(
        &self,
        permit: Permit<DescribeAccount, OrganizationResource<AccountId>>,
    ) -> Result<(View, AccountId), OrganizationError> {
        let (caller, account) = permit.consume().into_parts();
        let view = self.managed_by(caller)?;
        let found = view.stored.members.contains_key(&account);
        if found { Ok((view.clone(), account)) } else { Err(OrganizationError::AccountNotFound) }
    }

    /// The accounts of the organization, by id, after the id `after`; `""` is before all.
    ///
    /// # Errors
    /// [`OrganizationError::NotInUse`].
    pub fn list_accounts(
        &self,
        permit: Permit<ListAccounts, WholeOrganization>,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<(AccountId, Member)>), OrganizationError> {
        let view = self.managed_by(permit.consume().caller())?;
        Ok((view.clone(), accounts(view.stored.members.iter(), after, limit)))
    }

    /// The accounts right below the permitted root or unit, as
    /// [`list_accounts`](Self::list_accounts).
    ///
    /// # Errors
    /// [`OrganizationError::ParentNotFound`].
    pub fn list_accounts_for_parent(
        &self,
        permit: Permit<ListAccountsForParent, OrganizationResource<ContainerId>>,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<(AccountId, Member)>), OrganizationError> {
        let (view, parent) = self.parent(permit.consume())?;
        let page = accounts(view.stored.members_in(&parent), after, limit);
        Ok((view, page))
    }

    /// The units right below the permitted root or unit, by id, after the id `after`.
    ///
    /// # Errors
    /// [`OrganizationError::ParentNotFound`].
    pub fn list_organizational_units(
        &self,
        permit: Permit<ListOrganizationalUnitsForParent, OrganizationResource<ContainerId>>,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<OrganizationalUnitId>), OrganizationError> {
        let (view, parent) = self.parent(permit.consume())?;
        let all = view.stored.units_in(&parent).map(|(id, _)| id.clone());
        let page = Page::take(all.filter(|id| id.as_str() > after), limit);
        Ok((view, page))
    }

    /// What is right below the permitted root or unit: its units, or its accounts, by id.
    ///
    /// # Errors
    /// [`OrganizationError::ParentNotFound`].
    pub fn list_children(
        &self,
        permit: Permit<ListChildren, OrganizationResource<ContainerId>>,
        units: bool,
        after: &str,
        limit: usize,
    ) -> Result<Page<ChildId>, OrganizationError> {
        let (view, parent) = self.parent(permit.consume())?;
        let below = view.stored.units_in(&parent).map(|(id, _)| ChildId::Unit(id.clone()));
        let members = view.stored.members_in(&parent).map(|(id, _)| ChildId::Account(*id));
        let below = below.filter(|_| units).chain(members.filter(|_| !units));
        Ok(Page::take(below.filter(|child| child.to_string().as_str() > after), limit))
    }

    /// The root or unit that the permitted unit or account is in.
    ///
    /// # Errors
    /// [`OrganizationError::ChildNotFound`].
    pub fn list_parents(
        &self,
        permit: Permit<ListParents, OrganizationResource<ChildId>>,
    ) -> Result<ContainerId, OrganizationError> {
        let (caller, child) = permit.consume().into_parts();
        self.managed_by(caller)?.stored.parent_of(&child).cloned()
    }

    /// The permitted unit.
    ///
    /// # Errors
    /// [`OrganizationError::UnitNotFound`].
    pub fn describe_organizational_unit(
        &self,
        permit: Permit<DescribeOrganizationalUnit, OrganizationResource<OrganizationalUnitId>>,
    ) -> Result<(View, OrganizationalUnitId), OrganizationError> {
        let (caller, id) = permit.consume().into_parts();
        let view = self.managed_by(caller)?;
        view.stored.unit(&id)?;
        Ok((view.clone(), id))
    }

    /// What came of a request for an account.
    ///
    /// # Errors
    /// [`OrganizationError::CreateAccountStatusNotFound`].
    pub fn describe_create_account_status(
        &self,
        permit: Permit<DescribeCreateAccountStatus, WholeOrganization>,
        id: &CreateAccountRequestId,
    ) -> Result<CreateAccountRequest, OrganizationError> {
        let view = self.managed_by(permit.consume().caller())?;
        let found = view.stored.requests.get(id).cloned();
        found.ok_or(OrganizationError::CreateAccountStatusNotFound)
    }

    /// The requests for accounts that are `wanted`, by id, after the id `after`.
    ///
    /// # Errors
    /// [`OrganizationError::NotInUse`].
    pub fn list_create_account_status(
        &self,
        permit: Permit<ListCreateAccountStatus, WholeOrganization>,
        wanted: impl Fn(&CreateAccountRequest) -> bool,
        after: &str,
        limit: usize,
    ) -> Result<Page<(CreateAccountRequestId, CreateAccountRequest)>, OrganizationError> {
        let view = self.managed_by(permit.consume().caller())?;
        let all =
            view.stored.requests.iter().filter(|(id, one)| id.as_str() > after && wanted(one));
        Ok(Page::take(all.map(|(id, one)| (id.clone(), one.clone())), limit))
    }

    /// The organization, and the root or unit in it.
    fn parent(
        &self,
        resource: OrganizationResource<ContainerId>,
    ) -> Result<(View, ContainerId), OrganizationError> {
        let (caller, parent) = resource.into_parts();
        let view = self.managed_by(caller)?;
        if view.stored.has(&parent) {
            return Ok((view.clone(), parent));
        }
        Err(OrganizationError::ParentNotFound)
    }
}

fn accounts<'a>(
    members: impl Iterator<Item = (&'a AccountId, &'a Member)>,
    after: &str,
    limit: usize,
) -> Page<(AccountId, Member)> {
    let later = members.filter(|(id, _)| id.as_str() > after);
    Page::take(later.map(|(id, member)| (*id, member.clone())), limit)
}
