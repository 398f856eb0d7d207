//! What a caller hands in: what to run, one event, the limits; and why an event did not run.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portcullis_logs::FunctionLog;

use crate::host::Host;
use crate::isolation::Isolation;
use crate::output::Output;
use crate::outside::Reach;
use crate::records::LogFormat;
use crate::spawner::SpawnError;

/// What is executed for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program of the host. Absolute path: it is executed as it is, without a search through
    /// `PATH`.
    Host(PathBuf),
    /// The function's own: `bootstrap` in its code, or else in its layers.
    Bootstrap,
}

/// The program that speaks the Runtime API for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeCommand {
    /// The program itself.
    pub program: Program,
    /// Arguments after the program's name.
    pub arguments: Vec<String>,
    /// Folders of the host that the program needs, beyond those of the system (`/usr`, `/lib`, …):
    /// a jail shows them at the same place.
    pub folders: Vec<PathBuf>,
    /// The folder of the runtime client, if it has one: a jail has it as `/var/runtime`.
    pub client_dir: Option<PathBuf>,
    /// How the program is kept loaded, to be forked for new workers; `None` if it cannot be.
    pub zygote: Option<ZygoteCommand>,
}

/// A program that forks itself for new workers: it speaks the protocol of `zygote.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZygoteCommand {
    /// Arguments of the runtime's program that make it a zygote.
    pub arguments: Vec<String>,
    /// Its environment: what the program reads only at its start, as a usual worker has it.
    pub environment: Vec<(String, String)>,
    /// What its child is told, in place of the runtime's arguments.
    pub work: Vec<String>,
}

/// Everything that a worker of one function version is made from. `Debug` shows which one it is,
/// and nothing of its environment, which may hold secrets.
#[derive(Clone)]
pub struct WorkerSpec {
    /// Unique per function version *and* its code and configuration: workers are shared by id.
    pub id: String,
    /// What tells the function from all others, whatever its version: its ARN.
    pub function: String,
    /// `$LATEST` or a number, as the log's START line shows it.
    pub version: String,
    /// What to execute.
    pub runtime: RuntimeCommand,
    /// The unpacked code: the worker's working directory, in a jail as `/var/task`.
    pub code_dir: PathBuf,
    /// The unpacked layers, if there are any: in a jail as `/opt`.
    pub layers_dir: Option<PathBuf>,
    /// The handler as configured (`module.function`).
    pub handler: String,
    /// The whole environment but for what each worker has of its own. The sandbox adds only
    /// `AWS_LAMBDA_RUNTIME_API` and, where there is a host, `AWS_ENDPOINT_URL` if nothing else is it.
    pub environment: Vec<(String, String)>,
    /// Who stands behind the workers; with `None` they have nothing of their own, and nobody to
    /// talk to but the Runtime API.
    pub host: Option<Arc<dyn Host>>,
    /// Where all goes that the workers print, and what Lambda writes about their events; `None`: nowhere.
    pub log: Option<Arc<FunctionLog>>,
    /// How Lambda writes about their events.
    pub log_format: LogFormat,
    /// Longest that one event may run, from its delivery to the worker on.
    pub timeout: Duration,
    /// Memory that a worker may have beside its `/tmp`, in MiB, and its part of the processors goes by
    /// it; the log's REPORT line shows it.
    pub memory_mb: u32,
    /// Size of `/tmp` in MiB.
    pub ephemeral_mb: u32,
}

impl fmt::Debug for WorkerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerSpec").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One call of a function.
#[derive(Clone, Debug)]
pub struct Event {
    /// The id that the caller sees as `x-amzn-RequestId`: a UUID.
    pub request_id: String,
    /// The event: JSON, at most 6 MiB (the caller checks both).
    pub payload: Bytes,
    /// The ARN as it was called, with its qualifier if one was given.
    pub invoked_function_arn: String,
    /// The client context as JSON text (decoded from the caller's base64).
    pub client_context: Option<String>,
    /// The X-Ray trace header (`Root=1-…`).
    pub trace_id: String,
    /// Whether [`Outcome::log_tail`](crate::Outcome::log_tail) is wanted.
    pub log_tail: bool,
    /// Where the answer goes while it is being made, if the runtime streams it; the payload of its
    /// [`Outcome`](crate::Outcome) is empty then. With `None` a streamed answer is put together.
    pub output: Option<Output>,
}

/// Limits of a sandbox.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most events at a time, waiting ones included; one more is throttled.
    pub concurrency_limit: usize,
    /// Most worker processes at a time, idle ones included; events wait beyond it.
    pub workers_max: usize,
    /// Most workers in their first second of start at a time: a start is CPU-bound.
    pub starts_max: usize,
    /// How long an idle worker is kept. Unrelated to a function's time-out.
    pub idle_grace: Duration,
    /// How old a worker may be when it takes another event: well below what its credentials last.
    pub age_max: Duration,
    /// Longest that a worker may take from its start until it asks for its first event. AWS: 10 s.
    pub init_limit: Duration,
    /// How workers are kept from the host.
    pub isolation: Isolation,
    /// What workers in jails may reach of the outside. Those without a jail have the host's network.
    pub reach: Reach,
    /// A program that calls [`run_if_spawner`](crate::run_if_spawner) first.
    pub spawner: PathBuf,
}

impl Default for Settings {
    /// AWS's limits, as many workers as fit into the host's memory at 64 MiB each, and this very
    /// program as the spawner.
    fn default() -> Self {
        Self {
            concurrency_limit: 1000,
            workers_max: workers_that_fit(),
            starts_max: std::thread::available_parallelism().map_or(2, usize::from),
            idle_grace: Duration::from_secs(300),
            age_max: Duration::from_secs(6 * 3600),
            init_limit: Duration::from_secs(10),
            isolation: Isolation::Auto,
            reach: Reach::default(),
            spawner: PathBuf::from("/proc/self/exe"),
        }
    }
}

impl Settings {
    /// Most workers that may be kept ready: the rest of the places, a tenth and at least one, stays
    /// for those that events start.
    pub(crate) fn kept_max(&self) -> usize {
        self.workers_max.saturating_sub((self.workers_max / 10).max(1))
    }
}

/// Host memory over 64 MiB (a Python worker with a few libraries), between 4 and 1000.
fn workers_that_fit() -> usize {
    const WORKER_BYTES: u64 = 64 << 20;
    let host = rustix::system::sysinfo();
    let bytes = host.totalram.saturating_mul(u64::from(host.mem_unit));
    usize::try_from(bytes / WORKER_BYTES).map_or(1000, |fit| fit.clamp(4, 1000))
}

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// [`Sandbox::new`](crate::Sandbox::new) was called outside of a tokio runtime.
    #[error("the sandbox needs a tokio runtime")]
    NoRuntime,
}

/// Why an event was not answered by a worker.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The concurrency limit is reached: 429, reason `ConcurrentInvocationLimitExceeded`.
    #[error("Rate Exceeded.")]
    Throttled,
    /// The sandbox is shutting down; the event did not run, or did not run to its end.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// Functions do not run here; why, and what would help.
    #[error("functions do not run: {0}")]
    Refused(String),
    /// The host cannot start the worker.
    #[error("cannot start a worker")]
    Start(#[from] SpawnError),
}
