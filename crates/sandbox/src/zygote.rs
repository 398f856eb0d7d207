//! Zygotes, seen from the processes of one thread: how one is started, and how a keeper has one
//! forked for its worker.
//!
//! A zygote is a process that has loaded what all workers of a runtime need, and waits. Its child
//! enters a keeper's jail, and is the worker: what takes tens of milliseconds is done already. No
//! function ever runs in the zygote itself.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use crate::fork::{self, NeverReturns};
use crate::jail::{self, Filter, Rules};
use crate::keeper::{self, Descriptors};
use crate::protocol::{
    self, Birth, ChildWork, Failure, Launch, Report, Step, ZygoteLaunch, ZygoteOrder,
};

/// How long a keeper waits for a child before it starts the worker itself: a fork takes a
/// millisecond, on a busy machine tens of them.
const FORK_MAX: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// Becomes a zygote's program; never returns.
pub(crate) fn become_zygote(launch: ZygoteLaunch, connection: OwnedFd) -> ! {
    let process = NeverReturns;
    let Ok(copy) = connection.try_clone() else { process.end(1) };
    let failure = execute(launch, connection);
    // Nobody hears it if the server is gone.
    let _ = protocol::send(&copy, &Report::Failed(failure), &[], SendFlags::empty());
    process.end(1)
}

/// The steps of a zygote's process. Returns only on failure.
fn execute(launch: ZygoteLaunch, connection: OwnedFd) -> Failure {
    match prepare(launch, connection) {
        Ok(mut command) => {
            let error = command.exec().raw_os_error().unwrap_or(libc::EIO);
            Failure { step: "execve".to_owned(), errno: error }
        }
        Err(failure) => failure,
    }
}

fn prepare(launch: ZygoteLaunch, connection: OwnedFd) -> Result<Command, Failure> {
    // First: it must not outlive the spawner.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .step("prctl(PR_SET_PDEATHSIG)")?;
    jail::enter_as_zygote(launch.views, &Filter::of_zygotes()?)?;
    let mut command = Command::new(launch.program);
    command.args(launch.arguments).env_clear().envs(launch.environment);
    // Its errors go where the server's go.
    command.stdin(connection).stdout(Stdio::null());
    fork::unblock_signals().step("sigprocmask")?;
    fork::close_on_execute(3).step("close_range")?;
    Ok(command)
}

/// What a zygote's child is to do.
pub(crate) struct Work<'a> {
    pub(crate) launch: &'a Launch,
    pub(crate) arguments: &'a [String],
    /// Of the Runtime API.
    pub(crate) address: &'a str,
    pub(crate) rules: &'a Rules,
    pub(crate) entrances: Vec<OwnedFd>,
}

/// A zygote's child, which is the worker from here on.
pub(crate) struct Forked {
    pub(crate) pid: Pid,
    pub(crate) pidfd: OwnedFd,
    /// Over which the zygote tells how it ends.
    pub(crate) told: OwnedFd,
}

/// Has a zygote forked.
///
/// # Errors
/// Whatever keeps the zygote from it; no child will be the worker then.
pub(crate) fn fork(
    zygote: &OwnedFd,
    work: &Work<'_>,
    descriptors: &Descriptors,
) -> Result<Forked, Failure> {
    let (ours, theirs) = protocol::pair().step("socketpair")?;
    let rules = work.rules.descriptor()?;
    let order = ZygoteOrder { namespaces: work.entrances.len(), rules: rules.is_some() };
    // First: the child reads it as soon as there is one, and the zygote never.
    let own = own(work).ok_or_else(|| failed(libc::EILSEQ))?;
    protocol::send(&ours, &own, &[], SendFlags::DONTWAIT).step("sendmsg(zygote's child)")?;
    let mut all = vec![theirs.as_fd(), descriptors.output.as_fd()];
    all.extend(work.entrances.iter().map(AsFd::as_fd));
    all.extend(rules.iter().map(AsFd::as_fd));
    all.extend(descriptors.groups.iter().map(AsFd::as_fd));
    // A zygote that is behind with its work is none to wait for.
    protocol::send(zygote, &order, &all, SendFlags::DONTWAIT).step("sendmsg(zygote)")?;
    drop(theirs);
    let mut polled = [PollFd::new(&ours, PollFlags::IN)];
    let ready = rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, Some(&FORK_MAX)));
    if ready.step("poll(zygote)")? == 0 {
        return Err(failed(libc::ETIMEDOUT));
    }
    let birth = protocol::receive(&ours, RecvFlags::empty()).step("recvmsg(zygote)")?;
    let Some((Birth::Ready { pid }, _)) = birth else { return Err(failed(libc::ECHILD)) };
    let pid = Pid::from_raw(pid).ok_or_else(|| failed(libc::EPROTO))?;
    // While it waits: one that runs may end, and be gone for us, at once.
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).step("pidfd_open")?;
    // The child waits for this byte: had we given up, it would have ended.
    rustix::net::send(&ours, b"g", SendFlags::NOSIGNAL).step("send(zygote)")?;
    Ok(Forked { pid, pidfd, told: ours })
}

fn failed(errno: i32) -> Failure {
    Failure { step: "fork(zygote)".to_owned(), errno }
}

/// `None` when something is not text.
fn own(work: &Work<'_>) -> Option<ChildWork> {
    let Launch { environment, directory, jail, .. } = work.launch;
    let text = |word: &OsStr| word.to_str().map(str::to_owned);
    let pairs = environment.iter().map(|(name, value)| Some((text(name)?, text(value)?)));
    let mut environment = pairs.collect::<Option<BTreeMap<_, _>>>()?;
    let more = keeper::listener_variables(work.launch, work.address);
    environment.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Some(ChildWork {
        environment,
        arguments: work.arguments.to_owned(),
        directory: text(directory)?,
        user: jail.as_ref()?.user,
        limits: jail::extra_limits(),
    })
}
