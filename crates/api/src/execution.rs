//! From a stored function to a running one: its code unpacked, its runtime ready, its environment.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use bytes::Bytes;
use portcullis_catalog::{
    Catalog, Snapshot,
    effects::{Resolved, SettleScope},
};
use portcullis_lambda::{
    AccountConcurrency, Deployment, Failure, FailureCode, FunctionArn, Lifecycle, LogLevels,
    Qualifier, Region, SystemLogLevel, Target,
};
use portcullis_logs::{FunctionLog, FunctionLogs};
use portcullis_sandbox::{
    Confinement, Event, InvokeError, LogFormat, Outcome, Provisioned, Sandbox, SystemLevel,
    WorkerSpec,
    environment::{Facts, provisioned_environment, standard_environment},
    runtimes::{Runtime, RuntimeError, Runtimes, Start},
    wrapper,
};
use portcullis_store::{Blobs, Digest};
use serde_json::json;

use crate::{
    cleanup::digest,
    code_folders::{CodeError, CodeFolders},
    concurrency::{ACCOUNT_LIMIT, Concurrency},
    error::ApiError,
    function_host::FunctionHost,
    provisioned::ProvisionedVersions,
    state::State,
};

/// How long a stop waits for functions' logs.
const LOGS_CLOSE_MAX: Duration = Duration::from_secs(3);

/// The sandbox, and what is kept ready for it.
pub(crate) struct Execution {
    sandbox: Sandbox,
    runtimes: Runtimes,
    code: CodeFolders,
    region: Region,
    specs: Mutex<Specs>,
    logs: Arc<FunctionLogs>,
    pub(crate) concurrency: Concurrency,
    pub(crate) provisioned: ProvisionedVersions,
    /// The server that workers may call.
    server: Weak<State>,
}

/// Why no workers of a version can be kept ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvisionError {
    #[error("functions are not isolated: {0}")]
    NotIsolated(String),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Code(#[from] CodeError),
}

/// Where a deployment is unpacked.
struct Folders {
    code_dir: PathBuf,
    /// `None` without layers.
    layers_dir: Option<PathBuf>,
}

/// What workers run with.
#[derive(Default)]
struct Specs {
    /// The spec that each version last ran with, by the version's ARN.
    current: HashMap<String, Arc<WorkerSpec>>,
    /// What was replaced or deleted, while workers still end their last event with it.
    retired: Vec<Weak<WorkerSpec>>,
}

impl Specs {
    fn retire(&mut self, sandbox: &Sandbox, spec: &Arc<WorkerSpec>) {
        sandbox.retire(spec);
        self.retired.retain(|spec| spec.strong_count() > 0);
        self.retired.push(Arc::downgrade(spec));
    }

    /// Whether a worker runs, or may be started, in this folder.
    fn use_folder(&self, dir: &Path) -> bool {
        let retired = self.retired.iter().filter_map(Weak::upgrade);
        self.current
            .values()
            .cloned()
            .chain(retired)
            .any(|spec| spec.code_dir == dir || spec.layers_dir.as_deref() == Some(dir))
    }
}

impl Execution {
    pub(crate) fn new(
        sandbox: Sandbox,
        code_dir: PathBuf,
        runtimes_dir: PathBuf,
        region: Region,
        limit: AccountConcurrency,
        logs: FunctionLogs,
    ) -> Self {
        let logs = Arc::new(logs);
        let runtimes = Runtimes::new(runtimes_dir);
        let code = CodeFolders::new(code_dir);
        let (specs, concurrency) = (Mutex::default(), Concurrency::new(limit));
        let (provisioned, server) = (ProvisionedVersions::default(), Weak::new());
        Self { sandbox, runtimes, code, region, specs, logs, concurrency, provisioned, server }
    }

    /// Lets workers call this server, and run with sessions of their functions' roles.
    pub(crate) fn serve_workers(&mut self, server: Weak<State>) {
        self.server = server;
    }

