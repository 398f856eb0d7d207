//! Starts worker processes at a cost that does not grow with the server's memory.
//!
//! `fork` copies page tables: milliseconds in a server that holds gigabytes. A child that shares
//! the server's memory until it executes its program (`CLONE_VM | CLONE_VFORK`, what `posix_spawn`
//! does) costs the same at any size, but unlike `posix_spawn` it can run the steps that a worker
//! needs. One thread of its own starts all workers and lives as long as they do, because the
//! kernel sends the parent-death signal when the *thread* that started a process ends.

use std::ffi::{CString, NulError, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::mpsc;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, WaitId, WaitIdOptions};
use tokio::sync::oneshot;

/// Stack of the child until it executes its program: its frames are a few hundred bytes.
const STACK_BYTES: usize = 64 * 1024;

/// Most descriptors that a worker may have open. AWS: 1024 (Lambda quotas, file descriptors).
const DESCRIPTORS_MAX: u64 = 1024;

/// Largest file that a worker may write, in bytes: AWS's largest `/tmp` (10,240 MB).
const FILE_BYTES_MAX: u64 = 10_240 << 20;

/// Exit status of a child that could not become its program, as a shell has it. Nobody reads it:
/// the reason comes back in [`Plan::failure`].
const CANNOT_EXECUTE: c_int = 127;

/// Why the host could not start a worker.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program, an argument, a variable or the folder holds a NUL byte.
    #[error("a worker's program, arguments and environment must not hold a NUL byte")]
    Nul(#[from] NulError),
    /// Something that the worker needs (pipe, listener, descriptor) cannot be made.
    #[error("cannot make a worker's {what}")]
    Prepare {
        /// What cannot be made.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The new process failed at one of its steps before it was the worker's program.
    #[error("a new worker failed at `{step}` (program {program})")]
    Step {
        /// The system call.
        step: &'static str,
        /// The program that was to run.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The thread that starts workers is gone.
    #[error("the thread that starts workers is gone")]
    Gone,
}

/// Makes `what`'s failure a [`SpawnError::Prepare`].
pub(crate) fn prepare<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> SpawnError {
    move |source| SpawnError::Prepare { what, source: source.into() }
}

/// A process to start: everything that it gets, in the form that the kernel takes.
pub(crate) struct Command {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: CString,
    output: OwnedFd,
}

impl Command {
    /// `output` becomes standard output and standard error; standard input is `/dev/null`.
    ///
    /// # Errors
    /// [`SpawnError::Nul`].
    pub(crate) fn new(
        program: &Path,
        arguments: &[String],
        environment: impl Iterator<Item = (String, String)>,
        directory: &Path,
        output: OwnedFd,
    ) -> Result<Self, SpawnError> {
        let program = CString::new(program.as_os_str().as_bytes())?;
        let mut all = vec![program.clone()];
        for argument in arguments {
            all.push(CString::new(argument.as_str())?);
        }
        let environment = environment.map(|(name, value)| CString::new(format!("{name}={value}")));
        Ok(Self {
            program,
            arguments: all,
            environment: environment.collect::<Result<_, _>>()?,
            directory: CString::new(directory.as_os_str().as_bytes())?,
            output,
        })
    }
}

/// A process just started, leader of a session and process group of its own.
pub(crate) struct Spawned {
    pub(crate) pid: Pid,
    /// Readable once the process has ended.
    pub(crate) pidfd: OwnedFd,
}

struct Request {
    command: Command,
    reply: oneshot::Sender<Result<Spawned, SpawnError>>,
}

/// The thread that starts workers. It ends with this handle, and its workers with it.
pub(crate) struct Spawner(mpsc::Sender<Request>);

impl Spawner {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, requests) = mpsc::channel::<Request>();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            let mut stack = vec![0; STACK_BYTES];
            while let Ok(Request { command, reply }) = requests.recv() {
                // Whoever asked may be gone with its tokio runtime; this thread is next then, and
                // the new process ends with it.
                let _ = reply.send(spawn(&command, &mut stack));
            }
        })?;
        Ok(Self(sender))
    }

    /// Starts one process.
    ///
    /// # Errors
    /// [`SpawnError::Step`] when the program cannot run; nothing is left of the process then.
    pub(crate) async fn spawn(&self, command: Command) -> Result<Spawned, SpawnError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request { command, reply }).map_err(|_| SpawnError::Gone)?;
        answer.await.map_err(|_| SpawnError::Gone)?
    }
}

