//! A keeper: the process between the server and one worker. In a jail it is the first process, so
//! that the worker is not: signals mean what they mean elsewhere, orphans are collected, and the
//! worker's exit status is its own.
//!
//! The keeper locks itself in before it starts the worker, and is no more than the worker is. It
//! lives as long as the worker, and both end when the server's end of the connection closes.

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};

use crate::fork::{self, ChildSignal, NeverReturns, Side};
use crate::jail::{self, Filter};
use crate::process::Exit;
use crate::protocol::{self, Failure, Launch, Order, Report, Step};

/// The variable that AWS's SDKs read the endpoint of every service from; a function may have its own.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The descriptors that came with a [`Launch`].
pub(crate) struct Descriptors {
    /// The keeper's end of the connection with the server.
    pub(crate) control: OwnedFd,
    /// Where the worker's standard output and error go.
    pub(crate) output: OwnedFd,
    /// Files that a process joins a control group by.
    pub(crate) groups: Vec<OwnedFd>,
}

impl Descriptors {
    /// In the order of [`protocol::Request::Launch`].
    pub(crate) fn new(descriptors: Vec<OwnedFd>) -> Option<Self> {
        let mut descriptors = descriptors.into_iter();
        let (control, output) = (descriptors.next()?, descriptors.next()?);
        Some(Self { control, output, groups: descriptors.collect() })
    }
}

/// Runs one worker from its start to its end, then ends this process.
pub(crate) fn keep(launch: &Launch, descriptors: &Descriptors, filter: &Filter) -> ! {
    let process = NeverReturns;
    let ended = keep_until_end(launch, descriptors, filter);
    let report = ended.map_or_else(Report::Failed, Report::Ended);
    // Nobody hears it if the server is gone.
    let _ = protocol::send(&descriptors.control, &report, &[], SendFlags::empty());
    process.end(0)
}

fn keep_until_end(
    launch: &Launch,
    descriptors: &Descriptors,
    filter: &Filter,
) -> Result<Exit, Failure> {
    // First: from here on nothing outlives the server's spawner.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .step("prctl(PR_SET_PDEATHSIG)")?;
    let children = ChildSignal::new().step("signalfd")?;
    let (listener, landlock) = lock_in(launch, descriptors, filter)?;
    let port = listener.local_addr().step("getsockname")?.port();
    tell(descriptors, &Report::Listening, listener.as_fd())?;
    // The server's copy is the one that is accepted on.
    drop(listener);
    let worker = start(launch, descriptors, port)?;
    let pidfd = rustix::process::pidfd_open(worker, PidfdFlags::empty()).step("pidfd_open")?;
    tell(descriptors, &Report::Started { landlock }, pidfd.as_fd())?;
    watch(worker, &descriptors.control, &children).step("poll")
}

fn tell(
    descriptors: &Descriptors,
    report: &Report,
    descriptor: BorrowedFd<'_>,
) -> Result<(), Failure> {
    let sent = protocol::send(&descriptors.control, report, &[descriptor], SendFlags::empty());
    sent.step("sendmsg")
}

/// Makes the worker's surroundings: its jail, or what a process has without one.
fn lock_in(
    launch: &Launch,
    descriptors: &Descriptors,
    filter: &Filter,
) -> Result<(TcpListener, bool), Failure> {
    match &launch.jail {
        Some(jail) => {
            if let Some(id) = jail.user {
                // So that the worker can open its output by name (`/dev/stdout`).
                let owner = Some(rustix::process::Uid::from_raw(id));
                rustix::fs::fchown(&descriptors.output, owner, None).step("fchown(output)")?;
            }
            jail::enter(jail, filter)
        }
        None => {
            // Orphans of the worker come here, so that they can be ended.
            rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
                .step("prctl(PR_SET_CHILD_SUBREAPER)")?;
            jail::limit(jail::Extra::default())?;
            // No set-user-id program gives a function more rights than the worker has.
            rustix::thread::set_no_new_privs(true).step("prctl(PR_SET_NO_NEW_PRIVS)")?;
            Ok((jail::listen(0)?, false))
        }
    }
}

