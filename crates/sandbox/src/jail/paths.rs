//! Landlock: what a worker may do with the files that its own root shows, said a second time, by a
//! mechanism that shares nothing with mounts and users.

use std::fmt;
use std::os::fd::OwnedFd;

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    Scope, path_beneath_rules,
};

use crate::protocol::{Failure, Step};

/// The newest rules that are used; a kernel that knows fewer keeps those that it knows. Version 6:
/// Linux 6.12, the first that keeps signals and abstract sockets within a domain.
const RULES: ABI = ABI::V6;

/// What a worker may write to: its own files, and the devices that everybody may.
const WRITABLE: [&str; 2] = ["/tmp", "/dev"];

/// The rules of one jail, not yet in force.
pub(crate) struct Rules(RulesetCreated);

impl Rules {
    /// Reading everywhere, writing where it must be, and no signal or socket out of the jail.
    ///
    /// # Errors
    /// When landlock fails though the kernel has it.
    pub(super) fn new() -> Result<Self, Failure> {
        Self::made().map(Self).map_err(|error| failure(&error))
    }

    fn made() -> Result<RulesetCreated, RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(RULES))?
            .scope(Scope::from_all(RULES))?
            .create()?
            .add_rules(path_beneath_rules(["/"], AccessFs::from_read(RULES)))?
            .add_rules(path_beneath_rules(WRITABLE, AccessFs::from_all(RULES)))
    }

    /// Puts them in force, for this process and all that come from it. Needs `no_new_privs`.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn restrict(&self) -> Result<(), Failure> {
        let rules = self.0.try_clone().step("dup(landlock)")?;
        rules.restrict_self().map_err(|error| failure(&error))?;
        Ok(())
    }

    /// By which another process can put them in force; `None` where the kernel has no landlock.
    ///
    /// # Errors
    /// Those of `dup`.
    pub(crate) fn descriptor(&self) -> Result<Option<OwnedFd>, Failure> {
        Ok(self.0.try_clone().step("dup(landlock)")?.into())
    }
}

fn failure(error: &impl fmt::Display) -> Failure {
    Failure { step: format!("landlock: {error}"), errno: libc::EINVAL }
}
