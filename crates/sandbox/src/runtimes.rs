//! The runtimes of this host, whatever language they are for.

mod trial;

use std::path::{Path, PathBuf};

use crate::node::{self, Node, NodeError, NodeRuntime};
use crate::python::{self, Python, PythonError, PythonRuntime};
use crate::specification::{Program, RuntimeCommand};
use crate::wrapper;

pub use trial::{TrialError, try_out};

/// What runtimes of one kind have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `python3.x`: an interpreter of the host with AWS's runtime client.
    Python,
    /// `nodejs20.x` and later: a program of the host, or one that was installed, with our client.
    Node,
    /// `provided.al2` and `provided.al2023`: whatever the function brings along.
    Provided,
}

impl Family {
    /// The family of a runtime by Lambda's name of it; none if it does not run here at all.
    #[must_use]
    pub fn of(runtime: &str) -> Option<Self> {
        if PROVIDED.contains(&runtime) {
            return Some(Self::Provided);
        }
        if node::names().any(|name| name == runtime) {
            return Some(Self::Node);
        }
        python::names().any(|name| name == runtime).then_some(Self::Python)
    }
}

/// The runtimes that bring nothing along.
const PROVIDED: [&str; 2] = ["provided.al2023", "provided.al2"];

/// Every runtime that can run on a host that has what it needs, the newest of each family first.
pub fn names() -> impl Iterator<Item = &'static str> {
    python::names().chain(node::names()).chain(PROVIDED)
}

/// How a runtime stands on this host.
#[derive(Debug)]
pub enum Standing {
    /// Functions of it can run.
    Ready(Equipment),
    /// They can after [`Runtimes::prepare`], which fetches what is missing.
    Installable(Equipment),
    /// They cannot; the error says what would help.
    Missing(RuntimeError),
}

/// What a runtime runs by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equipment {
    /// The program, if it is one of the host's.
    pub program: Option<PathBuf>,
    /// The runtime client and its version, if there is one.
    pub client: Option<String>,
}

/// Why functions of a runtime cannot run here. Displays with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Nothing runs this runtime, on any host.
    #[error("{0} is not a runtime that can run here")]
    Unserved(String),
    /// Its Python cannot be prepared.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// Its Node.js cannot be prepared.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The work was interrupted, by the end of the program or a panic.
    #[error("the preparation of the runtime was interrupted")]
    Interrupted,
}

/// What a worker is started for.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The handler as configured.
    pub handler: &'a str,
    /// Configured memory in MiB.
    pub memory_mb: u32,
    /// Where the worker finds the runtime client.
    pub runtime_dir: &'a Path,
    /// Whether the function has a script of its own that starts the runtime.
    pub wrapped: bool,
}

/// A runtime that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// An interpreter and its client.
    Python(PythonRuntime),
    /// A program and its client.
    Node(NodeRuntime),
    /// What the function brings along.
    Provided,
}

impl Runtime {
    /// How a worker is started.
    #[must_use]
    pub fn command(&self, start: &Start<'_>) -> RuntimeCommand {
        let command = match self {
            Self::Python(python) if start.wrapped => python.command_to_wrap(start.runtime_dir),
            Self::Python(python) => python.command(start.handler),
            Self::Node(node) => node.command(start),
            // The handler is in the environment, as on Lambda.
            Self::Provided => RuntimeCommand {
                program: Program::Bootstrap,
                arguments: Vec::new(),
                folders: Vec::new(),
                client_dir: None,
                zygote: None,
            },
        };
        if start.wrapped { wrapper::wrap(command) } else { command }
    }

    /// What kind of runtime it is.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Python(_) => Family::Python,
            Self::Node(_) => Family::Node,
            Self::Provided => Family::Provided,
        }
    }

    /// The folder of the runtime client, if there is one.
    #[must_use]
    pub fn client_dir(&self) -> Option<&Path> {
        match self {
            Self::Python(python) => Some(&python.client_dir),
            Self::Node(node) => Some(&node.client_dir),
            Self::Provided => None,
        }
    }
}

/// The runtimes of this host, prepared when first asked for. A cheap handle.
#[derive(Clone)]
pub struct Runtimes {
    dir: PathBuf,
    python: Python,
    node: Node,
}

impl Runtimes {
    /// Keeps what has to be fetched for runtimes below `dir`, which is made when needed. Does
    /// nothing yet.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { python: Python::new(dir.clone()), node: Node::new(dir.clone()), dir }
    }

    /// The runtime of Lambda's name. The first call may take a minute, where something has to be
    /// fetched; calls at the same time share the work. What is found on the host is remembered while
    /// its programs do not change, that nothing is found for some seconds.
    ///
    /// # Errors
    /// [`RuntimeError`]; its text tells the remedy.
    pub async fn prepare(
        &self,
        runtime: &str,
        progress: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Runtime, RuntimeError> {
        match Family::of(runtime) {
            Some(Family::Python) => {
                Ok(Runtime::Python(self.python.prepare(runtime, progress).await?))
            }
            Some(Family::Node) => Ok(Runtime::Node(self.node.prepare(runtime).await?)),
            Some(Family::Provided) => Ok(Runtime::Provided),
            None => Err(RuntimeError::Unserved(runtime.to_owned())),
        }
    }

    /// The same, after fetching also what is fetched only when asked for: a whole Node.js.
    ///
    /// # Errors
    /// [`RuntimeError`]; its text tells the remedy.
    pub async fn install(
        &self,
        runtime: &str,
        progress: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Runtime, RuntimeError> {
        if Family::of(runtime) == Some(Family::Node) {
            let (dir, name) = (self.dir.clone(), runtime.to_owned());
            let install = move || node::install(&name, &dir, &progress);
            tokio::task::spawn_blocking(install).await.map_err(|_| RuntimeError::Interrupted)??;
            return self.prepare(runtime, |_| {}).await;
        }
        self.prepare(runtime, progress).await
    }

    /// How a runtime stands, without changing it. Blocking: it tries programs of the host.
    #[must_use]
    pub fn inspect(&self, runtime: &str) -> Standing {
        match Family::of(runtime) {
            Some(Family::Python) => match self.python.inspect(runtime) {
                Ok(standing) => standing,
                Err(error) => Standing::Missing(error.into()),
            },
            Some(Family::Node) => match node::inspect(runtime, &self.dir) {
                Ok(standing) => standing,
                Err(error) => Standing::Missing(error.into()),
            },
            Some(Family::Provided) => Standing::Ready(Equipment { program: None, client: None }),
            None => Standing::Missing(RuntimeError::Unserved(runtime.to_owned())),
        }
    }
}