/// Starts the worker's own process.
fn start(launch: &Launch, descriptors: &Descriptors, port: u16) -> Result<Pid, Failure> {
    let process = match fork::fork_into(0).step("clone")? {
        Side::Parent(pid) => return Ok(pid),
        Side::Child => NeverReturns,
    };
    match become_program(launch, descriptors, port) {
        Ok(Trial) => process.end(0),
        Err(failure) => {
            let report = Report::Failed(failure);
            let _ = protocol::send(&descriptors.control, &report, &[], SendFlags::empty());
            process.end(1)
        }
    }
}

/// There is no program to run: only the way to its start was to be tried.
struct Trial;

/// The steps of the worker's process. Returns only on failure, and from a trial.
fn become_program(launch: &Launch, descriptors: &Descriptors, port: u16) -> Result<Trial, Failure> {
    // First, so that the whole group can be signalled at any later point.
    rustix::process::setsid().step("setsid")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .step("prctl(PR_SET_PDEATHSIG)")?;
    for group in &descriptors.groups {
        // 0 means the writer itself (cgroups(7)). Before the program, all of which it shall count.
        rustix::io::write(group, b"0").step("write(cgroup.procs)")?;
    }
    rustix::process::chdir(&launch.directory).step("chdir")?;
    let Some(program) = &launch.program else { return Ok(Trial) };
    let mut command = Command::new(program);
    command.args(&launch.arguments).env_clear();
    command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
    command.env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"));
    if launch.endpoint && !launch.environment.iter().any(|(name, _)| name == ENDPOINT_URL) {
        // Where AWS's own SDKs look for an endpoint.
        command.env(ENDPOINT_URL, format!("http://127.0.0.1:{port}"));
    }
    let output = || descriptors.output.try_clone().step("dup(output)");
    command.stdin(Stdio::null()).stdout(output()?).stderr(output()?);
    fork::unblock_signals().step("sigprocmask")?;
    // As late as can be: whatever is open now closes with the program's start.
    fork::close_on_execute(3).step("close_range")?;
    Err(command.exec()).step("execve")
}

/// Waits until the worker has ended, or shall; ends what it left behind.
fn watch(worker: Pid, control: &OwnedFd, children: &ChildSignal) -> std::io::Result<Exit> {
    loop {
        if children.wait_with(control.as_fd())? {
            match protocol::receive::<Order>(control, RecvFlags::DONTWAIT) {
                Ok(Some((order, _))) => signal(worker, order.signal),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Ok(None) | Err(_) => return Ok(end_all(worker)),
            }
        }
        while let Ok(Some((ended, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if ended == worker {
                let exit = Exit::of(status);
                end_all(worker);
                return Ok(exit);
            }
        }
    }
}

fn signal(worker: Pid, number: i32) {
    if let Some(signal) = Signal::from_named_raw(number) {
        // The group may be gone; its end is noticed elsewhere.
        let _ = rustix::process::kill_process_group(worker, signal);
    }
}

/// Ends every process of the worker, and waits for each. Gives how the worker's own ended, if it
/// had not before.
fn end_all(worker: Pid) -> Exit {
    let mut exit = Exit::Signal(libc::SIGKILL);
    loop {
        fork::kill_namespace();
        let _ = rustix::process::kill_process_group(worker, Signal::KILL);
        for orphan in children() {
            let _ = rustix::process::kill_process(orphan, Signal::KILL);
        }
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if ended == worker => exit = Exit::of(status),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return exit, // no child is left
        }
    }
}

/// The children of this process, which in a jail are few: all of it is killed at once.
fn children() -> Vec<Pid> {
    let id = rustix::process::getpid().as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/self/task/{id}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