/// What the child reads, and the one thing that it writes. Made whole before the child exists: the
/// child must not allocate, because another thread may hold the allocator's lock.
struct Plan {
    program: *const c_char,
    arguments: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    directory: *const c_char,
    input: c_int,
    output: c_int,
    server: libc::pid_t,
    failure: Option<Failure>,
}

/// The step at which a child failed, and `errno`.
#[derive(Clone, Copy)]
struct Failure {
    step: &'static str,
    errno: c_int,
}

/// Pointers to the strings, and the null that ends the list.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

fn spawn(command: &Command, stack: &mut [u8]) -> Result<Spawned, SpawnError> {
    let open = || rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    // Above the three that the child replaces, even when the server runs with those closed.
    let input = open().and_then(|null| rustix::io::fcntl_dupfd_cloexec(null, 3));
    let input = input.map_err(prepare("standard input"))?;
    let output = rustix::io::fcntl_dupfd_cloexec(&command.output, 3);
    let output = output.map_err(prepare("standard output"))?;
    let mut plan = Plan {
        program: command.program.as_ptr(),
        arguments: pointers(&command.arguments),
        environment: pointers(&command.environment),
        directory: command.directory.as_ptr(),
        input: input.as_raw_fd(),
        output: output.as_raw_fd(),
        server: rustix::process::getpid().as_raw_nonzero().get(),
        failure: None,
    };
    let spawned = clone_with_shared_memory(&mut plan, stack).map_err(prepare("process"))?;
    let Some(Failure { step, errno }) = plan.failure else { return Ok(spawned) };
    // It has ended: reap it, so that no zombie stays.
    let _ = rustix::process::waitid(WaitId::Pid(spawned.pid), WaitIdOptions::EXITED);
    let program = command.program.to_string_lossy().into_owned();
    Err(SpawnError::Step { step, program, source: io::Error::from_raw_os_error(errno) })
}

/// Runs [`child`] in a new process that shares this memory, and waits until it executed or ended.
#[expect(unsafe_code, reason = "no safe wrapper clones with shared memory")]
fn clone_with_shared_memory(plan: &mut Plan, stack: &mut [u8]) -> io::Result<Spawned> {
    let mut pidfd: c_int = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let blocked = SignalsBlocked::all()?;
    // The stack grows downwards, and its end must be aligned to 16 bytes (System V ABI).
    let end = stack.as_mut_ptr_range().end;
    let end = end.wrapping_sub(end.addr() % 16);
    // SAFETY: `stack` and `plan` outlive the child's use of them, because CLONE_VFORK suspends this
    // thread until the child has executed its program or ended, and nothing else refers to either.
    // All signals are blocked, so no handler of ours runs in the child on the shared memory. The
    // kernel writes the pidfd to `pidfd`, which lives on this frame.
    let pid = unsafe {
        libc::clone(child, end.cast(), flags, ptr::from_mut(plan).cast(), &raw mut pidfd)
    };
    let error = io::Error::last_os_error();
    drop(blocked);
    let pid = Pid::from_raw(pid).filter(|_| pid > 0).ok_or(error)?;
    // SAFETY: CLONE_PIDFD made this descriptor in this process, close-on-exec, and nobody else
    // knows it.
    Ok(Spawned { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}

/// Every signal is blocked in this thread while this value lives.
struct SignalsBlocked(libc::sigset_t);

#[expect(unsafe_code, reason = "std has no signal masks")]
impl SignalsBlocked {
    fn all() -> io::Result<Self> {
        // SAFETY: `sigset_t` is plain data for which zero bytes are a value; `sigfillset` and
        // `pthread_sigmask` only write to the two sets on this frame.
        unsafe {
            let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&raw mut all);
            match libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before) {
                0 => Ok(Self(before)),
                errno => Err(io::Error::from_raw_os_error(errno)),
            }
        }
    }
}

#[expect(unsafe_code, reason = "std has no signal masks")]
impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: only reads the set that `all` filled in; a null old set is allowed.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// The child: becomes its program, or leaves the reason why not in the plan.
extern "C" fn child(plan: *mut c_void) -> c_int {
    #[expect(unsafe_code, reason = "the argument of a C entry point")]
    // SAFETY: `clone_with_shared_memory` passes its exclusive reference and is suspended meanwhile.
    let plan = unsafe { &mut *plan.cast::<Plan>() };
    plan.failure = become_program(plan).err();
    CANNOT_EXECUTE
}

