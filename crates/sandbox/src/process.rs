//! One worker's process as the server knows it: watched, signalled and ended through its keeper.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{SendFlags, Shutdown};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::SetOnce;

use crate::cgroups::Shortage;
use crate::protocol::{self, Failure, NotExecuted, Order, Report};
use crate::spawner::receive;

/// How a process ended. Displays as Lambda's words for it (aws-lambda.md §8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Exit {
    /// It exited with this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It was ended because its function had no more memory.
    OutOfMemory,
}

/// What is known of a process that has ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Death {
    pub(crate) exit: Exit,
    /// Most resident memory that it or a child that it waited for ever held, in KiB, if anybody knows.
    pub(crate) peak_kib: Option<u64>,
}

impl Death {
    /// Somebody ended it, or may have.
    pub(crate) const KILLED: Self = Self { exit: Exit::Signal(libc::SIGKILL), peak_kib: None };

    /// What `wait` said of its status.
    pub(crate) fn of(status: libc::c_int, peak_kib: Option<u64>) -> Self {
        let exit = match libc::WIFEXITED(status) {
            true => Exit::Code(libc::WEXITSTATUS(status)),
            false => Exit::Signal(libc::WTERMSIG(status)),
        };
        Self { exit, peak_kib }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(0) => out.write_str("Runtime exited without providing a reason"),
            Self::Code(code) => write!(out, "Runtime exited with error: exit status {code}"),
            Self::OutOfMemory => Self::Signal(libc::SIGKILL).fmt(out),
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

/// How a worker's process came to its end.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// It ran.
    Exit(Exit),
    /// It never was the worker's program: a step before it failed.
    Failure(Failure),
    /// It never was the worker's program, which does not run.
    NotExecuted(NotExecuted),
}

/// A worker's process, and all that it started.
pub(crate) struct Process {
    control: AsyncFd<OwnedFd>,
    /// Of the process that runs the worker's program, once it is there.
    pidfd: OnceLock<OwnedFd>,
    shortage: Shortage,
    /// The most memory that it ever held, in KiB, once it has ended.
    peak_kib: OnceLock<u64>,
    end: SetOnce<End>,
}

impl Process {
    /// Takes over a process that is being started, by the connection with its keeper.
    pub(crate) fn adopt(control: AsyncFd<OwnedFd>, shortage: Shortage) -> Arc<Self> {
        let (pidfd, peak_kib, end) = (OnceLock::new(), OnceLock::new(), SetOnce::new());
        let process = Arc::new(Self { control, pidfd, shortage, peak_kib, end });
        tokio::spawn(Arc::clone(&process).follow());
        process
    }

    /// Listens to the keeper until there is nothing more to hear.
    async fn follow(self: Arc<Self>) {
        let mut never_ran = None;
        let Death { exit, peak_kib } = loop {
            match receive(&self.control).await {
                Ok(Some((Report::Started { unforked, .. }, descriptors))) => {
                    if let Some(failure) = unforked {
                        tracing::warn!(%failure, "a zygote failed; the worker started without it");
                    }
                    descriptors.into_iter().for_each(|pidfd| drop(self.pidfd.set(pidfd)));
                }
                Ok(Some((Report::Failed(failure), _))) => never_ran = Some(End::Failure(failure)),
                Ok(Some((Report::NotExecuted(why), _))) => never_ran = Some(End::NotExecuted(why)),
                Ok(Some((Report::Ended(death), _))) => break death,
                Ok(Some((Report::Listening | Report::Ready, _))) => {}
                Ok(None) => break Death::KILLED, // somebody ended the keeper itself
                Err(error) => {
                    tracing::error!(%error, "cannot hear a worker's keeper");
                    self.kill();
                    break Death::KILLED;
                }
            }
        };
        // Before the end is known, with which the groups go.
        let exit = match exit {
            Exit::Signal(libc::SIGKILL) if self.shortage.has_killed() => Exit::OutOfMemory,
            exit => exit,
        };
        // What a group without memory held is known, and more than its first process did.
        if let Some(kib) = peak_kib.filter(|_| exit != Exit::OutOfMemory) {
            let _ = self.peak_kib.set(kib); // Only this task sets it, once.
        }
        // Only this task sets it, once.
        let _ = self.end.set(never_ran.unwrap_or(End::Exit(exit)));
    }

    /// Sends a signal to the worker's process group; nothing once it is gone.
    pub(crate) fn signal(&self, signal: Signal) {
        let order = Order { signal: signal.as_raw() };
        let sent = protocol::send(&self.control, &order, &[], SendFlags::DONTWAIT);
        if let Err(error) = sent
            && !self.has_exited()
        {
            tracing::debug!(%error, "a worker cannot be signalled any more");
        }
    }

    /// Ends all of the worker's processes now.
    pub(crate) fn kill(&self) {
        // The keeper takes the end of the connection for the order. It may be gone.
        let _ = rustix::net::shutdown(&self.control, Shutdown::Write);
    }

    /// Whether they hold more memory than their function may: the kernel ends them only when they have
    /// taken what is meant for `/tmp`, too.
    pub(crate) fn is_too_large(&self) -> bool {
        self.shortage.is_there()
    }

    /// Waits until all of the worker's processes have ended.
    pub(crate) async fn ended(&self) -> &End {
        self.end.wait().await
    }

    /// The same, for a process that ran.
    pub(crate) async fn exited(&self) -> Exit {
        match self.ended().await {
            End::Exit(exit) => *exit,
            End::Failure(_) | End::NotExecuted(_) => Exit::Signal(libc::SIGKILL),
        }
    }

    /// Whether all of the worker's processes have ended, as far as we have heard.
    pub(crate) fn has_exited(&self) -> bool {
        self.end.initialized()
    }

    /// Whether the worker's program has ended at this moment, even if we have not heard yet.
    pub(crate) fn has_just_exited(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        self.has_exited()
            || self.pidfd.get().is_some_and(|pidfd| {
                let mut polled = [PollFd::new(pidfd, PollFlags::IN)];
                rustix::event::poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0)
            })
    }

    /// Most resident memory that the worker's leading process ever held, in KiB. From `VmHWM` of
    /// `/proc/PID/status`; once it ended, from whoever waited for it, and `None` if nobody could.
    pub(crate) fn peak_memory_kib(&self) -> Option<u64> {
        if let Some(kib) = self.peak_kib.get() {
            return Some(*kib);
        }
        let pid = self.pid()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        // Read again: nobody else has taken the number meanwhile.
        if self.pid()? != pid {
            return None;
        }
        number(&status, "VmHWM:")
    }

    /// The number that the worker's leading process has for us; `None` once it ended.
    fn pid(&self) -> Option<u64> {
        let pidfd = self.pidfd.get()?.as_raw_fd();
        let information = std::fs::read_to_string(format!("/proc/self/fdinfo/{pidfd}")).ok()?;
        number(&information, "Pid:")
    }
}

/// The number after a name, in one of the kernel's lists.
pub(crate) fn number(list: &str, name: &str) -> Option<u64> {
    let line = list.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Watches a socket.
#[expect(unsafe_code, reason = "tokio has no safe way to watch a descriptor of any kind")]
pub(crate) fn watch(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    let interest = Interest::READABLE | Interest::WRITABLE;
    // SAFETY: an `OwnedFd` always gives the descriptor that it owns, and keeps it open as long as
    // the `AsyncFd` that owns it lives.
    Ok(unsafe { AsyncFd::register_with_interest(socket, interest) }?)
}
