//! From a stored function to a running one: its code unpacked, its runtime ready, its environment.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use portcullis_catalog::effects::{Resolved, SettleScope};
use portcullis_lambda::{Deployment, Failure, FailureCode, FunctionArn, Lifecycle, Region, Target};
use portcullis_sandbox::{
    Event, InvokeError, Outcome, Sandbox, WorkerSpec,
    python::{Facts, Python, PythonError, PythonRuntime, standard_environment},
    unpack::{ZipError, unpack},
};
use portcullis_store::{Blobs, Digest, StoreError};
use serde_json::json;

use crate::{error::ApiError, state::State};

/// The sandbox, and what is kept ready for it.
pub(crate) struct Execution {
    sandbox: Sandbox,
    python: Python,
    code_dir: PathBuf,
    region: Region,
    /// The spec that each version last ran with, by the version's ARN.
    specs: Mutex<HashMap<String, Arc<WorkerSpec>>>,
}

/// Why code cannot be made ready.
#[derive(Debug, thiserror::Error)]
enum CodeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the code package is missing")]
    Missing,
    #[error(transparent)]
    Zip(#[from] ZipError),
    #[error("interrupted")]
    Interrupted,
}

impl Execution {
    pub(crate) fn new(
        sandbox: Sandbox,
        code_dir: PathBuf,
        runtimes_dir: PathBuf,
        region: Region,
    ) -> Self {
        let python = Python::new(runtimes_dir);
        Self { sandbox, python, code_dir, region, specs: Mutex::default() }
    }

    /// Runs one event on the version behind `resolved`.
    ///
    /// A runtime that this host lacks is the function's error, with the remedy, as a broken
    /// function is: the caller did nothing wrong.
    ///
    /// # Errors
    /// [`ApiError::Throttled`], [`ApiError::ShuttingDown`], and failures of the server's own.
    pub(crate) async fn run(
        &self,
        blobs: &Blobs,
        resolved: &Resolved,
        event: Event,
    ) -> Result<Outcome, ApiError> {
        let deployment = resolved.deployment();
        let id = worker_id(resolved);
        let spec = match self.ready(&version_arn(resolved), &id) {
            Some(spec) => spec,
            None => {
                let runtime = deployment.configuration.runtime().as_str();
                match self.python.prepare(runtime, log_progress).await {
                    Ok(python) => self.prepare(blobs, resolved, id, &python).await?,
                    Err(error) => return Ok(runtime_missing(runtime, &error)),
                }
            }
        };
        self.sandbox.invoke(&spec, event).await.map_err(|error| match error {
            InvokeError::Throttled => {
                ApiError::Throttled { reason: "ConcurrentInvocationLimitExceeded" }
            }
            InvokeError::ShuttingDown => ApiError::ShuttingDown,
            InvokeError::Start(error) => ApiError::internal(error),
        })
    }

    /// The spec of this very deployment, if it ran before.
    fn ready(&self, version: &str, id: &str) -> Option<Arc<WorkerSpec>> {
        let specs = self.specs.lock().unwrap_or_else(PoisonError::into_inner);
        specs.get(version).filter(|spec| spec.id == id).cloned()
    }

    /// Unpacks the code, puts the environment together, and retires the version's old workers.
    async fn prepare(
        &self,
        blobs: &Blobs,
        resolved: &Resolved,
        id: String,
        python: &PythonRuntime,
    ) -> Result<Arc<WorkerSpec>, ApiError> {
        let code_dir = self.unpacked(blobs, resolved.deployment()).await;
        let code_dir = code_dir.map_err(ApiError::internal)?;
        let spec = Arc::new(self.spec(resolved, id, code_dir, python));
        let mut specs = self.specs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = specs.insert(version_arn(resolved), spec.clone())
            && old.id != spec.id
        {
            self.sandbox.retire(&old.id);
        }
        Ok(spec)
    }

    fn spec(
        &self,
        resolved: &Resolved,
        id: String,
        code_dir: PathBuf,
        python: &PythonRuntime,
    ) -> WorkerSpec {
        let configuration = &resolved.deployment().configuration;
        let name = resolved.function.arn().name().to_owned();
        let version = resolved.version().to_string();
        let handler = configuration.handler().to_string();
        let memory_mb = u32::from(configuration.memory().get());
        let levels = configuration.log_format().levels();
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let user: Vec<_> = configuration
            .environment()
            .map(|all| all.iter().map(own).collect())
            .unwrap_or_default();
        let environment = standard_environment(&Facts {
            function_name: &name,
            version: &version,
            runtime: configuration.runtime().as_str(),
            handler: &handler,
            memory_mb,
            region: self.region.as_str(),
            log_group: configuration.log_group(),
            log_stream: &log_stream(&version),
            json_log_level: levels.map(|levels| levels.application.as_str()),
            credentials: None,
            task_root: &code_dir,
            runtime_dir: &python.client_dir,
            user_variables: &user,
        });
        WorkerSpec {
            id,
            runtime: python.command(&handler),
            function_name: name,
            version,
            code_dir,
            handler,
            environment,
            timeout: Duration::from_secs(configuration.timeout().get().into()),
            memory_mb,
        }
    }