    /// Runs one event on the version behind `resolved`: on a worker that is kept ready, or else on
    /// demand, within the limits of the account.
    ///
    /// A runtime that this host lacks, or a host that cannot isolate functions, is the function's
    /// error, as a broken function is: the caller did nothing wrong, and need not try again.
    ///
    /// # Errors
    /// [`ApiError::Throttled`], [`ApiError::ShuttingDown`], that the version was deleted before it
    /// was ready to run, and failures of the server's own.
    pub(crate) async fn run(
        &self,
        catalog: &Catalog,
        blobs: &Blobs,
        resolved: &Resolved,
        event: Event,
    ) -> Result<Outcome, ApiError> {
        let (version, id) = (version_arn(resolved), worker_id(resolved));
        let event = match self.provisioned.run(&version, &id, event).await {
            Ok(answer) => return answer,
            Err(event) => event,
        };
        let turn = self.concurrency.enter(&catalog.load(), &resolved.function)?;
        if let Confinement::Refused { .. } = self.sandbox.confinement() {
            return Ok(not_isolated());
        }
        let deployment = resolved.deployment();
        let spec = match self.ready(&version, &id) {
            Some(spec) => spec,
            None => {
                let name = deployment.configuration.runtime().as_str();
                match self.runtimes.prepare(name, log_progress).await {
                    Ok(runtime) => self.prepare(catalog, blobs, resolved, &runtime).await?,
                    Err(error) => {
                        tracing::warn!(%error, runtime = name, "functions of this runtime cannot run");
                        return Ok(runtime_missing(name, &error));
                    }
                }
            }
        };
        // A call goes on without its caller, and counts as long as it does.
        self.sandbox.invoke_holding(&spec, event, turn).await.map_err(failure)
    }

    /// Gets a version ready to have workers of it kept; `serial` is this keeping's own.
    pub(crate) async fn provision(
        &self,
        blobs: &Blobs,
        version: &Resolved,
        serial: u64,
    ) -> Result<Arc<WorkerSpec>, ProvisionError> {
        if let Confinement::Refused { why } = self.sandbox.confinement() {
            return Err(ProvisionError::NotIsolated(why.clone()));
        }
        let deployment = version.deployment();
        let name = deployment.configuration.runtime().as_str();
        let runtime = self.runtimes.prepare(name, log_progress).await?;
        let folders = self.unpacked(blobs, deployment).await?;
        let id = format!("{}@provisioned-{serial}", worker_id(version));
        let spec = self.spec(version, id, folders, &runtime);
        let environment = provisioned_environment(&spec.environment);
        Ok(Arc::new(WorkerSpec { environment, ..spec }))
    }

    /// Keeps `count` workers ready.
    pub(crate) fn keep(&self, spec: &Arc<WorkerSpec>, count: usize) -> Provisioned {
        self.sandbox.provision(spec, count)
    }

    /// Ends workers that were kept ready, the running ones after their event.
    pub(crate) fn let_go(&self, workers: Option<Arc<Provisioned>>) {
        if let Some(workers) = workers {
            self.specs().retire(&self.sandbox, workers.spec());
        }
    }

    /// The spec of this very deployment, if it ran before.
    fn ready(&self, version: &str, id: &str) -> Option<Arc<WorkerSpec>> {
        self.specs().current.get(version).filter(|spec| spec.id == id).cloned()
    }

    fn specs(&self) -> MutexGuard<'_, Specs> {
        self.specs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unpacks the code, puts the environment together, and retires the version's old workers.
    ///
    /// # Errors
    /// That the version was deleted meanwhile; and failures of the server's own.
    async fn prepare(
        &self,
        catalog: &Catalog,
        blobs: &Blobs,
        resolved: &Resolved,
        runtime: &Runtime,
    ) -> Result<Arc<WorkerSpec>, ApiError> {
        let folders = self.unpacked(blobs, resolved.deployment()).await;
        let folders = folders.map_err(ApiError::internal)?;
        let spec = Arc::new(self.spec(resolved, worker_id(resolved), folders, runtime));
        let mut specs = self.specs();
        // Under the lock: whoever deletes the version from here on finds the spec, and retires it.
        let now = catalog.load().version_now(resolved)?;
        if worker_id(&now) != spec.id {
            // An update came between: the workers that are there are the new ones.
            specs.retire(&self.sandbox, &spec);
            return Ok(spec);
        }
        let version = version_arn(resolved);
        // Callers at the same time share one: whoever waits with another would not be known as one of
        // what is retired.
        if let Some(there) = specs.current.get(&version).filter(|there| there.id == spec.id) {
            return Ok(there.clone());
        }
        if let Some(old) = specs.current.insert(version, spec.clone()) {
            specs.retire(&self.sandbox, &old);
        }
        Ok(spec)
    }

