//! Runs Lambda functions: worker processes, the Runtime API that they speak, and the pools that
//! keep them warm.
//!
//! What this crate must not know: IAM, HTTP requests of callers, how functions are stored. It is
//! given a [`WorkerSpec`] (what to run) and an [`Event`] (one call), and gives an [`Outcome`].
//!
//! A worker is one process with what it starts, in a jail: namespaces, a root and a user of its
//! own, no right, and limits ([`Isolation`]). It gets the environment of its spec, what a [`Host`]
//! gives to it alone, and nothing else of the server: no descriptor, no variable, no credential.
//! Three kinds of process do the work: the server (this crate, within tokio), one spawner (a single
//! thread, so that it may fork), and a keeper for each worker, which is the first process of its jail.

mod cgroups;
mod client_file;
pub mod environment;
mod exchange;
mod fork;
mod found;
mod host;
mod invocation;
mod isolation;
mod jail;
mod keeper;
mod log;
pub mod node;
mod numbers;
mod outcome;
mod outliving;
mod output;
mod outside;
mod pip;
mod pools;
mod process;
mod protocol;
mod provisioned;
pub mod python;
pub mod python_tool;
mod records;
mod runtime_api;
pub mod runtimes;
mod self_waking;
mod spawner;
mod specification;
mod start;
pub mod unpack;
mod worker;
pub mod wrapper;
mod zygote;
mod zygotes;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub use host::{AnswerBody, Answering, Host, Own};
pub use isolation::{Confinement, Isolation, Places};
pub use outcome::Outcome;
pub use outliving::Outliving;
pub use output::{Output, Part};
pub use outside::{Destination, InvalidDestination, Reach};
pub use pip::PipError;
pub use provisioned::{Progress, ProvisionFailure, Provisioned};
pub use records::{LogFormat, SystemLevel};
pub use runtime_api::RESPONSE_BYTES_MAX;
pub use self_waking::SelfWaking;
pub use spawner::{SpawnError, run_if_spawner};
pub use specification::{
    Event, InvokeError, Program, RuntimeCommand, SandboxError, Settings, WorkerSpec, ZygoteCommand,
};

use invocation::Invocation;
use pools::Pools;
use start::Starter;

/// Runs events on worker processes. A cheap handle: clones share the same workers.
///
/// When the last handle is dropped, idle workers end at once, and running ones after their event.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    pools: Arc<Pools>,
    starter: Arc<Starter>,
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
    /// Makes a sandbox without workers, and finds out how it can keep them from this host.
    /// Blocking, for some milliseconds.
    ///
    /// # Errors
    /// [`SandboxError::NoRuntime`] outside of a tokio runtime.
    pub fn new(settings: Settings) -> Result<Self, SandboxError> {
        let runtime = Handle::try_current().map_err(|_| SandboxError::NoRuntime)?;
        let starter = Arc::new(Starter::new(&settings));
        let pools = Arc::new(Pools::new(settings));
        let sweeper = runtime.spawn(Arc::clone(&pools).sweep_forever());
        Ok(Self(Arc::new(Shared { pools, starter, runtime, sweeper })))
    }

    /// How functions are kept from this host.
    #[must_use]
    pub fn confinement(&self) -> &Confinement {
        self.0.starter.confinement()
    }

    /// Where a worker finds its function's code, its layers and the runtime client, where there are
    /// any.
    #[must_use]
    pub fn places(
        &self,
        code_dir: &Path,
        layers_dir: Option<&Path>,
        client_dir: Option<&Path>,
    ) -> Places {
        self.0.starter.places(code_dir, layers_dir, client_dir)
    }

    /// Gets a runtime's zygote ready, so that not even the first worker starts without.
    pub fn prewarm(&self, runtime: &RuntimeCommand) {
        drop(self.0.starter.zygote(runtime));
    }

    /// Runs one event on a worker of this version; reuses a warm one, else starts one.
    ///
    /// Waits when every place for a worker is taken. The event runs to its end even if the
    /// returned future is dropped, as on AWS. What the function does wrong (exception, exit,
    /// time-out) is an [`Outcome`], not an error.
    ///
    /// # Errors
    /// [`InvokeError::Throttled`] at the concurrency limit, [`InvokeError::ShuttingDown`] after
    /// [`Sandbox::shutdown`], [`InvokeError::Refused`] where functions do not run,
    /// [`InvokeError::Start`] when the host cannot start the worker.
    pub async fn invoke(
        &self,
        version: &Arc<WorkerSpec>,
        event: Event,
    ) -> Result<Outcome, InvokeError> {
        self.invoke_holding(version, event, ()).await
    }

    /// The same; `held` is held until the event has ended, be its caller gone or not.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    pub async fn invoke_holding(
        &self,
        version: &Arc<WorkerSpec>,
        event: Event,
        held: impl Send + 'static,
    ) -> Result<Outcome, InvokeError> {
        if let Confinement::Refused { why } = self.confinement() {
            return Err(InvokeError::Refused(why.clone()));
        }
        let running = self.0.pools.admit()?;
        let spec = Arc::clone(version);
        let starter = Arc::clone(&self.0.starter);
        let invocation = Invocation::new(running, starter, spec, event).run();
        let holding = async move {
            let _held = held;
            invocation.await
        };
        Outliving::new(self.0.runtime.clone(), holding).await
    }

    /// Ends the workers of one spec: idle ones now, running ones after their event.
    ///
    /// For when code or configuration changed or the function is gone. Events that wait for a
    /// worker of it, or come with this very spec later, still run, on workers that end when no event
    /// of it waits.
    pub fn retire(&self, version: &Arc<WorkerSpec>) {
        self.0.pools.retire(version);
    }

    /// Refuses new events, lets running and waiting ones finish for up to `grace`, then ends every
    /// worker (SIGTERM, then SIGKILL) and waits until they are gone.
    pub async fn shutdown(&self, grace: Duration) {
        self.0.pools.shutdown(grace).await;
        self.0.starter.close().await;
    }
}

/// Locks, also after another thread panicked: every critical section here leaves its data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
