//! Organizational units, and which accounts are in them.

use super::{
    ContainerId, Organization, OrganizationError, OrganizationalUnit, OrganizationalUnitId,
    OrganizationalUnitName, TargetId,
};
use crate::ids::AccountId;

/// Most units of an organization. Source: the quotas of AWS Organizations.
pub const ORGANIZATIONAL_UNITS_MAX: usize = 2_000;

/// Most units on the way from the root to an account. Source: the quotas of AWS Organizations.
pub const UNIT_DEPTH_MAX: usize = 5;

impl Organization {
    /// `self` with a new unit in `parent`.
    ///
    /// # Errors
    /// [`OrganizationError::ParentNotFound`], [`OrganizationError::DuplicateUnit`], the constraints.
    pub fn create_unit(
        &self,
        parent: &ContainerId,
        name: OrganizationalUnitName,
        id: OrganizationalUnitId,
    ) -> Result<Self, OrganizationError> {
        if !self.has(parent) {
            return Err(OrganizationError::ParentNotFound);
        }
        self.check_name(parent, &name)?;
        if self.units_to(parent).len() >= UNIT_DEPTH_MAX {
            let text = "You have exceeded the depth allowed for organizational units.";
            return Err(OrganizationError::constraint("OU_DEPTH_LIMIT_EXCEEDED", text));
        }
        if self.units.len() >= ORGANIZATIONAL_UNITS_MAX {
            let text = "You have exceeded the number of organizational units allowed.";
            return Err(OrganizationError::constraint("OU_NUMBER_LIMIT_EXCEEDED", text));
        }
        let mut new = self.clone();
        new.units.insert(id, OrganizationalUnit { name, parent: parent.clone() });
        Ok(new)
    }

    /// `self` with another name of the unit.
    ///
    /// # Errors
    /// [`OrganizationError::UnitNotFound`], [`OrganizationError::DuplicateUnit`].
    pub fn rename_unit(
        &self,
        id: &OrganizationalUnitId,
        name: OrganizationalUnitName,
    ) -> Result<Self, OrganizationError> {
        let unit = self.unit(id)?;
        if unit.name != name {
            self.check_name(&unit.parent, &name)?;
        }
        let mut new = self.clone();
        let unit = OrganizationalUnit { name, ..unit.clone() };
        new.units.insert(id.clone(), unit);
        Ok(new)
    }

    /// `self` without the unit, in which nothing may be.
    ///
    /// # Errors
    /// [`OrganizationError::UnitNotFound`], [`OrganizationError::UnitNotEmpty`].
    pub fn delete_unit(&self, id: &OrganizationalUnitId) -> Result<Self, OrganizationError> {
        self.unit(id)?;
        let here = ContainerId::Unit(id.clone());
        if self.units_in(&here).next().is_some() || self.members_in(&here).next().is_some() {
            return Err(OrganizationError::UnitNotEmpty);
        }
        let mut new = self.clone();
        new.units.remove(id);
        new.forget(&TargetId::Unit(id.clone()));
        Ok(new)
    }

    /// `self` with `account` moved from one root or unit to another.
    ///
    /// # Errors
    /// [`OrganizationError::AccountNotFound`], [`OrganizationError::SourceParentNotFound`],
    /// [`OrganizationError::DestinationParentNotFound`], [`OrganizationError::DuplicateAccount`].
    pub fn move_account(
        &self,
        account: AccountId,
        from: &ContainerId,
        to: &ContainerId,
    ) -> Result<Self, OrganizationError> {
        let mut new = self.clone();
        let member = new.members.get_mut(&account).ok_or(OrganizationError::AccountNotFound)?;
        if member.parent != *from {
            return Err(OrganizationError::SourceParentNotFound);
        }
        if !self.has(to) {
            return Err(OrganizationError::DestinationParentNotFound);
        }
        if from == to {
            return Err(OrganizationError::DuplicateAccount);
        }
        member.parent = to.clone();
        Ok(new)
    }

    /// The unit.
    ///
    /// # Errors
    /// [`OrganizationError::UnitNotFound`].
    pub fn unit(
        &self,
        id: &OrganizationalUnitId,
    ) -> Result<&OrganizationalUnit, OrganizationError> {
        self.units.get(id).ok_or(OrganizationError::UnitNotFound)
    }

    fn check_name(
        &self,
        parent: &ContainerId,
        name: &OrganizationalUnitName,
    ) -> Result<(), OrganizationError> {
        let taken = self.units_in(parent).any(|(_, unit)| unit.name == *name);
        if taken { Err(OrganizationError::DuplicateUnit) } else { Ok(()) }
    }
}
