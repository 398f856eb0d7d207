//! One worker process: watched through its pidfd, signalled as a group, reaped exactly once.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::SetOnce;

use crate::lock;
use crate::spawn::Spawned;

/// How a process ended. Displays as Lambda's words for it (aws-lambda.md §8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It exited with this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(0) => out.write_str("Runtime exited without providing a reason"),
            Self::Code(code) => write!(out, "Runtime exited with error: exit status {code}"),
            Self::Signal(number) => {
                write!(out, "Runtime exited with error: signal: {}", signal_words(*number))
            }
        }
    }
}

/// A signal in the words of Go's `syscall.Signal.String`, which Lambda's supervisor prints.
fn signal_words(number: i32) -> String {
    let words = match number {
        libc::SIGHUP => "hangup",
        libc::SIGINT => "interrupt",
        libc::SIGQUIT => "quit",
        libc::SIGILL => "illegal instruction",
        libc::SIGTRAP => "trace/breakpoint trap",
        libc::SIGABRT => "aborted",
        libc::SIGBUS => "bus error",
        libc::SIGFPE => "floating point exception",
        libc::SIGKILL => "killed",
        libc::SIGUSR1 => "user defined signal 1",
        libc::SIGSEGV => "segmentation fault",
        libc::SIGUSR2 => "user defined signal 2",
        libc::SIGPIPE => "broken pipe",
        libc::SIGALRM => "alarm clock",
        libc::SIGTERM => "terminated",
        libc::SIGXCPU => "CPU time limit exceeded",
        libc::SIGXFSZ => "file size limit exceeded",
        libc::SIGSYS => "bad system call",
        _ => return format!("signal {number}"),
    };
    words.to_owned()
}

/// A worker process and the group that it leads.
pub(crate) struct Process {
    pid: Pid,
    /// True once the pid may belong to somebody else. Held while signalling, so that no signal
    /// reaches a stranger.
    reaped: Mutex<bool>,
    exit: SetOnce<Exit>,
}

impl Process {
    /// Takes over a process just started; a task of its own reaps it.
    ///
    /// # Errors
    /// When its pidfd cannot be watched; the process is killed then.
    pub(crate) fn adopt(spawned: Spawned) -> io::Result<Arc<Self>> {
        let process =
            Arc::new(Self { pid: spawned.pid, reaped: Mutex::new(false), exit: SetOnce::new() });
        match watch(spawned.pidfd) {
            Ok(pidfd) => {
                tokio::spawn(Arc::clone(&process).reap(pidfd));
                Ok(process)
            }
            Err(error) => {
                process.kill();
                Err(error)
            }
        }
    }

    async fn reap(self: Arc<Self>, pidfd: AsyncFd<OwnedFd>) {
        if let Err(error) = pidfd.readable().await {
            tracing::error!(%error, pid = self.pid.as_raw_pid(), "cannot watch a worker");
        }
        let exit = self.collect(&pidfd).unwrap_or_else(|error| {
            tracing::error!(%error, pid = self.pid.as_raw_pid(), "cannot reap a worker");
            Exit::Signal(libc::SIGKILL)
        });
        // Only this task sets it, once.
        let _ = self.exit.set(exit);
    }

    /// Reaps the leader. The rest of its group goes first: afterwards its number may be reused.
    fn collect(&self, pidfd: &AsyncFd<OwnedFd>) -> io::Result<Exit> {
        let mut reaped = lock(&self.reaped);
        // The group may be empty already.
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        let wait = WaitId::PidFd(pidfd.get_ref().as_fd());
        let status = rustix::process::waitid(wait, WaitIdOptions::EXITED)?;
        *reaped = true;
        Ok(status.map_or(Exit::Signal(libc::SIGKILL), |status| exit_of(&status)))
    }

    /// Sends a signal to the whole group; nothing once the process is gone.
    pub(crate) fn signal(&self, signal: Signal) {
        let reaped = lock(&self.reaped);
        if !*reaped && let Err(error) = rustix::process::kill_process_group(self.pid, signal) {
            tracing::warn!(%error, pid = self.pid.as_raw_pid(), "cannot signal a worker");
        }
    }

    /// Ends the whole group now.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until the process has ended and is reaped.
    pub(crate) async fn exited(&self) -> Exit {
        *self.exit.wait().await
    }

    /// Whether the process has ended and is reaped.
    pub(crate) fn has_exited(&self) -> bool {
        self.exit.initialized()
    }

    /// Whether the process has ended at this moment, even if nobody has reaped it yet.
    pub(crate) fn has_just_exited(&self) -> bool {
        let reaped = lock(&self.reaped);
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        *reaped
            || rustix::process::waitid(WaitId::Pid(self.pid), look)
                .is_ok_and(|status| status.is_some())
    }

    /// Most resident memory that the leading process ever held, in KiB; `None` once it ended.
    ///
    /// From `VmHWM` of `/proc/PID/status`. Not from `wait4`: a child that was cloned with the
    /// server's memory starts its `ru_maxrss` at the server's own size.
    pub(crate) fn peak_memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid.as_raw_pid()));
        let status = status.ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

#[expect(unsafe_code, reason = "tokio has no safe way to watch a descriptor of any kind")]
fn watch(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` always gives the descriptor that it owns, and keeps it open as long as
    // the `AsyncFd` that owns it lives.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}

fn exit_of(status: &WaitIdStatus) -> Exit {
    let signal = || Exit::Signal(status.terminating_signal().unwrap_or(libc::SIGKILL));
    status.exit_status().map_or_else(signal, Exit::Code)
}