    /// The folder with the deployment's code, unpacked now if it was not.
    async fn unpacked(&self, blobs: &Blobs, deployment: &Deployment) -> Result<PathBuf, CodeError> {
        let digest = Digest::from_bytes(*deployment.code.sha256.as_bytes());
        let dir = self.code_dir.join(digest.to_string());
        if tokio::fs::try_exists(&dir).await.unwrap_or(false) {
            return Ok(dir);
        }
        let zip = blobs.get(digest).await?.ok_or(CodeError::Missing)?;
        let target = dir.clone();
        let work = tokio::task::spawn_blocking(move || unpack(&zip, &target));
        work.await.map_err(|_| CodeError::Interrupted)??;
        Ok(dir)
    }

    /// Ends the idle workers of a function or version that was deleted, and forgets their specs.
    pub(crate) fn forget(&self, deleted: &Target) {
        let (whole, version) = (format!("{}:", deleted.function), deleted.to_string());
        let mut specs = self.specs.lock().unwrap_or_else(PoisonError::into_inner);
        specs.retain(|ran, spec| {
            let all = deleted.qualifier.is_none() && ran.starts_with(&whole);
            let gone = all || *ran == version;
            if gone {
                self.sandbox.retire(&spec.id);
            }
            !gone
        });
    }

    /// Lets running events finish, then ends every worker.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        self.sandbox.shutdown(grace).await;
    }

    /// Makes a deployment ready to run; what is wrong with the code fails it.
    async fn deploy(&self, blobs: &Blobs, deployment: &Deployment) -> Result<(), Failure> {
        let runtime = deployment.configuration.runtime().as_str();
        if let Err(error) = self.python.prepare(runtime, log_progress).await {
            tracing::warn!(%error, runtime, "functions of this runtime cannot run yet");
        }
        match self.unpacked(blobs, deployment).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "a deployment failed");
                let code = match error {
                    CodeError::Zip(_) => FailureCode::InvalidZipFileException,
                    _ => FailureCode::InternalError,
                };
                Err(Failure { code, reason: error.to_string().into() })
            }
        }
    }
}

/// Ends the preparation of a deployment in the background, as AWS does after its answer.
pub(crate) fn settle_later(state: &Arc<State>, arn: FunctionArn, scope: SettleScope) {
    let state = state.clone();
    tokio::spawn(async move {
        let Some(deployment) = pending(&state, &arn, scope) else { return };
        let outcome = state.execution.deploy(&state.blobs, &deployment).await;
        if let Err(error) = state.catalog.settle(&arn, scope, &outcome).await {
            tracing::error!(?error, function = %arn, "a deployment cannot be settled");
        }
    });
}

/// Takes up what a stop or crash left unsettled.
pub(crate) fn settle_all(state: &Arc<State>) {
    let snapshot = state.catalog.load();
    for function in snapshot.all_functions() {
        let numbers = function.versions.keys().map(|number| SettleScope::Version(*number));
        for scope in numbers.chain([SettleScope::Latest]) {
            if pending(state, function.arn(), scope).is_some() {
                settle_later(state, function.arn().clone(), scope);
            }
        }
    }
}

/// The deployment that waits to be settled, if it does.
fn pending(state: &State, arn: &FunctionArn, scope: SettleScope) -> Option<Deployment> {
    let snapshot = state.catalog.load();
    let function = snapshot.function(arn)?;
    let deployment = match scope {
        SettleScope::Latest => function.head.latest(),
        SettleScope::Version(number) => &function.versions.get(&number)?.deployment,
    };
    let waits = matches!(deployment.lifecycle, Lifecycle::Pending | Lifecycle::Updating);
    waits.then(|| deployment.clone())
}

/// What workers may be shared by: one incarnation of one version with one code and configuration.
fn worker_id(resolved: &Resolved) -> String {
    let created = resolved.function.head.created;
    format!("{}@{created}@{}", version_arn(resolved), resolved.deployment().generation)
}

fn version_arn(resolved: &Resolved) -> String {
    format!("{}:{}", resolved.function.arn(), resolved.version())
}

/// As on AWS: date, version, and 32 hexadecimal digits.
fn log_stream(version: &str) -> String {
    let today = jiff::Timestamp::now().strftime("%Y/%m/%d");
    format!("{today}/[{version}]{}", uuid::Uuid::new_v4().simple())
}

fn log_progress(line: &str) {
    tracing::info!("{line}");
}

/// The answer of a function whose runtime this host lacks.
fn runtime_missing(runtime: &str, error: &PythonError) -> Outcome {
    let payload = json!({
        "errorType": "Runtime.NotAvailable",
        "errorMessage": format!("The runtime {runtime} is not available on this host: {error}"),
    });
    Outcome {
        payload: Bytes::from(payload.to_string()),
        function_error: Some("Unhandled"),
        log_tail: None,
    }
}
