//! The jail of a worker, step by step. Each step says why it comes before the next one; the first
//! that fails ends the start, so that no worker runs in half a jail.
//!
//! Runs in a keeper: the first process of new mount, pid, network, ipc, uts and cgroup namespaces,
//! with every capability over them, and one thread.

mod calls;
mod filesystem;
mod identity;
mod limits;
mod network;
mod paths;

use std::net::TcpListener;

use landlock::RulesetStatus;
use rustix::process::{DumpableBehavior, Signal};

use crate::protocol::{self, Failure, Step};

pub(crate) use calls::Filter;
pub(crate) use filesystem::SYSTEM;
pub(crate) use limits::{Extra, PROCESSES_MAX, limit};
pub(crate) use network::listen;

/// The namespaces of every jail.
pub(crate) const NAMESPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Where a jail has the function's code, as Lambda does.
pub(crate) const TASK_ROOT: &str = "/var/task";

/// Where a jail has the runtime client, as Lambda does.
pub(crate) const RUNTIME_DIR: &str = "/var/runtime";

/// The port of the Runtime API in a jail: that of AWS's own emulator.
pub(crate) const RUNTIME_API_PORT: u16 = 9001;

/// How likely the host ends a worker when memory is short: before the server (0), not before
/// everything else (1000).
const OUT_OF_MEMORY_SCORE: &str = "500";

/// Locks this process in. Gives the Runtime API's listener, and whether landlock holds.
///
/// # Errors
/// The step that failed.
pub(crate) fn enter(
    jail: &protocol::Jail,
    filter: &Filter,
) -> Result<(TcpListener, bool), Failure> {
    // While the host's /proc is there.
    std::fs::write("/proc/self/oom_score_adj", OUT_OF_MEMORY_SCORE).step("oom_score_adj")?;
    // Before the capability over the network namespace goes.
    network::loopback_up()?;
    let listener = listen(RUNTIME_API_PORT)?;
    rustix::system::sethostname(b"localhost").step("sethostname")?;
    // Before the user changes: only this one may mount.
    filesystem::enter_root(jail)?;
    limit(Extra { own_user: jail.user.is_some(), data_bytes: jail.data_bytes })?;
    // After all that needs a right, and before what may not be undone with one.
    identity::become_user(jail.user)?;
    // A new user clears the signal that the keeper set first; and nobody of the same user may look
    // into the keeper.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .step("prctl(PR_SET_PDEATHSIG)")?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .step("prctl(PR_SET_DUMPABLE)")?;
    rustix::thread::set_no_new_privs(true).step("prctl(PR_SET_NO_NEW_PRIVS)")?;
    let landlock = paths::restrict().map_err(|failure| failure.0)?;
    // Last: it forbids most of the above.
    filter.apply()?;
    Ok((listener, landlock != RulesetStatus::NotEnforced))
}
