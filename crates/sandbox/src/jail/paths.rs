//! Landlock: what a worker may do with the files that its own root shows, said a second time, by a
//! mechanism that shares nothing with mounts and users.

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, path_beneath_rules,
};

use crate::protocol::Failure;

/// The newest rules that are used; a kernel that knows fewer keeps those that it knows. Version 6:
/// Linux 6.12, the first that keeps signals and abstract sockets within a domain.
const RULES: ABI = ABI::V6;

/// What a worker may write to: its own files, and the devices that everybody may.
const WRITABLE: [&str; 2] = ["/tmp", "/dev"];

/// Why landlock failed though the kernel has it.
pub(super) struct PathFailure(pub(super) Failure);

impl From<RulesetError> for PathFailure {
    fn from(error: RulesetError) -> Self {
        Self(Failure { step: format!("landlock: {error}"), errno: libc::EINVAL })
    }
}

/// Reading everywhere, writing where it must be, and no signal or socket out of the jail.
pub(super) fn restrict() -> Result<RulesetStatus, PathFailure> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .scope(Scope::from_all(RULES))?
        .create()?
        .add_rules(path_beneath_rules(["/"], AccessFs::from_read(RULES)))?
        .add_rules(path_beneath_rules(WRITABLE, AccessFs::from_all(RULES)))?;
    Ok(rules.restrict_self()?.ruleset)
}
