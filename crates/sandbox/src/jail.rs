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

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

use rustix::process::{DumpableBehavior, Signal};

use crate::protocol::{self, Failure, HostView, Step};

use filesystem::Processes;

pub(crate) use calls::Filter;
pub(crate) use filesystem::SYSTEM;
pub(crate) use limits::{
    Extra, PROCESSES_MAX, allow_core_limit, extra_limits, limit, limit_descriptors,
};
pub(crate) use network::{listen, loopback_up};
pub(crate) use paths::Rules;

/// The namespaces of every jail.
pub(crate) const NAMESPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// The namespaces of a zygote: not one of processes, because from within one its children could
/// enter no other that is not below it.
pub(crate) const NAMESPACES_OF_ZYGOTE: libc::c_int =
    libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;

/// The names of a jail's namespaces in `/proc`, in the order in which another process enters them:
/// that of processes first, since only its children come to be in it; that of mounts last, since it
/// changes where everything else is.
const ENTRANCES: [&str; 6] = ["pid", "ipc", "uts", "net", "cgroup", "mnt"];

/// Where a jail has the function's code, as Lambda does.
pub(crate) const TASK_ROOT: &str = "/var/task";

/// Where a jail has the runtime client, as Lambda does.
pub(crate) const RUNTIME_DIR: &str = "/var/runtime";

/// Where a jail has the files of a function's layers, as Lambda does.
pub(crate) const LAYERS: &str = "/opt";

/// The program of a function that brings its runtime along.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// The port of the Runtime API in a jail: that of AWS's own emulator.
pub(crate) const RUNTIME_API_PORT: u16 = 9001;

/// How likely the host ends a worker when memory is short: before the server (0), not before
/// everything else (1000).
const OUT_OF_MEMORY_SCORE: &str = "500";

/// A jail that has been entered.
pub(crate) struct Entered {
    /// Of the Runtime API.
    pub(crate) listener: TcpListener,
    /// What the worker's own process still has to put in force.
    pub(crate) rules: Rules,
    /// By which another process enters, if one shall.
    pub(crate) entrances: Vec<OwnedFd>,
}

/// Locks this process in.
///
/// # Errors
/// The step that failed.
pub(crate) fn enter(
    jail: &protocol::Jail,
    filter: &Filter,
    with_entrances: bool,
) -> Result<Entered, Failure> {
    expose_to_shortage()?;
    // Before the capability over the network namespace goes.
    loopback_up()?;
    network::keep_little();
    let listener = listen(RUNTIME_API_PORT)?;
    rustix::system::sethostname(b"localhost").step("sethostname")?;
    // Before the user changes: only this one may mount.
    filesystem::enter_root(jail, Processes::Shown)?;
    // While this process may be looked into.
    let entrances = if with_entrances { entrances()? } else { Vec::new() };
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
    // Not in force in the keeper itself: it must be able to signal a worker that put the same rules
    // in force on its own.
    let rules = Rules::new()?;
    // Last: it forbids most of the above.
    filter.apply()?;
    Ok(Entered { listener, rules, entrances })
}

/// Locks a zygote in, but for the rights to enter jails.
///
/// # Errors
/// The step that failed.
pub(crate) fn enter_as_zygote(views: Vec<HostView>, filter: &Filter) -> Result<(), Failure> {
    expose_to_shortage()?;
    let jail = protocol::Jail { user: None, views, tmp_bytes: 1 << 20, data_bytes: None };
    filesystem::enter_root(&jail, Processes::Hidden)?;
    limit(Extra::default())?;
    limit_descriptors()?;
    identity::keep_rights_to_enter()?;
    rustix::thread::set_no_new_privs(true).step("prctl(PR_SET_NO_NEW_PRIVS)")?;
    filter.apply()
}

/// When the host is short of memory, workers go first. While the host's `/proc` is there.
fn expose_to_shortage() -> Result<(), Failure> {
    std::fs::write("/proc/self/oom_score_adj", OUT_OF_MEMORY_SCORE).step("oom_score_adj")
}

fn entrances() -> Result<Vec<OwnedFd>, Failure> {
    let open = |name: &&str| {
        let path = format!("/proc/self/ns/{name}");
        File::open(&path).map(OwnedFd::from).step(format!("open({path})"))
    };
    ENTRANCES.iter().map(open).collect()
}
