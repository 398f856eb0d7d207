//! The runtimes of this host, whatever language they are for.

use std::path::{Path, PathBuf};

use crate::python::{Python, PythonError, PythonRuntime};
use crate::specification::{Program, RuntimeCommand};

/// What runtimes of one kind have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `python3.x`: an interpreter of the host with AWS's runtime client.
    Python,
    /// `provided.al2` and `provided.al2023`: whatever the function brings along.
    Provided,
}

impl Family {
    /// The family of a runtime by Lambda's name of it; none if it does not run here at all.
    #[must_use]
    pub fn of(runtime: &str) -> Option<Self> {
        match runtime {
            "provided.al2" | "provided.al2023" => Some(Self::Provided),
            python if python.starts_with("python3.") => Some(Self::Python),
            _ => None,
        }
    }
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
}

/// A runtime that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// An interpreter and its client.
    Python(PythonRuntime),
    /// What the function brings along.
    Provided,
}

impl Runtime {
    /// How a worker for a function with this handler is started.
    #[must_use]
    pub fn command(&self, handler: &str) -> RuntimeCommand {
        match self {
            Self::Python(python) => python.command(handler),
            // The handler is in the environment, as on Lambda.
            Self::Provided => RuntimeCommand {
                program: Program::Bootstrap,
                arguments: Vec::new(),
                folders: Vec::new(),
                client_dir: None,
                zygote: None,
            },
        }
    }

    /// The folder of the runtime client, if there is one.
    #[must_use]
    pub fn client_dir(&self) -> Option<&Path> {
        match self {
            Self::Python(python) => Some(&python.client_dir),
            Self::Provided => None,
        }
    }
}

/// The runtimes of this host, prepared when first asked for. A cheap handle.
#[derive(Clone)]
pub struct Runtimes {
    python: Python,
}

impl Runtimes {
    /// Keeps what has to be fetched for runtimes below `dir`, which is made when needed. Does
    /// nothing yet.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { python: Python::new(dir) }
    }

    /// The runtime of Lambda's name. The first call may take a minute, where something has to be
    /// fetched; calls at the same time share the work. A failure is not remembered.
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
            Some(Family::Provided) => Ok(Runtime::Provided),
            None => Err(RuntimeError::Unserved(runtime.to_owned())),
        }
    }
}
