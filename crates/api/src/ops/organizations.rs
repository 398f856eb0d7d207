//! The operations of Organizations.

pub(crate) mod create_account;
pub(crate) mod create_organization;
pub(crate) mod create_organizational_unit;
pub(crate) mod delete_organization;
pub(crate) mod delete_organizational_unit;
pub(crate) mod describe_account;
pub(crate) mod describe_create_account_status;
pub(crate) mod describe_organization;
pub(crate) mod describe_organizational_unit;
pub(crate) mod list_accounts;
pub(crate) mod list_accounts_for_parent;
pub(crate) mod list_children;
pub(crate) mod list_create_account_status;
pub(crate) mod list_organizational_units_for_parent;
pub(crate) mod list_parents;
pub(crate) mod list_roots;
pub(crate) mod move_account;
pub(crate) mod update_organizational_unit;