    fn spec(
        &self,
        resolved: &Resolved,
        id: String,
        Folders { code_dir, layers_dir }: Folders,
        runtime: &Runtime,
    ) -> WorkerSpec {
        let configuration = &resolved.deployment().configuration;
        let name = resolved.function.arn().name().to_owned();
        let version = resolved.version().to_string();
        let handler = configuration.handler().to_string();
        let memory_mb = u32::from(configuration.memory().get());
        let places = self.sandbox.places(&code_dir, layers_dir.as_deref(), runtime.client_dir());
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
            task_root: &places.task_root,
            layers_root: places.layers_root.as_deref(),
            runtime_dir: &places.runtime_dir,
            user_variables: &user,
        });
        WorkerSpec {
            id,
            runtime: runtime.command(&Start {
                handler: &handler,
                memory_mb,
                runtime_dir: &places.runtime_dir,
                wrapped: wrapper::is_wanted(&user),
            }),
            function: resolved.function.arn().to_string(),
            version,
            code_dir,
            layers_dir,
            handler,
            environment,
            host: Some(Arc::new(FunctionHost {
                state: self.server.clone(),
                function: resolved.function.arn().clone(),
                role: configuration.role().as_str().into(),
            })),
            log: Some(self.log_of(resolved.function.arn())),
            log_format: levels.map_or(LogFormat::Text, |levels| LogFormat::Json(level(levels))),
            timeout: Duration::from_secs(configuration.timeout().get().into()),
            memory_mb,
            ephemeral_mb: u32::from(configuration.ephemeral_storage().get()),
        }
    }

    fn log_of(&self, function: &FunctionArn) -> Arc<FunctionLog> {
        self.logs.of(function.account(), function.name())
    }

    /// The deployment's code and layers, unpacked now if they were not.
    async fn unpacked(&self, blobs: &Blobs, deployment: &Deployment) -> Result<Folders, CodeError> {
        let layers = deployment.configuration.layers().as_slice();
        let layers: Vec<_> = layers.iter().map(|used| digest(used.content)).collect();
        let layers_dir = self.code.overlaid(blobs, &layers).await?;
        let code_dir = self.code.ready(blobs, digest(deployment.code)).await?;
        Ok(Folders { code_dir, layers_dir })
    }

    /// Removes unpacked code of at least `age` that neither `is_used` nor a worker claims.
    pub(crate) async fn remove_unused_code(
        &self,
        age: Duration,
        is_used: impl Fn(&Digest) -> bool,
    ) -> io::Result<()> {
        let runs_in = |spec: &Arc<WorkerSpec>, dir: &Path| {
            spec.code_dir == dir || spec.layers_dir.as_deref() == Some(dir)
        };
        let is_used = |digest: &Digest, dir: &Path| {
            is_used(digest)
                || self.specs().use_folder(dir)
                || self.provisioned.specs().iter().any(|spec| runs_in(spec, dir))
        };
        self.code.remove_unused(age, is_used).await
    }

    /// Removes the logs that `is_claimed` does not claim, by account and name, and that nothing was
    /// written to for `age`.
    pub(crate) async fn remove_unclaimed_logs(
        &self,
        age: Duration,
        is_claimed: impl Fn(&str, &str) -> bool + Send + 'static,
    ) -> io::Result<()> {
        let logs = Arc::clone(&self.logs);
        let removing = move || logs.remove_unclaimed(age, is_claimed);
        tokio::task::spawn_blocking(removing).await.map_err(io::Error::other)?
    }

    /// Ends the idle workers of a function or version that was deleted, and forgets their specs.
    pub(crate) fn forget(&self, deleted: &Target) {
        let (whole, version) = (format!("{}:", deleted.function), deleted.to_string());
        self.forget_where(|ran| {
            (deleted.qualifier.is_none() && ran.starts_with(&whole)) || *ran == version
        });
    }

    /// The same for what is not there, whoever deleted it: another node, or this one while a call
    /// was about to run it.
    pub(crate) fn forget_missing(&self, snapshot: &Snapshot) {
        self.forget_where(|ran| {
            let (function, version) = ran.rsplit_once(':').unwrap_or((ran, ""));
            let function = function.parse().ok().and_then(|arn| snapshot.function(&arn));
            !function.is_some_and(|function| function.has(Some(&Qualifier::parse(version))))
        });
    }

    fn forget_where(&self, is_gone: impl Fn(&str) -> bool) {
        let mut specs = self.specs();
        let gone: Vec<_> = specs.current.extract_if(|ran, _| is_gone(ran)).collect();
        for (_, spec) in gone {
            specs.retire(&self.sandbox, &spec);
        }
    }

    /// Lets running events finish, then ends every worker.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        self.sandbox.shutdown(grace).await;
        let logs = Arc::clone(&self.logs);
        let closing = tokio::task::spawn_blocking(move || logs.close(LOGS_CLOSE_MAX));
        if let Err(error) = closing.await {
            tracing::error!(%error, "functions' logs were closed badly");
        }
    }

    /// Makes a deployment ready to run; what is wrong with the code fails it.
    async fn deploy(&self, blobs: &Blobs, deployment: &Deployment) -> Result<(), Failure> {
        let name = deployment.configuration.runtime().as_str();
        match self.runtimes.prepare(name, log_progress).await {
            Ok(Runtime::Python(python)) => self.sandbox.prewarm(&python.command("")),
            // Nothing of theirs is forked.
            Ok(Runtime::Node(_) | Runtime::Provided) => {}
            Err(error) => {
                tracing::warn!(%error, runtime = name, "functions of this runtime cannot run yet");
            }
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
pub(crate) fn worker_id(resolved: &Resolved) -> String {
    let created = resolved.function.head.created;
    format!("{}@{created}@{}", version_arn(resolved), resolved.deployment().generation)
}

pub(crate) fn version_arn(resolved: &Resolved) -> String {
    format!("{}:{}", resolved.function.arn(), resolved.version())
}

/// Why an event did not run.
pub(crate) fn failure(error: InvokeError) -> ApiError {
    match error {
        InvokeError::Throttled => ApiError::Throttled { reason: ACCOUNT_LIMIT },
        InvokeError::ShuttingDown => ApiError::ShuttingDown,
        InvokeError::Refused(_) | InvokeError::Start(_) => ApiError::internal(error),
    }
}

fn level(levels: LogLevels) -> SystemLevel {
    match levels.system {
        SystemLogLevel::Debug => SystemLevel::Debug,
        SystemLogLevel::Info => SystemLevel::Info,
        SystemLogLevel::Warn => SystemLevel::Warn,
    }
}

/// As on AWS: date, version, and 32 hexadecimal digits.
fn log_stream(version: &str) -> String {
    let today = jiff::Timestamp::now().strftime("%Y/%m/%d");
    format!("{today}/[{version}]{}", uuid::Uuid::new_v4().simple())
}

fn log_progress(line: &str) {
    tracing::info!("{line}");
}

/// The answer of a function whose runtime this host lacks. What exactly is missing names places on
/// the host: it is the operator's, in the log.
fn runtime_missing(runtime: &str, error: &RuntimeError) -> Outcome {
    let message = match error {
        RuntimeError::Unserved(_) => format!(
            "No function of the runtime {runtime} runs here. Choose another one, or bring it along \
             as the bootstrap of provided.al2023."
        ),
        _ => format!(
            "The runtime {runtime} is not available on this host. There, `portcullis runtime doctor \
             {runtime}` says what is missing and what to do."
        ),
    };
    failed("Runtime.NotAvailable", &message)
}

/// The answer of every function where none runs.
fn not_isolated() -> Outcome {
    let message = "This host cannot isolate functions, so none runs; the server's log says why, and \
                   its flag --isolation none would run them without.";
    failed("Sandbox.NotIsolated", message)
}

fn failed(error_type: &str, message: &str) -> Outcome {
    let payload = json!({"errorType": error_type, "errorMessage": message});
    Outcome {
        payload: Bytes::from(payload.to_string()),
        function_error: Some("Unhandled"),
        log_tail: None,
    }
}
