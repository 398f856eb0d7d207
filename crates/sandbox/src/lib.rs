//! Runs Lambda functions: worker processes, the Runtime API that they speak, and the pools that
//! keep them warm.
//!
//! What this crate must not know: IAM, HTTP requests of callers, how functions are stored. It is
//! given a [`WorkerSpec`] (what to run) and an [`Event`] (one call), and gives an [`Outcome`].
//!
//! A worker is one process in a session of its own. It gets the environment of its spec and
//! nothing else of the server: no descriptor, no variable, no credential. It is *not yet* isolated
//! from the host: it runs as the server's user, sees the host's files and its loopback network.
//! A process that a function moves into a session of its own outlives the worker.

mod exchange;
mod invocation;
mod log;
mod outcome;
mod outliving;
mod pools;
mod process;
pub mod python;
mod runtime_api;
mod spawn;
mod specification;
pub mod unpack;
mod worker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub use outcome::Outcome;
pub use runtime_api::RESPONSE_BYTES_MAX;
pub use spawn::SpawnError;
pub use specification::{Event, InvokeError, RuntimeCommand, SandboxError, Settings, WorkerSpec};

use invocation::Invocation;
use outliving::Outliving;
use pools::Pools;
use spawn::Spawner;

/// Runs events on worker processes. A cheap handle: clones share the same workers.
///
/// When the last handle is dropped, idle workers end at once, and running ones after their event.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    pools: Arc<Pools>,
    spawner: Arc<Spawner>,
    runtime: Handle,
    sweeper: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.sweeper.abort();
        self.pools.close();
    }
}

impl Sandbox {
    /// Makes a sandbox without workers; starts no process.
    ///
    /// # Errors
    /// [`SandboxError::NoRuntime`] outside of a tokio runtime, [`SandboxError::Thread`] when the
    /// thread that starts workers cannot be made.
    pub fn new(settings: Settings) -> Result<Self, SandboxError> {
        let runtime = Handle::try_current().map_err(|_| SandboxError::NoRuntime)?;
        let spawner = Arc::new(Spawner::start().map_err(SandboxError::Thread)?);
        let pools = Arc::new(Pools::new(settings));
        let sweeper = runtime.spawn(Arc::clone(&pools).sweep_forever());
        Ok(Self(Arc::new(Shared { pools, spawner, runtime, sweeper })))
    }

    /// Runs one event on a worker of this version; reuses a warm one, else starts one.
    ///
    /// Waits when every place for a worker is taken. The event runs to its end even if the
    /// returned future is dropped, as on AWS. What the function does wrong (exception, exit,
    /// time-out) is an [`Outcome`], not an error.
    ///
    /// # Errors
    /// [`InvokeError::Throttled`] at the concurrency limit, [`InvokeError::ShuttingDown`] after
    /// [`Sandbox::shutdown`], [`InvokeError::Start`] when the host cannot start the worker.
    pub async fn invoke(
        &self,
        version: &Arc<WorkerSpec>,
        event: Event,
    ) -> Result<Outcome, InvokeError> {
        let running = self.0.pools.admit()?;
        let spec = Arc::clone(version);
        let spawner = Arc::clone(&self.0.spawner);
        let invocation = Invocation::new(running, spawner, spec, event).run();
        Outliving::new(self.0.runtime.clone(), invocation).await
    }

    /// Ends the workers of one spec: idle ones now, running ones after their event.
    ///
    /// For when code or configuration changed or the function is gone. Events that wait for a
    /// worker of it still run.
    pub fn retire(&self, id: &str) {
        self.0.pools.retire(id);
    }

    /// Refuses new events, lets running and waiting ones finish for up to `grace`, then ends every
    /// worker (SIGTERM, then SIGKILL) and waits until they are gone.
    pub async fn shutdown(&self, grace: Duration) {
        self.0.pools.shutdown(grace).await;
    }
}

/// Locks, also after another thread panicked: every critical section here leaves its data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
