//! The calls that single-threaded processes make to split themselves, and to hear of their
//! children: the spawner and the keepers. Nothing here is for the server, which has threads.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use libc::c_int;
use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;

use crate::process::Death;

/// Which of the two processes goes on.
pub(crate) enum Side {
    /// The one that called, and the new one's id.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Splits this process as `fork` does, the new one within new namespaces (`CLONE_NEW…`).
///
/// Must be called by a process with one thread only: the child has that one alone, and whatever
/// another held (the allocator's lock) would stay held.
///
/// # Errors
/// Those of `clone`.
#[expect(unsafe_code, reason = "std and rustix do not fork")]
pub(crate) fn fork_into(namespaces: c_int) -> io::Result<Side> {
    let none = ptr::null_mut::<libc::c_void>();
    let flags = libc::c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: without CLONE_VM the child has a copy of this memory and goes on from here on a copy
    // of this stack (a null stack says so); no flag makes the kernel write to the null pointers.
    // The caller has one thread, so the copy is whole. The order of the last two arguments differs
    // between architectures; both are null.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) };
    match i32::try_from(pid) {
        Ok(0) => Ok(Side::Child),
        Ok(pid) if pid > 0 => Pid::from_raw(pid).map(Side::Parent).ok_or(io::Error::other("pid")),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends this process when it is dropped, also while a panic unwinds: a child must never return into
/// the code of its parent.
pub(crate) struct NeverReturns;

impl NeverReturns {
    /// Ends this process.
    #[expect(unsafe_code, reason = "std has no `_exit`")]
    pub(crate) fn end(&self, status: c_int) -> ! {
        // SAFETY: ends the process without running anything of it.
        unsafe { libc::_exit(status) }
    }
}

impl Drop for NeverReturns {
    fn drop(&mut self) {
        /// Exit status of a child that could not become its program, as a shell has it.
        const CANNOT_EXECUTE: c_int = 127;
        self.end(CANNOT_EXECUTE)
    }
}

/// Becomes readable when a child has ended.
pub(crate) struct ChildSignal(OwnedFd);

#[expect(unsafe_code, reason = "std and rustix have no signal masks and no signalfd")]
impl ChildSignal {
    /// Blocks the signal in this process, so that it waits to be read.
    ///
    /// # Errors
    /// Those of `sigprocmask` and `signalfd`.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: zero bytes are an empty `sigset_t`; the calls read and write only this frame.
        // The descriptor is new, and nobody else knows it.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigaddset(&raw mut set, libc::SIGCHLD);
            if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) == -1 {
                return Err(io::Error::last_os_error());
            }
            match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
                -1 => Err(io::Error::last_os_error()),
                descriptor => Ok(Self(OwnedFd::from_raw_fd(descriptor))),
            }
        }
    }

    /// Waits until one of these can be read, or a child may have ended; gives which can.
    ///
    /// # Errors
    /// Those of `poll`.
    pub(crate) fn wait_with<const N: usize>(
        &self,
        others: [Option<BorrowedFd<'_>>; N],
    ) -> io::Result<[bool; N]> {
        // Nobody listens to what is absent: this descriptor stands in for it.
        let polled = |other: &Option<_>| {
            PollFd::from_borrowed_fd(other.unwrap_or(self.0.as_fd()), PollFlags::IN)
        };
        let mut all: Vec<_> = others.iter().map(polled).chain([polled(&None)]).collect();
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut all, None))?;
        let mut readable = [false; N];
        for ((readable, polled), other) in readable.iter_mut().zip(&all).zip(&others) {
            *readable = other.is_some() && !polled.revents().is_empty();
        }
        // Several signals become one: what ended is found by waiting for it.
        let mut information = [0; size_of::<libc::signalfd_siginfo>()];
        while rustix::io::read(&self.0, &mut information).is_ok() {}
        Ok(readable)
    }
}

/// Waits for a child, with these options of `waitpid`; `None` if none has ended, and need not be waited
/// for. A program's memory is told only if it was more than this process ever had: until it was executed
/// the child was a copy of this one, and is counted as such.
///
/// # Errors
/// Those of `wait4`: `ECHILD` where no child is left.
#[expect(unsafe_code, reason = "std and rustix do not tell the memory of what they waited for")]
pub(crate) fn wait(options: c_int) -> io::Result<Option<(Pid, Death)>> {
    let mut status = 0;
    // SAFETY: zero bytes are a `rusage`: a structure of integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes to `status` and `usage`, which outlive the call.
    let pid = unsafe { libc::wait4(-1, &raw mut status, options, &raw mut usage) };
    if pid == -1 {
        return Err(io::Error::last_os_error());
    }
    let peak_kib = u64::try_from(usage.ru_maxrss).ok().filter(|peak| *peak > own_peak_kib());
    Ok(Pid::from_raw(pid).map(|pid| (pid, Death::of(status, peak_kib))))
}

