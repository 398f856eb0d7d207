//! The server's side of the spawner: starts it, asks it for workers, starts another when it is gone.

mod main_loop;

use std::ffi::NulError;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Mutex;

use crate::process::{Death, Exit, watch};
use crate::protocol::{self, Failure, Hello, Launch, Report, Request};

pub use main_loop::run_if_spawner;

/// How long a worker may take to its start when it is tried for the first time: it takes
/// milliseconds, on a busy machine tens of them.
const TRIAL: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// How often a worker is asked for again when the spawner goes away meanwhile.
const SPAWNERS_MAX: usize = 2;

/// Why the host could not start a worker.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program, an argument, a variable or the folder holds a NUL byte.
    #[error("a worker's program, arguments and environment must not hold a NUL byte")]
    Nul(#[from] NulError),
    /// Something that the worker needs (pipe, socket, control group) cannot be made.
    #[error("cannot make a worker's {what}")]
    Prepare {
        /// What cannot be made.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The new process failed at one of its steps before it was the worker's program.
    #[error("a new worker failed at `{step}`")]
    Step {
        /// The system call, and what it was about.
        step: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The process that starts workers is gone, and so is another one.
    #[error("the process that starts workers ends")]
    Gone,
}

impl From<Failure> for SpawnError {
    fn from(Failure { step, errno }: Failure) -> Self {
        Self::Step { step, source: io::Error::from_raw_os_error(errno) }
    }
}

/// Makes `what`'s failure a [`SpawnError::Prepare`].
pub(crate) fn prepare<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> SpawnError {
    move |source| SpawnError::Prepare { what, source: source.into() }
}

/// A worker that is being started: the server's end of the connection with its keeper, and the
/// listener of its Runtime API.
pub(crate) struct Spawned {
    pub(crate) control: AsyncFd<OwnedFd>,
    pub(crate) listener: TcpListener,
}

/// The process that starts workers. When this handle goes, so does it, and all workers.
pub(crate) struct Spawner {
    program: PathBuf,
    hello: Hello,
    connection: Mutex<Option<Connection>>,
}

/// A running spawner.
struct Connection {
    socket: Option<AsyncFd<OwnedFd>>,
    child: Option<Child>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // First, so that the spawner ends.
        drop(self.socket.take());
        if let Some(mut child) = self.child.take() {
            std::thread::spawn(move || child.wait());
        }
    }
}

impl Spawner {
    /// Remembers how spawners are started: `program` is one that calls [`run_if_spawner`].
    pub(crate) fn new(program: PathBuf, hello: Hello) -> Self {
        Self { program, hello, connection: Mutex::new(None) }
    }

    /// Starts a spawner, and one worker on it that runs no program; gives what landlock does.
    /// Blocking, for some milliseconds.
    ///
    /// # Errors
    /// [`SpawnError::Step`]: why no such worker can be started on this host.
    pub(crate) fn try_out(&self, launch: Launch) -> Result<bool, SpawnError> {
        let (child, socket) = self.execute()?;
        let mut tried = Connection { socket: None, child: Some(child) };
        let (ours, theirs) = protocol::pair().map_err(prepare("socket"))?;
        let null = std::fs::OpenOptions::new().write(true).open("/dev/null");
        let null = null.map_err(prepare("output"))?;
        let request = Request::Launch(Box::new(launch));
        let descriptors = [theirs.as_fd(), null.as_fd()];
        let sent = protocol::send(&socket, &request, &descriptors, SendFlags::empty());
        sent.map_err(prepare("spawner"))?;
        drop(theirs);
        let landlock = trial_report(&ours);
        drop((socket, ours));
        if let Some(mut child) = tried.child.take() {
            child.wait().map_err(prepare("spawner"))?;
        }
        landlock
    }

    /// Starts one worker; `more` are the descriptors of [`Request::Launch`] after the first.
    ///
    /// # Errors
    /// [`SpawnError::Step`] when it cannot be made; nothing is left of it then.
    pub(crate) async fn spawn(
        &self,
        launch: Launch,
        more: &[BorrowedFd<'_>],
    ) -> Result<Spawned, SpawnError> {
        let request = Request::Launch(Box::new(launch));
        for _ in 0..SPAWNERS_MAX {
            let (ours, theirs) = protocol::pair().map_err(prepare("socket"))?;
            let descriptors = [&[theirs.as_fd()], more].concat();
            self.ask(&request, &descriptors).await?;
            drop(theirs);
            let control = watch(ours).map_err(prepare("socket"))?;
            match receive(&control).await.map_err(prepare("socket"))? {
                Some((Report::Listening, descriptors)) => {
                    let listener = descriptors.into_iter().next().ok_or(SpawnError::Gone)?;
                    return Ok(Spawned { control, listener: listener.into() });
                }
                Some((Report::Failed(failure), _)) => return Err(failure.into()),
                Some(_) | None => self.forget().await,
            }
        }
        Err(SpawnError::Gone)
    }

    /// Sends a request; to a new spawner when there is none, or it does not take it.
    ///
    /// # Errors
    /// [`SpawnError::Gone`], [`SpawnError::Prepare`] when it cannot be sent.
    pub(crate) async fn ask(
        &self,
        request: &Request,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), SpawnError> {
        let mut connection = self.connection.lock().await;
        for _ in 0..SPAWNERS_MAX {
            let connected = match connection.take() {
                Some(connected) => connected,
                None => self.connect()?,
            };
            let socket = connected.socket.as_ref().ok_or(SpawnError::Gone)?;
            let send = |socket: &OwnedFd| {
                protocol::send(socket, request, descriptors, SendFlags::DONTWAIT)
            };
            match socket.async_io(Interest::WRITABLE, send).await {
                Ok(()) => {
                    *connection = Some(connected);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    tracing::error!(
                        "the process that starts workers has ended; another is started"
                    );
                }
                Err(source) => {
                    *connection = Some(connected);
                    return Err(SpawnError::Prepare { what: "request", source });
                }
            }
        }
        Err(SpawnError::Gone)
    }

    fn connect(&self) -> Result<Connection, SpawnError> {
        let (child, socket) = self.execute()?;
        let mut connection = Connection { socket: None, child: Some(child) };
        connection.socket = Some(watch(socket).map_err(prepare("spawner"))?);
        Ok(connection)
    }

    /// Starts a spawner and greets it. It gets our error output, and nothing else of ours.
    fn execute(&self) -> Result<(Child, OwnedFd), SpawnError> {
        let failed = || prepare::<io::Error>("spawner");
        let (ours, theirs) = protocol::pair().map_err(failed())?;
        let mut command = Command::new(&self.program);
        command.arg(main_loop::ARGUMENT).env_clear();
        command.stdin(theirs).stdout(Stdio::null());
        let child = command.spawn().map_err(failed())?;
        let hello = Request::Hello(self.hello.clone());
        protocol::send(&ours, &hello, &[], SendFlags::empty()).map_err(failed())?;
        Ok((child, ours))
    }

    async fn forget(&self) {
        tracing::error!("the process that starts workers has ended; another is started");
        *self.connection.lock().await = None;
    }

    /// Ends the spawner and every worker, and waits until it is gone.
    pub(crate) async fn close(&self) {
        let Some(mut connection) = self.connection.lock().await.take() else { return };
        drop(connection.socket.take());
        if let Some(mut child) = connection.child.take() {
            let waited = tokio::task::spawn_blocking(move || child.wait());
            if tokio::time::timeout(CLOSE_MAX, waited).await.is_err() {
                tracing::error!("the process that starts workers does not end");
            }
        }
    }
}

/// How long a spawner may take to end all workers before we go on without it.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// The next report of a keeper; `None` once it is gone.
pub(crate) async fn receive(
    control: &AsyncFd<OwnedFd>,
) -> io::Result<Option<(Report, Vec<OwnedFd>)>> {
    let receive = |control: &OwnedFd| protocol::receive(control, RecvFlags::DONTWAIT);
    control.async_io(Interest::READABLE, receive).await
}

/// How far a trial came: whether landlock holds, or why it failed.
fn trial_report(control: &OwnedFd) -> Result<bool, SpawnError> {
    let mut landlock = None;
    loop {
        let mut polled = [PollFd::new(control, PollFlags::IN)];
        let ready = rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, Some(&TRIAL)));
        if ready.map_err(prepare("trial"))? == 0 {
            let source = io::ErrorKind::TimedOut.into();
            return Err(SpawnError::Prepare { what: "trial", source });
        }
        let report = protocol::receive(control, RecvFlags::empty()).map_err(prepare("trial"))?;
        match (report, landlock) {
            (Some((Report::Listening | Report::Ready, _)), _) => {}
            (Some((Report::Started { landlock: holds, .. }, _)), _) => landlock = Some(holds),
            (Some((Report::Failed(failure), _)), _) => return Err(failure.into()),
            (Some((Report::Ended(Death { exit: Exit::Code(0), .. }), _)), Some(holds)) => {
                return Ok(holds);
            }
            (Some((Report::NotExecuted(_) | Report::Ended(_), _)) | None, _) => {
                return Err(SpawnError::Gone);
            }
        }
    }
}
