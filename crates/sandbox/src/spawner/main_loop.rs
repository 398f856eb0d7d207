//! The spawner: a process of one thread that splits off a keeper for each worker. It does nothing
//! else, so that it stays small, and a new worker costs the same in a server of any size.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use rustix::fs::{Mode, OFlags};
use rustix::net::{RecvFlags, SendFlags};
use rustix::process::WaitOptions;
use rustix::thread::UnshareFlags;

use crate::fork::{self, ChildSignal, Side};
use crate::jail::{self, Filter};
use crate::keeper::{self, Descriptors};
use crate::protocol::{self, Failure, Hello, Launch, Report, Request, Step, ZygoteLaunch};
use crate::zygote;

/// The first argument of the program when it is to be a spawner.
pub(crate) const ARGUMENT: &str = "__spawner";

/// Becomes the spawner of a server, if this program was started to be one: ends with the code.
///
/// To be called first in `main`, before there is any other thread.
#[must_use]
pub fn run_if_spawner() -> Option<ExitCode> {
    if std::env::args_os().nth(1)? != ARGUMENT {
        return None;
    }
    match run() {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(failure) => {
            eprintln!("portcullis: the process that starts workers failed at {failure}");
            Some(ExitCode::FAILURE)
        }
    }
}

/// How a call of [`Spawner::serve`] ends.
enum Serving {
    /// The server is gone.
    Over,
    /// This is a new process, the keeper of this worker.
    Keeper(Box<Launch>, Descriptors),
    /// This is a new process, which becomes this zygote.
    Zygote(Box<ZygoteLaunch>, OwnedFd),
}

/// What a spawner works with.
struct Spawner {
    server: OwnedFd,
    children: ChildSignal,
    /// Why no jail can be made.
    refusal: Option<Failure>,
}

fn run() -> Result<(), Failure> {
    let server = take_connection().step("dup(stdin)")?;
    fork::reset_signals();
    // A person's Ctrl-C is for the server, which lets events finish.
    rustix::process::setsid().step("setsid")?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let children = ChildSignal::new().step("signalfd")?;
    let Some((Request::Hello(hello), _)) = receive(&server)? else { return Ok(()) };
    jail::allow_core_limit();
    let refusal = if hello.user_namespace { enter_user_namespace().err() } else { None };
    let filter = Filter::of_workers()?;
    let spawner = Spawner { server, children, refusal };
    let serving = spawner.serve();
    // Also in a keeper, whose server must notice when the spawner is gone.
    drop(spawner);
    match serving? {
        Serving::Over => {}
        Serving::Keeper(launch, descriptors) => keeper::keep(&launch, descriptors, &filter),
        Serving::Zygote(launch, connection) => zygote::become_zygote(*launch, connection),
    }
    // With the server, the keepers' reason to be is gone.
    while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    tidy(&hello);
    Ok(())
}

/// The connection with the server is standard input. No keeper may inherit it: the server must
/// notice when the spawner is gone.
fn take_connection() -> io::Result<OwnedFd> {
    let server = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    fork::close_on_execute(3)?;
    Ok(server)
}

fn receive(server: &OwnedFd) -> Result<Option<(Request, Vec<OwnedFd>)>, Failure> {
    protocol::receive(server, RecvFlags::empty()).step("recvmsg")
}

impl Spawner {
    /// Starts workers until the server closes its end.
    fn serve(&self) -> Result<Serving, Failure> {
        loop {
            let [asked] = self.children.wait_with([Some(self.server.as_fd())]).step("poll")?;
            while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
            if !asked {
                continue;
            }
            let Some((request, descriptors)) = receive(&self.server)? else {
                return Ok(Serving::Over);
            };
            if let Some(child) = self.split_off(request, descriptors) {
                return Ok(child);
            }
        }
    }

    /// Makes the process that is asked for; `None` in this one.
    fn split_off(&self, request: Request, descriptors: Vec<OwnedFd>) -> Option<Serving> {
        match request {
            Request::Hello(_) => None,
            Request::Launch(launch) => {
                let namespaces = launch.jail.as_ref().map(|_| jail::NAMESPACES);
                let descriptors = Descriptors::new(&launch, descriptors)?;
                self.split(namespaces, &descriptors.control)?;
                Some(Serving::Keeper(launch, descriptors))
            }
            Request::Zygote(launch) => {
                let connection = descriptors.into_iter().next()?;
                self.split(Some(jail::NAMESPACES_OF_ZYGOTE), &connection)?;
                Some(Serving::Zygote(launch, connection))
            }
        }
    }

    /// Forks, into new namespaces if there are any; `None` in this process. A failure goes to
    /// whoever asked.
    fn split(&self, namespaces: Option<libc::c_int>, asker: &OwnedFd) -> Option<()> {
        let forked = match (&self.refusal, namespaces) {
            (Some(refusal), Some(_)) => Err(refusal.clone()),
            (_, Some(namespaces)) => fork::fork_into(namespaces).step("clone(new namespaces)"),
            (_, None) => fork::fork_into(0).step("clone"),
        };
        match forked {
            Ok(Side::Parent(_)) => None,
            Ok(Side::Child) => Some(()),
            Err(failure) => {
                // It may be gone.
                let _ = protocol::send(asker, &Report::Failed(failure), &[], SendFlags::empty());
                None
            }
        }
    }
}

/// For a server that may not make namespaces: within a user namespace of its own anybody may.
fn enter_user_namespace() -> Result<(), Failure> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    new_user_namespace().step("unshare(user namespace)")?;
    // Groups could not be given up later (user_namespaces(7)), so the kernel asks for this first.
    std::fs::write("/proc/self/setgroups", "deny").step("write(setgroups)")?;
    let same = |id: u32| format!("{id} {id} 1");
    std::fs::write("/proc/self/uid_map", same(user.as_raw())).step("write(uid_map)")?;
    std::fs::write("/proc/self/gid_map", same(group.as_raw())).step("write(gid_map)")
}

#[expect(unsafe_code, reason = "`unshare` is unsafe for the sake of shared descriptors")]
fn new_user_namespace() -> rustix::io::Result<()> {
    // SAFETY: the flags do not contain FILES, and there is one thread.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNS) }
}

/// Removes the control groups that the server made, if it could not.
fn tidy(hello: &Hello) {
    for folder in &hello.cgroups {
        if let Err(error) = crate::cgroups::remove(Path::new(folder)) {
            eprintln!("portcullis: a control group stays behind: {error}");
        }
    }
}