/// Turns a system call's `-1` into the failure of a step.
fn step(step: &'static str, result: c_int) -> Result<(), Failure> {
    if result != -1 {
        return Ok(());
    }
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    Err(Failure { step, errno })
}

/// The steps of a new worker, in their order. Returns only on failure.
#[expect(unsafe_code, reason = "a child with shared memory may only make bare system calls")]
fn become_program(plan: &Plan) -> Result<(), Failure> {
    // SAFETY: each call below is one system call without locks or allocation, works on this
    // process's own attributes (CLONE_VM shares memory, but neither descriptors, signal handlers,
    // limits nor the working directory), and reads only memory of `plan` or of this frame.
    unsafe {
        // First, so that the whole group can be ended at any later point.
        step("setsid", libc::setsid())?;
        // A worker must not outlive the server, even one that was killed.
        step("prctl(PR_SET_PDEATHSIG)", libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        // The server may have died before the previous step: then that signal never comes.
        if libc::getppid() != plan.server {
            return Err(Failure { step: "getppid", errno: libc::ESRCH });
        }
        step("dup2(stdin)", libc::dup2(plan.input, libc::STDIN_FILENO))?;
        step("dup2(stdout)", libc::dup2(plan.output, libc::STDOUT_FILENO))?;
        step("dup2(stderr)", libc::dup2(plan.output, libc::STDERR_FILENO))?;
        // After the copies, since it closes their sources. Close-on-exec would not do: a library
        // may have opened a descriptor without it.
        step("close_range", close_from(3))?;
        limit("setrlimit(RLIMIT_CORE)", libc::RLIMIT_CORE, 0)?;
        limit("setrlimit(RLIMIT_NOFILE)", libc::RLIMIT_NOFILE, DESCRIPTORS_MAX)?;
        limit("setrlimit(RLIMIT_FSIZE)", libc::RLIMIT_FSIZE, FILE_BYTES_MAX)?;
        // No set-user-id program gives a function more rights than the worker has.
        step("prctl(PR_SET_NO_NEW_PRIVS)", libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        step("chdir", libc::chdir(plan.directory))?;
        // Last: ignored signals (Rust ignores SIGPIPE) and the mask pass through `execve`.
        reset_signals()?;
        let (arguments, environment) = (plan.arguments.as_ptr(), plan.environment.as_ptr());
        step("execve", libc::execve(plan.program, arguments, environment))
    }
}

/// `close_range(first, ∞)` as a bare system call: Linux 5.9 and later.
#[expect(unsafe_code, reason = "rustix has no close_range")]
fn close_from(first: libc::c_uint) -> c_int {
    // SAFETY: closes descriptors of the child alone; its table is a copy (no CLONE_FILES).
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    if result == 0 { 0 } else { -1 }
}

/// Sets both the soft and the hard limit, no higher than the server's own hard limit, which only
/// root may exceed.
#[expect(unsafe_code, reason = "a child with shared memory may only make bare system calls")]
fn limit(
    name: &'static str,
    resource: libc::__rlimit_resource_t,
    value: u64,
) -> Result<(), Failure> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `getrlimit` only writes and `setrlimit` only reads `limit`, which is on this frame;
    // the latter changes the child alone.
    unsafe {
        step(name, libc::getrlimit(resource, &raw mut limit))?;
        limit.rlim_max = value.min(limit.rlim_max);
        limit.rlim_cur = limit.rlim_max;
        step(name, libc::setrlimit(resource, &raw const limit))
    }
}

/// Every signal gets its default action, and none stays blocked.
#[expect(unsafe_code, reason = "a child with shared memory may only make bare system calls")]
fn reset_signals() -> Result<(), Failure> {
    /// Linux signal numbers are 1..=64.
    const SIGNAL_MAX: c_int = 64;
    // SAFETY: the handler table is the child's own (no CLONE_SIGHAND); zero bytes are a `sigaction`
    // with SIG_DFL and an empty mask, and an empty `sigset_t`. Numbers that may not be changed
    // (SIGKILL, SIGSTOP, glibc's own two) answer EINVAL, and need no change.
    unsafe {
        let default: libc::sigaction = std::mem::zeroed();
        for signal in 1..=SIGNAL_MAX {
            libc::sigaction(signal, &raw const default, ptr::null_mut());
        }
        let none: libc::sigset_t = std::mem::zeroed();
        step("sigprocmask", libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()))
    }
}