/// The most resident memory that this process ever held, in KiB.
#[expect(unsafe_code, reason = "std and rustix do not tell it")]
fn own_peak_kib() -> u64 {
    // SAFETY: zero bytes are a `rusage`: a structure of integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes to `usage`, which outlives the call; it only fails for a bad pointer or
    // an unknown kind.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    u64::try_from(usage.ru_maxrss).unwrap_or(0)
}

/// Every signal gets its default action: ignored ones (Rust ignores SIGPIPE, `nohup` SIGHUP) would
/// pass through `execve` into workers.
#[expect(unsafe_code, reason = "std and rustix do not set signal handlers")]
pub(crate) fn reset_signals() {
    /// Linux signal numbers are 1..=64.
    const SIGNAL_MAX: c_int = 64;
    // SAFETY: zero bytes are a `sigaction` with SIG_DFL and an empty mask. Numbers that may not be
    // changed (SIGKILL, SIGSTOP, glibc's own two) answer EINVAL, and need no change.
    unsafe {
        let default: libc::sigaction = std::mem::zeroed();
        for signal in 1..=SIGNAL_MAX {
            libc::sigaction(signal, &raw const default, ptr::null_mut());
        }
    }
}

/// No signal waits any more: the mask passes through `execve`, too.
///
/// # Errors
/// Those of `sigprocmask`.
#[expect(unsafe_code, reason = "std and rustix have no signal masks")]
pub(crate) fn unblock_signals() -> io::Result<()> {
    // SAFETY: zero bytes are an empty `sigset_t`, which is on this frame and only read.
    unsafe {
        let none: libc::sigset_t = std::mem::zeroed();
        match libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Marks every descriptor from `first` on to be closed when a program is executed, whoever opened
/// it: a library may have forgotten to.
///
/// # Errors
/// Those of `close_range`: `EINVAL` before Linux 5.11.
#[expect(unsafe_code, reason = "std and rustix have no close_range")]
pub(crate) fn close_on_execute(first: libc::c_uint) -> io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: changes a flag of descriptors, and no memory.
    match unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Becomes a program. `Command::exec` would hand to a shell whatever the kernel cannot execute.
///
/// # Errors
/// Why it could not: those of `execve`, and `EINVAL` for a word with a NUL byte.
#[expect(unsafe_code, reason = "std always searches as a shell does, and rustix does not execute")]
pub(crate) fn execute(
    program: &OsStr,
    arguments: &[OsString],
    environment: &BTreeMap<&OsStr, &OsStr>,
) -> io::Result<Infallible> {
    let program = CString::new(program.as_bytes())?;
    let arguments = arguments.iter().map(|argument| CString::new(argument.as_bytes()));
    let arguments: Vec<_> =
        [Ok(program.clone())].into_iter().chain(arguments).collect::<Result<_, _>>()?;
    let variable = |(name, value): (&&OsStr, &&OsStr)| {
        CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())
    };
    let environment: Vec<_> = environment.iter().map(variable).collect::<Result<_, _>>()?;
    let (arguments, environment) = (pointers(&arguments), pointers(&environment));
    // SAFETY: the pointers are to strings that end with NUL and live until the end of this frame, in
    // arrays that end with a null pointer; the kernel reads them only.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// The array that the kernel wants: a null pointer ends it.
fn pointers(words: &[CString]) -> Vec<*const libc::c_char> {
    words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect()
}

/// Kills every process of the pid namespace that this process is the first of, at one moment: none
/// can fork its way out. Elsewhere it does nothing, and gives false: there it would end the whole host.
#[expect(unsafe_code, reason = "rustix names processes one by one")]
pub(crate) fn kill_namespace() -> bool {
    let is_first = rustix::process::getpid() == Pid::INIT;
    if is_first {
        // SAFETY: no memory is involved. The first process of a namespace sees, and so reaches,
        // no process outside of it; itself is spared by the kernel (kill(2)).
        unsafe { libc::kill(-1, libc::SIGKILL) };
    }
    is_first
}
